//! Refused mints in the audit log (R35). A caller who is refused cannot fill it: an hour has a
//! bounded number of events for each outcome, and one more that counts the rest.

use postern_domain::audit::{Action, Event, Text};
use postern_domain::time::Timestamp;

use super::events::{about_none, ledger_itself};
use super::{ALARM_MS, Acting, Ledger};
use crate::RefusalCommand;
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::{Result, Sql};
use crate::store::hour_ends;

impl Carried for RefusalCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        ledger.prepare_write(acting, now)?;
        ledger.close_hours(now)?;
        if ledger.store.count_refusal(&self, now)? {
            let event = Event {
                target: self.target.as_deref().map(Text::new),
                outcome: Some(Text::new(&self.outcome)),
                ..about_none(
                    self.organization,
                    now,
                    Action::TokenMintRefused,
                    &self.requester,
                )
            };
            ledger.step(now, |step| step.event(event))?;
        }
        ledger.wake_within(now, ALARM_MS);
        Ok(Done::Answer(()))
    }
}

impl<S: Sql> Ledger<S> {
    /// Writes the sums of hours that are over.
    pub(super) fn close_hours(&mut self, now: Timestamp) -> Result<()> {
        for tally in self.store.take_tallies(now)? {
            if tally.left_out == 0 {
                continue;
            }
            let event = Event {
                outcome: Some(Text::new(&tally.outcome)),
                count: Some(tally.left_out),
                ..about_none(
                    tally.organization,
                    now,
                    Action::TokenMintRefused,
                    &ledger_itself("summary"),
                )
            };
            self.step(now, |step| step.event(event))?;
        }
        Ok(())
    }

    /// Has the alarm ring when the hour is over, if it has a sum to write.
    pub(super) fn await_hour(&mut self, now: Timestamp) -> Result<()> {
        if let Some(tally) = self.store.open_tally()? {
            let ms = hour_ends(tally.hour).since(now).max(ALARM_MS);
            self.wake_within(now, ms);
        }
        Ok(())
    }
}
