//! Pause and resume (R53). A pause takes a version of the revocation log, after which every holder of
//! a lease asks anew, so that its answer waits as the answer to a revoke does (R41).
//!
//! INVARIANT (a pause stops every token): until somebody resumes, no token of the organization is
//! admitted, nothing is written for one but its own end, and none is created, whoever asks.

use postern_domain::audit::{Action, Changes, Event, NotedChanges};
use postern_domain::organization::Pause;
use postern_domain::time::Timestamp;

use super::events::about_none;
use super::{Acting, Ledger};
use crate::RecordChange;
use crate::done::{Carried, Done, Never, Outcome};
use crate::pause::{PauseAnswer, PauseCommand, ResumeAnswer, ResumeCommand};
use crate::sql::{Result, Sql};

impl Carried for PauseCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        ledger.prepare_write(acting, now)?;
        // To say of an organization that it is paused waits as the first pause did.
        if let (Some(pause), version) = ledger.store.pause()? {
            return ledger.paused(pause, version, self.respond_async);
        }
        let mut changes = Changes::new();
        if let Some(reason) = &self.reason {
            changes.insert("reason".to_owned(), reason.as_str().into());
        }
        let action = Action::OrganizationPause;
        let event = Event {
            changes: Some(NotedChanges::new(&changes)).filter(|_| self.reason.is_some()),
            ..about_none(self.organization, now, action, &self.requester)
        };
        let pause = Pause {
            at: now,
            by: self.paused_by,
            reason: self.reason,
        };
        ledger.is_paused = None;
        ledger.step(now, |step| {
            let version = step.version()?;
            step.store.set_pause(&pause, version)?;
            let change = RecordChange::SetPause {
                organization: self.organization,
                sequence: step.next_sequence(),
                pause: Some(pause.clone()),
            };
            step.change_with_event(change, event)
        })?;
        let version = ledger.store.head()?.version;
        ledger.paused(pause, version, self.respond_async)
    }
}

impl Carried for ResumeCommand {
    type Suspended = Never;

    /// No version: whatever an isolate believes now refuses tokens, and its next question tells it
    /// better.
    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(ResumeAnswer::NotPaused));
        }
        ledger.prepare_write(acting, now)?;
        if !ledger.is_paused()? {
            return Ok(Done::Answer(ResumeAnswer::NotPaused));
        }
        let action = Action::OrganizationResume;
        let event = about_none(self.organization, now, action, &self.requester);
        ledger.is_paused = None;
        ledger.step(now, |step| {
            step.store.end_pause()?;
            let change = RecordChange::SetPause {
                organization: self.organization,
                sequence: step.next_sequence(),
                pause: None,
            };
            step.change_with_event(change, event)
        })?;
        Ok(Done::BestAfterDelivery(ResumeAnswer::Resumed { at: now }))
    }
}

impl<S: Sql> Ledger<S> {
    /// Whether the organization is paused. From memory, once it was read.
    pub(crate) fn is_paused(&mut self) -> Result<bool> {
        if let Some(is_paused) = self.is_paused {
            return Ok(is_paused);
        }
        if !self.store.exists()? {
            return Ok(false);
        }
        let is_paused = self.store.pause()?.0.is_some();
        self.is_paused = Some(is_paused);
        Ok(is_paused)
    }

    /// The answer to a pause, of now or before, as of its version.
    fn paused(&mut self, pause: Pause, version: i64, respond_async: bool) -> Outcome<PauseCommand> {
        if respond_async {
            let final_in_ms = self.becomes_final_in_ms(version)?;
            return Ok(Done::Answer(PauseAnswer::Paused { pause, final_in_ms }));
        }
        let final_in_ms = 0;
        self.when_final(version, PauseAnswer::Paused { pause, final_in_ms })
    }
}
