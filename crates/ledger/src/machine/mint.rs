//! Mint, and adopt: a new token, pending until D1 has its row. The step that makes it active
//! checks again what could have changed meanwhile: the caller's token, and the new token itself.

use postern_domain::audit::{Action, Requester};
use postern_domain::standing::{Actor, Created};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use super::{Acting, Ledger};
use crate::done::{Carried, Delivery, Done, Outcome, Suspended, Wait, Waiting};
use crate::sql::Sql;
use crate::{MintAnswer, MintCommand};

/// A mint whose row is on the way to D1.
#[derive(Debug)]
pub struct PendingMint {
    facts: TokenFacts,
    requester: Requester,
    entry: i64,
}

impl Carried for MintCommand {
    type Suspended = PendingMint;

    const CREATES: bool = true;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        let actor = acting.actor();
        ledger.prepare_write(acting, now)?;
        // INVARIANT (no stored token where CI jobs alone get tokens): whoever asks.
        if ledger.store.federated_only()? {
            return Ok(Done::Answer(MintAnswer::FederatedOnly));
        }
        let facts = &self.facts;
        if let Err(why) = ledger.store.policy()?.check_end(facts.expires_at, now) {
            return Ok(Done::Answer(MintAnswer::ExpiryRefused(why)));
        }
        // Fresh ids never meet one; an adopted token brings the one that the origin gave it.
        if let Some(standing) = ledger.store.standing(facts.id)? {
            return Ok(Done::Answer(MintAnswer::IdTaken {
                revoked: !standing.revocable(now),
            }));
        }
        let normalize = ledger.settings.normalize;
        if ledger.store.name_taken(facts, None, now, normalize)? {
            return Ok(Done::Answer(MintAnswer::NameTaken));
        }
        let (ceiling, reservation) = (self.ceiling, self.reservation);
        if !facts.is_system && ledger.exceeds(ceiling, reservation, now)? {
            return Ok(Done::Answer(MintAnswer::CeilingReached { ceiling }));
        }
        let action = match facts.adopted() {
            true => Action::TokenAdopt,
            false => Action::TokenMint,
        };
        let entry = ledger.insert_pending(&self, action, None, now)?;
        // From here on the token itself counts.
        if let Some(reservation) = reservation {
            ledger.reservations.end(reservation);
        }
        // A token that names no organization can be adopted by one only: D1 has its row once, and
        // ours does not replace another organization's.
        let wait = match facts.adopted() {
            true => Wait::Row {
                entry,
                token: facts.id,
            },
            false => Wait::Entry(entry),
        };
        let suspended = PendingMint {
            facts: self.facts,
            requester: self.requester,
            entry,
        };
        Ok(Done::AfterDelivery(Waiting {
            actor,
            wait,
            suspended,
        }))
    }
}

impl Suspended<MintCommand> for PendingMint {
    fn resume<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        now: Timestamp,
        actor: Actor,
        delivery: Delivery,
    ) -> Outcome<MintCommand> {
        let Self {
            facts,
            requester,
            entry,
        } = self;
        if !ledger.end_wait(facts.id, entry) {
            return Ok(Done::Answer(MintAnswer::RevokedMeanwhile));
        }
        let row_of = match delivery {
            Delivery::Arrived { row_of } => row_of,
            Delivery::Failed { cause } => {
                ledger.abandon(&(&facts).into(), &requester, now)?;
                return Ok(Done::Answer(MintAnswer::RecordUnavailable { cause }));
            }
        };
        if facts.adopted() && row_of != Some(facts.organization.id) {
            ledger.abandon(&(&facts).into(), &requester, now)?;
            return Ok(Done::Answer(MintAnswer::IdTaken { revoked: false }));
        }
        let acting = ledger.still_acting(actor, &facts, &requester, now)?;
        Ok(Done::Answer(match ledger.make_live(facts.id, acting)? {
            Created::Active => MintAnswer::Minted,
            Created::Revoked => MintAnswer::RevokedMeanwhile,
            Created::Quarantined => MintAnswer::QuarantinedMeanwhile,
        }))
    }
}
