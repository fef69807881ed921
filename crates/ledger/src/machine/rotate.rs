//! Rotate: a mint and an end, in one step once D1 has the successor's row (R9).

use postern_domain::audit::Action;
use postern_domain::id::TokenId;
use postern_domain::standing::{Actor, Created};
use postern_domain::time::Timestamp;

use super::{Acting, Ledger};
use crate::done::{Carried, Delivery, Done, Outcome, Suspended, Wait, Waiting};
use crate::sql::{Result, Sql};
use crate::{RecordChange, RotateAnswer, RotateCommand};

/// A rotation whose successor's row is on the way to D1.
#[derive(Debug)]
pub struct PendingRotation {
    command: RotateCommand,
    entry: i64,
}

impl Carried for RotateCommand {
    type Suspended = PendingRotation;

    const CREATES: bool = true;

    fn begin<S: Sql>(
        mut self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        let actor = acting.actor();
        ledger.prepare_write(acting, now)?;
        if ledger.store.federated_only()? {
            return Ok(Done::Answer(RotateAnswer::FederatedOnly));
        }
        if ledger.store.is_of_rule(self.old)? {
            return Ok(Done::Answer(RotateAnswer::CiToken));
        }
        if !ledger.rotatable(self.old, self.old_revision)?
            || ledger.store.has_pending_successor(self.old)?
        {
            return Ok(Done::Answer(RotateAnswer::NotLive));
        }
        let end = self.mint.facts.expires_at;
        if let Err(why) = ledger.store.policy()?.check_end(end, now) {
            return Ok(Done::Answer(RotateAnswer::ExpiryRefused(why)));
        }
        let ceiling = self.mint.ceiling;
        let left = ledger.left_of(ceiling, now);
        if ceiling > 0
            && !self.mint.facts.is_system
            && self.retire_at > now
            && ledger.store.rotation_exceeds(self.old, now, left)?
        {
            return Ok(Done::Answer(RotateAnswer::CeilingReached { ceiling }));
        }
        self.mint.description = ledger.store.description(self.old)?;
        let normalize = ledger.settings.normalize;
        let (facts, old) = (&self.mint.facts, Some(self.old));
        if ledger.store.name_taken(facts, old, now, normalize)? {
            return Ok(Done::Answer(RotateAnswer::NameTaken));
        }
        let entry = ledger.insert_pending(&self.mint, Action::TokenRotate, old, now)?;
        Ok(Done::AfterDelivery(Waiting {
            actor,
            wait: Wait::Entry(entry),
            suspended: PendingRotation {
                command: self,
                entry,
            },
        }))
    }
}

impl Suspended<RotateCommand> for PendingRotation {
    fn resume<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        now: Timestamp,
        actor: Actor,
        delivery: Delivery,
    ) -> Outcome<RotateCommand> {
        let Self { command, entry } = self;
        let (facts, requester) = (&command.mint.facts, &command.mint.requester);
        if !ledger.end_wait(facts.id, entry) {
            return Ok(Done::Answer(RotateAnswer::RevokedMeanwhile));
        }
        if let Delivery::Failed { cause } = delivery {
            ledger.abandon(&facts.into(), requester, now)?;
            return Ok(Done::Answer(RotateAnswer::RecordUnavailable { cause }));
        }
        // A token that rotates itself is active until the step below, which ends it.
        let acting = ledger.still_acting(actor, facts, requester, now)?;
        // Somebody may have ended the old token meanwhile, or narrowed it: then the new one must not
        // live on.
        if !ledger.rotatable(command.old, command.old_revision)? {
            ledger.abandon(&facts.into(), requester, now)?;
            return Ok(Done::Answer(RotateAnswer::NotLive));
        }
        // Nobody holds the successor yet, so a report cannot have been about it.
        if ledger.make_live(facts.id, acting)? == Created::Revoked {
            return Ok(Done::Answer(RotateAnswer::RevokedMeanwhile));
        }
        ledger.succeed_calls(command.old, facts.id, now)?;
        let retire = RecordChange::RevokeToken {
            organization: facts.organization.id,
            token: command.old,
            at: command.retire_at,
            by: requester.actor.clone(),
        };
        ledger.step(now, |step| {
            let version = step.version()?;
            match command.retire_at > now {
                true => step.store.retire(command.old, command.retire_at, version)?,
                // It has ended, and no clock that goes back makes it active again.
                false => step.store.revoke(command.old, command.retire_at, version)?,
            }
            step.change(retire);
            Ok(())
        })?;
        let answer = RotateAnswer::Rotated {
            description: command.mint.description,
        };
        // Longer than any lease that is out, of an earlier instance too: by its end no isolate
        // believes that the old token has none.
        let version = ledger.store.head()?.version;
        let final_in_ms = ledger.leases.final_in_ms(version);
        if command.retire_at.since(now) >= i64::from(final_in_ms) {
            return Ok(Done::BestAfterDelivery(answer));
        }
        ledger.when_final(version, answer)
    }
}

impl<S: Sql> Ledger<S> {
    /// Whether a successor of this revision may take a token's place.
    fn rotatable(&mut self, token: TokenId, revision: u32) -> Result<bool> {
        let known = self.store.terms(token)?;
        Ok(known
            .is_some_and(|(standing, terms)| standing.rotatable() && terms.revision == revision))
    }
}
