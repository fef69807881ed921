//! What calls of tokens have come to (R13, R49): taken in from isolates, written together, and read.

use std::collections::BTreeMap;

use postern_domain::time::Timestamp;
use postern_domain::usage::{MAX_DAYS, day};

use super::{Acting, Ledger, USES_MS};
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::{Result, Sql};
use crate::tallies::{Tally, Waiting};
use crate::{ActivityCommand, ActivityRecord, ReadActivityCommand, RecordChange};

impl Carried for ActivityCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if self.offline > 0 {
            // The object that is told of these has no other write.
            ledger.prepare_write(acting, now)?;
        }
        // Without tables there is no token either.
        if ledger.store.exists()? && ledger.tallies.take_in(self, now) {
            ledger.wake_within(now, USES_MS);
            if ledger.tallies.is_full() {
                ledger.settle(now)?;
            }
        }
        Ok(Done::Answer(()))
    }
}

impl Carried for ReadActivityCommand {
    type Suspended = Never;

    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, _: Acting, now: Timestamp) -> Outcome<Self> {
        let today = day(now);
        let days = i64::from(self.days.clamp(1, MAX_DAYS));
        let from = today - (days - 1);
        if !ledger.store.exists()? {
            let record = ActivityRecord {
                days: (from..=today).map(crate::store::nothing).collect(),
                ..ActivityRecord::default()
            };
            return Ok(Done::Answer(Some(record).filter(|_| self.token.is_none())));
        }
        if let Some(token) = self.token
            && !ledger.store.shows_token(token, self.hides_system)?
        {
            return Ok(Done::Answer(None));
        }
        ledger.settle(now)?;
        let record = ledger
            .store
            .activity(self.token, self.hides_system, (from, today))?;
        Ok(Done::Answer(Some(record)))
    }
}

impl<S: Sql> Ledger<S> {
    /// Writes what was given of tokens that may make only so many calls a minute (R53).
    fn write_calls(&mut self, now: Timestamp) -> Result<()> {
        let (windows, is_left) = self.calls.take_changed(now);
        for (token, window) in &windows {
            self.store.set_call_window(*token, window)?;
        }
        if is_left {
            self.wake_within(now, USES_MS);
        }
        Ok(())
    }

    /// Writes what has been counted, and puts the new totals of uses on their way to D1. What is
    /// counted of a token that is not here goes with it.
    pub(super) fn settle(&mut self, now: Timestamp) -> Result<()> {
        self.write_calls(now)?;
        let waiting = self.tallies.take();
        if waiting.is_empty() {
            return Ok(());
        }
        let Waiting {
            tokens,
            refused,
            offline,
        } = waiting;
        let mut all: BTreeMap<i64, Tally> = BTreeMap::new();
        for (day, failures) in offline {
            all.entry(day).or_default().offline = failures;
        }
        self.step(now, |step| {
            for ((day, token), tally) in tokens {
                let uses = i64::try_from(tally.allowed).unwrap_or(i64::MAX);
                let is_known = match uses {
                    0 => step.store.has_token(token)?,
                    uses => {
                        let at = tally.used_at.unwrap_or(now);
                        let total = step.store.add_uses(token, uses, at)?;
                        if let Some(total) = &total {
                            step.change(RecordChange::RecordUse {
                                organization: total.organization,
                                token,
                                uses: total.uses,
                                at,
                            });
                        }
                        total.is_some()
                    }
                };
                if is_known {
                    step.store.add_activity(day, Some(token), &tally)?;
                    all.entry(day).or_default().count(&tally);
                }
            }
            for (day, tally) in &all {
                step.store.add_activity(*day, None, tally)?;
            }
            step.store.keep_refused(&refused)?;
            step.store.forget_activity(day(now))
        })?;
        Ok(())
    }
}
