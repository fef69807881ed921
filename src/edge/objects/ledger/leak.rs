//! The Ledger on tokens found in public: ended, or held back and released. Refuses to hold back
//! what is dead, and to release what was revoked.

use worker::Result;

use super::{ALARM_MS, Ledger, journal, storage};
use crate::app::leaks::OnLeak;
use crate::app::ledger::{Effect, LeakCommand, ReleaseAnswer, ReleaseCommand};
use crate::domain::audit::{Action, Origin};
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::edge::platform::now;

impl Ledger {
    pub(super) async fn report_leak(&self, command: LeakCommand) -> Result<()> {
        if !self.exists()? {
            return Ok(());
        }
        self.prepare_write()?;
        let at = now();
        match command.on_leak {
            OnLeak::Quarantine => {
                let held = Some(at);
                self.quarantine(
                    command.token,
                    held,
                    Action::TokenQuarantine,
                    &command.origin,
                )?;
            }
            OnLeak::Revoke => {
                let Some(stored) = storage::token(&self.db, command.token)? else {
                    return Ok(());
                };
                if stored.revoked_at.is_some_and(|first| first <= at) {
                    return Ok(());
                }
                let action = Action::TokenRevokeLeaked;
                self.bury([&stored.facts], at, action, &command.origin)?;
            }
        }
        self.set_alarm(ALARM_MS).await?;
        self.deliver_soon("ledger.leak").await;
        Ok(())
    }

    pub(super) async fn release(&self, command: ReleaseCommand) -> Result<ReleaseAnswer> {
        if !self.exists()? {
            return Ok(ReleaseAnswer::NotHeld);
        }
        self.prepare_write()?;
        let held = self
            .db
            .standing(command.token)?
            .is_some_and(|standing| standing.quarantined && standing.state == storage::State::Live);
        if !held {
            return Ok(ReleaseAnswer::NotHeld);
        }
        self.quarantine(command.token, None, Action::TokenRelease, &command.origin)?;
        self.set_alarm(ALARM_MS).await?;
        self.deliver_soon("ledger.release").await;
        Ok(ReleaseAnswer::Released)
    }

    fn quarantine(
        &self,
        token: TokenId,
        at: Option<Timestamp>,
        action: Action,
        origin: &Origin,
    ) -> Result<()> {
        let Some(stored) = storage::token(&self.db, token)? else {
            return Ok(());
        };
        let mut head = journal::head(&self.db)?;
        // A revocation log that is read by version must show both the holding and the release.
        head.version += 1;
        let audit = self.event(&mut head, now(), action, &stored.facts, None, origin)?;
        storage::quarantine(&self.db, token, at, head.version)?;
        journal::set_head(&self.db, &head)?;
        let effect = Effect::Quarantine {
            organization: stored.facts.organization.id,
            token,
            at,
        };
        journal::push(&self.db, &[effect, audit]).map(|_| ())
    }
}
