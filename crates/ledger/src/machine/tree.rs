//! The tree over the audit log, asked: signed checkpoints, proofs, and catching up with a log that is older
//! than the tree (R54).
//!
//! A tree that has as many events as the log, and the same last link, is level with it. Where it is not, as
//! after an upgrade, a return to an older release or a rebuild, events come first from the Ledger's own
//! copies, and then from D1, checked under the keys of the chain.

use postern_domain::audit::hex;
use postern_domain::audit::mend::KEPT;
use postern_domain::audit::verify::Row;
use postern_domain::id::OrganizationId;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_transparency::tiles::Unmade;
use postern_transparency::tree::{Hash, empty_root};
use postern_transparency::{print_hash, proof};

use super::{Acting, Ledger};
use crate::done::{Carried, Delivery, Done, Outcome, Suspended, Wait, Waiting};
use crate::rebuild::{Numbered, RebuildRefusal};
use crate::sql::{Result, Sql, SqlError};
use crate::store::tree::{LastSigned, StoredTiles};
use crate::{KeptQuery, TreeAnswer, TreeCommand, TreeStep};

/// A checkpoint that is to be signed once D1 was offered what it covers.
#[derive(Debug)]
pub struct Signing {
    organization: OrganizationId,
    size: u64,
    root: Hash,
}

impl Carried for TreeCommand {
    type Suspended = Signing;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            let answer = match self.step {
                TreeStep::Sign => ledger.signed(self.organization, 0, empty_root()),
                TreeStep::Grow { .. } => Ok(TreeAnswer::Level { size: 0 }),
                TreeStep::Consistency { .. } | TreeStep::Inclusion { .. } => {
                    Ok(TreeAnswer::OutOfRange { size: 0 })
                }
            };
            return Ok(Done::Answer(answer?));
        }
        let actor = acting.actor();
        ledger.prepare_write(acting, now)?;
        if let TreeStep::Grow { rows } = &self.step
            && let Some(refused) = ledger.take_into_tree(self.organization, rows)?
        {
            return Ok(Done::Answer(refused));
        }
        let reach = ledger.catch_up()?;
        let TreeAnswer::Level { size } = reach else {
            return Ok(Done::Answer(reach));
        };
        let answer = match self.step {
            TreeStep::Grow { .. } => reach,
            TreeStep::Sign => {
                return match ledger.to_sign(self.organization)? {
                    Ok(suspended) => Ok(Done::AfterDelivery(Waiting {
                        actor,
                        wait: Wait::Offer,
                        suspended,
                    })),
                    Err(refused) => Ok(Done::Answer(refused)),
                };
            }
            TreeStep::Consistency { to: end, .. } | TreeStep::Inclusion { size: end, .. }
                if end > size =>
            {
                TreeAnswer::OutOfRange { size }
            }
            TreeStep::Consistency { from, to } => {
                let tiles = StoredTiles::of(&ledger.store, ledger.store.tree()?);
                told(proof::consistency(&tiles, from, to), size)?
            }
            TreeStep::Inclusion { index, size: of } => {
                let tiles = StoredTiles::of(&ledger.store, ledger.store.tree()?);
                told(proof::inclusion(&tiles, index, of), size)?
            }
        };
        Ok(Done::Answer(answer))
    }
}

/// A proof as it travels.
fn told(proof: core::result::Result<Vec<Hash>, Unmade<SqlError>>, size: u64) -> Result<TreeAnswer> {
    match proof {
        Ok(hashes) => Ok(TreeAnswer::Proof {
            hashes: hashes.iter().map(print_hash).collect(),
        }),
        Err(Unmade::Store(error)) => Err(error),
        Err(Unmade::Missing(_) | Unmade::Range) => Ok(TreeAnswer::OutOfRange { size }),
    }
}

impl Suspended<TreeCommand> for Signing {
    fn resume<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        now: Timestamp,
        actor: Actor,
        _: Delivery,
    ) -> Outcome<TreeCommand> {
        // D1 was waited for since: nothing is signed for an actor that was revoked meanwhile.
        ledger.acting(actor, now)?;
        let answer = ledger.signed(self.organization, self.size, self.root)?;
        let signed = LastSigned {
            origin: ledger.origin(self.organization).unwrap_or_default(),
            size: self.size,
            root: self.root,
        };
        // What was signed meanwhile for somebody else may be larger.
        let is_before = |last: LastSigned| last.origin != signed.origin || last.size <= signed.size;
        if ledger.store.last_signed()?.is_none_or(is_before) {
            ledger.store.set_signed(&signed)?;
        }
        Ok(Done::Answer(answer))
    }
}

