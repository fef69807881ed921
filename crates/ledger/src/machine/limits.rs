//! An organization's limits, and checkpoints of its audit chain (R35).

use postern_domain::audit::checkpoint::{Checkpoint, Signed};
use postern_domain::audit::{Action, Event, NotedChanges, hex};
use postern_domain::id::OrganizationId;
use postern_domain::organization::OrganizationPolicy;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;

use super::events::about_none;
use super::{Acting, Ledger};
use crate::done::{Carried, Delivery, Done, Outcome, Suspended, Wait, Waiting};
use crate::sql::{Result, Sql};
use crate::store::journal::Head;
use crate::{
    CheckpointCommand, FederationCommand, LimitsAnswer, LimitsCommand, PolicyCommand, RecordChange,
};

/// A change of limits on its way to D1.
#[derive(Debug)]
pub struct Change;

/// A checkpoint that is to be signed once D1 was offered what it covers.
#[derive(Debug)]
pub struct Checkpointing {
    command: CheckpointCommand,
    head: Head,
}

impl Carried for LimitsCommand {
    type Suspended = Change;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        change(&self, (None, None), ledger, acting, now)
    }
}

impl Carried for FederationCommand {
    type Suspended = Change;

    /// The Ledger keeps the policy itself: it holds for whoever asks, also for a gateway of a release that
    /// does not know it.
    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        let only = Some(self.federated_only);
        change(&self.limits, (only, None), ledger, acting, now)
    }
}

impl Carried for PolicyCommand {
    type Suspended = Change;

    /// The Ledger keeps this too, for the same reason.
    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        let kept = (Some(self.federated_only), Some(self.policy));
        change(&self.limits, kept, ledger, acting, now)
    }
}

/// The event and the change go to D1 in one batch.
fn change<S: Sql, C: Carried<Suspended = Change>>(
    limits: &LimitsCommand,
    (federated_only, policy): (Option<bool>, Option<OrganizationPolicy>),
    ledger: &mut Ledger<S>,
    acting: Acting,
    now: Timestamp,
) -> Outcome<C> {
    let actor = acting.actor();
    ledger.prepare_write(acting, now)?;
    let event = Event {
        changes: Some(NotedChanges::new(&limits.changes)),
        ..about_none(
            limits.organization,
            now,
            Action::OrganizationUpdate,
            &limits.requester,
        )
    };
    let ((), entry) = ledger.step(now, |step| {
        if let Some(only) = federated_only {
            step.store.set_federated_only(only)?;
        }
        if let Some(policy) = &policy {
            step.store.set_policy(policy)?;
        }
        let change = RecordChange::SetLimits {
            organization: limits.organization,
            sequence: step.next_sequence(),
            mint_ceiling: limits.mint_ceiling,
            max_idle_days: limits.max_idle_days,
            on_leak: limits.on_leak,
            federated_only,
            policy,
        };
        step.change_with_event(change, event)
    })?;
    Ok(Done::AfterDelivery(Waiting {
        actor,
        wait: Wait::Entry(entry),
        suspended: Change,
    }))
}

impl Suspended<FederationCommand> for Change {
    fn resume<S: Sql>(
        self,
        _: &mut Ledger<S>,
        _: Timestamp,
        _: Actor,
        delivery: Delivery,
    ) -> Outcome<FederationCommand> {
        Ok(Done::Answer(changed(delivery)))
    }
}

impl Suspended<PolicyCommand> for Change {
    fn resume<S: Sql>(
        self,
        _: &mut Ledger<S>,
        _: Timestamp,
        _: Actor,
        delivery: Delivery,
    ) -> Outcome<PolicyCommand> {
        Ok(Done::Answer(changed(delivery)))
    }
}

impl Suspended<LimitsCommand> for Change {
    fn resume<S: Sql>(
        self,
        _: &mut Ledger<S>,
        _: Timestamp,
        _: Actor,
        delivery: Delivery,
    ) -> Outcome<LimitsCommand> {
        Ok(Done::Answer(changed(delivery)))
    }
}

fn changed(delivery: Delivery) -> LimitsAnswer {
    match delivery {
        Delivery::Arrived { .. } => LimitsAnswer::Changed,
        Delivery::Failed { cause } => LimitsAnswer::RecordUnavailable { cause },
    }
}

impl Carried for CheckpointCommand {
    type Suspended = Checkpointing;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            let signed = ledger.sign(self.organization, &Head::GENESIS, now)?;
            return Ok(Done::Answer(signed));
        }
        let actor = acting.actor();
        ledger.prepare_write(acting, now)?;
        // Before the wait: what happens meanwhile belongs to the next one. Should D1 not take what
        // it is offered, the checkpoint knows more than D1 has, which is what it is for.
        let head = ledger.store.head()?;
        Ok(Done::AfterDelivery(Waiting {
            actor,
            wait: Wait::Offer,
            suspended: Checkpointing {
                command: self,
                head,
            },
        }))
    }
}

impl Suspended<CheckpointCommand> for Checkpointing {
    fn resume<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        now: Timestamp,
        actor: Actor,
        _: Delivery,
    ) -> Outcome<CheckpointCommand> {
        let Self { command, head } = self;
        let organization = command.organization;
        let signed = ledger.sign(organization, &head, now)?;
        if !command.keep || head.sequence == 0 {
            return Ok(Done::Answer(signed));
        }
        // D1 was waited for since: nothing is kept for an actor that was revoked meanwhile.
        ledger.acting(actor, now)?;
        let keep = RecordChange::KeepCheckpoint {
            organization,
            sequence: head.sequence,
            at: now,
            signed: signed.clone(),
        };
        ledger.step(now, |step| {
            step.change(keep);
            Ok(())
        })?;
        Ok(Done::BestAfterDelivery(signed))
    }
}

impl<S: Sql> Ledger<S> {
    fn sign(&self, organization: OrganizationId, head: &Head, now: Timestamp) -> Result<Signed> {
        let checkpoint = Checkpoint {
            organization_id: organization,
            sequence: u64::try_from(head.sequence).unwrap_or_default(),
            link: hex(&head.link),
            at: now,
        };
        Ok(checkpoint.sign(&self.settings.audit)?)
    }
}
