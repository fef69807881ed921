//! The Ledger's deaths: one token, or many in one step. Refuses to wait for D1 before the tombstone
//! is stored, and to undo one ever.
//!
//! INVARIANT (a revoke that has answered is final): the platform holds an answer back until what
//! was written before it is on disk.

use worker::Result;

use super::acting::{Acting, Done};
use super::outbox::WISHED;
use super::{ALARM_MS, Ledger, journal, selection, storage};
use crate::log;
use crate::platform::now;
use postern_domain::audit::{Action, Origin};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Effect, RevokeAnswer, RevokeCommand, RevokeManyAnswer, RevokeManyCommand};
use postern_registry::tokens::MAX_SELECTED;

const DAY_MS: i64 = 86_400_000;

impl Ledger {
    pub(super) async fn revoke(
        &self,
        acting: Acting,
        command: RevokeCommand,
    ) -> Done<RevokeAnswer> {
        if !self.exists()? {
            return Ok(RevokeAnswer::Unknown);
        }
        self.prepare_write(acting)?;
        let Some(stored) = storage::token(&self.db, command.token)? else {
            return Ok(RevokeAnswer::Unknown);
        };
        let at = now();
        // A token that is being rotated out ends now instead; one that is pending, or quarantined,
        // is revoked like any other.
        if let Some(first) = stored.revoked_at
            && first <= at
        {
            return Ok(RevokeAnswer::Revoked { at: first });
        }
        self.bury([&stored.facts], at, Action::TokenRevoke, &command.origin)?;
        self.set_alarm(ALARM_MS).await?;
        // From here on the token is dead, whatever becomes of the record: the alarm carries it.
        self.deliver_soon("ledger.revoke").await;
        Ok(RevokeAnswer::Revoked { at })
    }

    pub(super) async fn revoke_many(
        &self,
        acting: Acting,
        command: RevokeManyCommand,
    ) -> Done<RevokeManyAnswer> {
        let at = now();
        if !self.exists()? {
            return Ok(RevokeManyAnswer::Done {
                tokens: Vec::new(),
                used_in_last_day: 0,
                at,
                version: 0,
            });
        }
        self.prepare_write(acting)?;
        self.settle_uses()?;
        let selected = selection::select(&self.db, &command, at, MAX_SELECTED)?;
        if selected.len() > MAX_SELECTED as usize {
            return Ok(RevokeManyAnswer::TooMany {
                limit: MAX_SELECTED,
            });
        }
        let used = selected
            .iter()
            .filter(|token| token.used_at.is_some_and(|used| at.since(used) < DAY_MS))
            .count();
        if !command.dry_run && !selected.is_empty() {
            let tokens = selected.iter().map(|token| &token.facts);
            self.bury(tokens, at, Action::TokenRevoke, &command.origin)?;
            self.set_alarm(ALARM_MS).await?;
            self.deliver_soon("ledger.revoke_many").await;
        }
        Ok(RevokeManyAnswer::Done {
            tokens: selected.iter().map(|token| token.facts.id).collect(),
            used_in_last_day: u32::try_from(used).unwrap_or(u32::MAX),
            at,
            version: journal::head(&self.db)?.version,
        })
    }

    /// Ends tokens in one step: one version for all of them, and for each its tombstone, audit event
    /// and outbox entry.
    pub(super) fn bury<'f>(
        &self,
        tokens: impl IntoIterator<Item = &'f TokenFacts>,
        at: Timestamp,
        action: Action,
        origin: &Origin,
    ) -> Result<()> {
        let mut head = journal::head(&self.db)?;
        head.version += 1;
        for facts in tokens {
            let audit = self.event(&mut head, at, action, facts, None, origin)?;
            storage::bury(&self.db, facts.id, at, head.version)?;
            let revoke = Effect::RevokeToken {
                organization: facts.organization.id,
                token: facts.id,
                at,
                by: origin.actor.clone(),
            };
            journal::push(&self.db, &[revoke, audit])?;
        }
        journal::set_head(&self.db, &head)
    }

    /// Tries to bring the record up to date before the answer, so that a list that follows shows
    /// what happened. A failure is logged; the alarm tries again.
    pub(super) async fn deliver_soon(&self, place: &str) {
        let delivered = self
            .memory
            .outbox
            .deliver(&self.env, &self.db, i64::MAX, WISHED)
            .await;
        if let Err(cause) = delivered {
            log::failure(place, &cause);
        }
    }
}