/// Whether each row follows on the one before it.
fn is_chain(rows: &[(u64, Row)]) -> bool {
    let follows = |pair: &[(u64, Row)]| match pair {
        [(before, old), (number, row)] => before + 1 == *number && row.previous == old.link,
        _ => false,
    };
    rows.windows(2).all(follows)
}

impl<S: Sql> Ledger<S> {
    /// What a checkpoint of the log as it is now says. A log that does not continue what was signed before
    /// is not signed: two checkpoints that do not fit would make every witness call it a fork, and rightly.
    fn to_sign(
        &self,
        organization: OrganizationId,
    ) -> Result<core::result::Result<Signing, TreeAnswer>> {
        let Some(origin) = self.origin(organization) else {
            return Ok(Err(TreeAnswer::NoKeys));
        };
        let grown = self.store.tree()?;
        let (size, root) = (grown.size(), grown.edge.frontier().root());
        let last = self.store.last_signed()?;
        if let Some(last) = last.filter(|last| last.origin == origin) {
            let tiles = StoredTiles::of(&self.store, grown);
            let is_same = match proof::root(&tiles, last.size) {
                Ok(then) => then == last.root,
                Err(Unmade::Store(error)) => return Err(error),
                Err(Unmade::Missing(_) | Unmade::Range) => false,
            };
            if !is_same {
                return Ok(Err(TreeAnswer::Forked { size: last.size }));
            }
        }
        Ok(Ok(Signing {
            organization,
            size,
            root,
        }))
    }

    /// The name of the log; `None` where there are no keys.
    fn origin(&self, organization: OrganizationId) -> Option<String> {
        let keys = self.settings.log_keys.as_ref()?;
        Some(keys.origin(&organization.to_string()))
    }

    fn signed(&self, organization: OrganizationId, size: u64, root: Hash) -> Result<TreeAnswer> {
        let Some(keys) = &self.settings.log_keys else {
            return Ok(TreeAnswer::NoKeys);
        };
        let note = keys
            .sign(&organization.to_string(), size, root)
            .map_err(|error| SqlError(error.to_string()))?;
        Ok(TreeAnswer::Signed {
            size,
            note: note.to_string(),
        })
    }

    /// Takes in events of D1, once they are found to be the organization's own and to follow on those that
    /// the tree has; tells what is wrong otherwise.
    fn take_into_tree(
        &self,
        organization: OrganizationId,
        rows: &[Numbered],
    ) -> Result<Option<TreeAnswer>> {
        if rows.is_empty() {
            return Ok(None);
        }
        if let Err(refused) = self.genuine(organization, rows) {
            let (sequence, problem) = match refused {
                RebuildRefusal::NotGenuine { sequence, problem } => (sequence, problem),
                _ => (0, "an event is not genuine".to_owned()),
            };
            return Ok(Some(TreeAnswer::NotGenuine { sequence, problem }));
        }
        let grown = self.store.tree()?;
        let next = grown.size().saturating_add(1);
        let forks = |first: &Numbered| first.sequence == next && first.row.previous != grown.link;
        if rows.first().is_some_and(forks) {
            // The tree holds what D1's log was before.
            self.store.forget_tree()?;
        }
        let rows: Vec<_> = rows
            .iter()
            .map(|told| (told.sequence, told.row.clone()))
            .collect();
        self.store.grow_tree_by(&rows)?;
        Ok(None)
    }

    /// Takes in what the Ledger has copies of, and tells whether the tree is level with the log then. A
    /// tree that holds another log than the Ledger's is forgotten.
    fn catch_up(&self) -> Result<TreeAnswer> {
        let head = self.store.head()?;
        let log = u64::try_from(head.sequence).unwrap_or_default();
        let mut grown = self.store.tree()?;
        if grown.size() < log && log - grown.size() <= KEPT {
            let kept = KeptQuery {
                after: grown.size(),
                up_to: log,
            };
            let copies = self.store.kept_events(kept)?;
            // A rebuild leaves copies of what the log was before: they have to lead up to its head.
            let is_whole = copies.len() as u64 == log - grown.size() && is_chain(&copies);
            let ends = |(_, last): &(u64, Row)| last.link == hex(&head.link);
            if is_whole && copies.last().is_some_and(ends) {
                self.store.grow_tree_by(&copies)?;
                grown = self.store.tree()?;
            }
        }
        if grown.size() >= log && (grown.size() != log || grown.link != hex(&head.link)) {
            self.store.forget_tree()?;
            grown = self.store.tree()?;
        }
        let size = grown.size();
        Ok(match size == log {
            true => TreeAnswer::Level { size },
            false => TreeAnswer::Behind { size, log },
        })
    }
}
