//! Tokens found in public: revoked, or quarantined and released. What becomes of each is the rule of
//! `LeakCommand::outcome`; here it is written.

use postern_domain::audit::{Action, Requester};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use super::events::about_token;
use super::{Acting, Ledger};
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::{Result, Sql};
use crate::{LeakAnswer, LeakCommand, RecordChange, ReleaseAnswer, ReleaseCommand};

impl Carried for LeakCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(LeakAnswer::Unchanged));
        }
        ledger.prepare_write(acting, now)?;
        let standing = ledger.store.standing(self.token)?;
        let stored = ledger.store.token(self.token)?;
        let (Some(standing), Some(stored)) = (standing, stored) else {
            return Ok(Done::Answer(LeakAnswer::Unchanged));
        };
        let (facts, requester) = (&stored.facts, &self.requester);
        let outcome = self.outcome(&standing, facts, now);
        match outcome {
            LeakAnswer::Unchanged => {
                let version = stored.version.unwrap_or_default();
                return ledger.when_final(version, outcome);
            }
            LeakAnswer::Quarantined => {
                ledger.quarantine(facts, Some(now), Action::TokenQuarantine, requester, now)?;
            }
            LeakAnswer::Revoked => {
                ledger.revoke_all([&facts.into()], now, Action::TokenRevokeLeaked, requester)?;
            }
        }
        let version = ledger.store.head()?.version;
        ledger.when_final(version, outcome)
    }
}

impl Carried for ReleaseCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(ReleaseAnswer::NotHeld));
        }
        ledger.prepare_write(acting, now)?;
        let standing = ledger.store.standing(self.token)?;
        let releasable = standing.is_some_and(|standing| standing.releasable());
        let stored = ledger.store.token(self.token)?.filter(|_| releasable);
        let Some(stored) = stored else {
            return Ok(Done::Answer(ReleaseAnswer::NotHeld));
        };
        let action = Action::TokenRelease;
        ledger.quarantine(&stored.facts, None, action, &self.requester, now)?;
        Ok(Done::BestAfterDelivery(ReleaseAnswer::Released))
    }
}

impl<S: Sql> Ledger<S> {
    fn quarantine(
        &mut self,
        facts: &TokenFacts,
        since: Option<Timestamp>,
        action: Action,
        requester: &Requester,
        now: Timestamp,
    ) -> Result<()> {
        self.step(now, |step| {
            // A revocation log that is read by version must show both the quarantine and the
            // release.
            let version = step.version()?;
            step.store.quarantine(facts.id, since, version)?;
            let change = RecordChange::Quarantine {
                organization: facts.organization.id,
                token: facts.id,
                at: since,
                sequence: step.next_sequence(),
            };
            step.change_with_event(
                change,
                about_token(&facts.into(), now, action, None, requester),
            )
        })?;
        Ok(())
    }
}
