//! The Ledger on tokens found in public: revoked, or quarantined and released. What becomes of each is
//! the rule of `LeakCommand::outcome`; here it is written.

use worker::Result;

use super::acting::{Acting, Done};
use super::{ALARM_MS, Ledger, journal, storage};
use crate::platform::now;
use postern_domain::audit::{Action, Origin};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Effect, LeakAnswer, LeakCommand, ReleaseAnswer, ReleaseCommand};

impl Ledger {
    pub(super) async fn report_leak(
        &self,
        acting: Acting,
        command: LeakCommand,
    ) -> Done<LeakAnswer> {
        if !self.exists()? {
            return Ok(LeakAnswer::Unchanged);
        }
        self.prepare_write(acting)?;
        let (standing, stored) = (
            self.db.standing(command.token)?,
            storage::token(&self.db, command.token)?,
        );
        let (Some(standing), Some(stored)) = (standing, stored) else {
            return Ok(LeakAnswer::Unchanged);
        };
        let at = now();
        let outcome = command.outcome(&standing, &stored.facts, at);
        match outcome {
            LeakAnswer::Unchanged => return Ok(outcome),
            LeakAnswer::Quarantined => {
                let action = Action::TokenQuarantine;
                self.quarantine(&stored.facts, Some(at), action, &command.origin)?;
            }
            LeakAnswer::Revoked => {
                let action = Action::TokenRevokeLeaked;
                self.bury([&stored.facts], at, action, &command.origin)?;
            }
        }
        self.set_alarm(ALARM_MS).await?;
        self.deliver_soon("ledger.leak").await;
        Ok(outcome)
    }

    pub(super) async fn release(
        &self,
        acting: Acting,
        command: ReleaseCommand,
    ) -> Done<ReleaseAnswer> {
        if !self.exists()? {
            return Ok(ReleaseAnswer::NotHeld);
        }
        self.prepare_write(acting)?;
        let releasable = self
            .db
            .standing(command.token)?
            .is_some_and(|standing| standing.releasable());
        let stored = storage::token(&self.db, command.token)?.filter(|_| releasable);
        let Some(stored) = stored else {
            return Ok(ReleaseAnswer::NotHeld);
        };
        self.quarantine(&stored.facts, None, Action::TokenRelease, &command.origin)?;
        self.set_alarm(ALARM_MS).await?;
        self.deliver_soon("ledger.release").await;
        Ok(ReleaseAnswer::Released)
    }

    fn quarantine(
        &self,
        facts: &TokenFacts,
        at: Option<Timestamp>,
        action: Action,
        origin: &Origin,
    ) -> Result<()> {
        let mut head = journal::head(&self.db)?;
        // A revocation log that is read by version must show both the quarantine and the release.
        head.version += 1;
        let audit = self.event(&mut head, now(), action, facts, None, origin)?;
        storage::quarantine(&self.db, facts.id, at, head.version)?;
        journal::set_head(&self.db, &head)?;
        let effect = Effect::Quarantine {
            organization: facts.organization.id,
            token: facts.id,
            at,
        };
        journal::push(&self.db, &[effect, audit]).map(|_| ())
    }
}
