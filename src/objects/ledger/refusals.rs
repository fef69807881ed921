//! Refused mints in the audit log (R35), bounded. Refuses to let a caller who is refused fill it: of
//! each outcome an hour has so many events, and one more that counts the rest.

use serde::Deserialize;
use worker::Result;

use super::super::sql;
use super::acting::{Acting, Done};
use super::chain::{Happening, by_itself};
use super::{ALARM_MS, Ledger, journal};
use crate::platform::now;
use postern_domain::audit::{Action, MAX_REFUSALS};
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_ledger::RefusalCommand;

const HOUR_MS: i64 = 3_600_000;

/// The refusals of one outcome in the hour that it was last seen in.
#[derive(Deserialize)]
struct Tally {
    outcome: String,
    organization: String,
    hour: i64,
    left_out: u32,
}

fn hour(at: Timestamp) -> i64 {
    at.as_millis() / HOUR_MS
}

impl Ledger {
    pub(super) async fn refuse(&self, acting: Acting, command: RefusalCommand) -> Done<()> {
        self.prepare_write(acting)?;
        self.close_hours()?;
        let query = "insert into refusals (outcome, organization, hour, written, left_out) \
                     values (?1, ?2, ?3, 1, 0) \
                     on conflict (outcome) do update set \
                     left_out = left_out + (written >= ?4), written = min(written + 1, ?4) \
                     returning outcome, organization, hour, left_out";
        let values = vec![
            sql::text(&command.outcome),
            sql::text(command.organization),
            sql::number(hour(now())),
            sql::number(i64::from(MAX_REFUSALS)),
        ];
        let tally = sql::first::<Tally>(&self.db, query, values)?;
        if tally.is_some_and(|tally| tally.left_out == 0) {
            let mut head = journal::head(&self.db)?;
            let audit = self.happening(
                &mut head,
                &Happening {
                    organization: command.organization,
                    action: Action::TokenMintRefused,
                    target: command.target.as_deref(),
                    outcome: Some(&command.outcome),
                    count: None,
                    changes: None,
                    origin: &command.origin,
                },
            )?;
            journal::set_head(&self.db, &head)?;
            journal::push(&self.db, &[audit])?;
        }
        self.set_alarm(ALARM_MS).await?;
        Ok(())
    }

    /// Writes the sums of hours that are over.
    pub(super) fn close_hours(&self) -> Result<()> {
        let over = vec![sql::number(hour(now()))];
        let query = "delete from refusals where hour < ? \
                     returning outcome, organization, hour, left_out";
        for tally in sql::rows::<Tally>(&self.db, query, over)? {
            if tally.left_out == 0 {
                continue;
            }
            let organization = OrganizationId::parse(&tally.organization)
                .map_err(|_| "a tally of no organization")?;
            let mut head = journal::head(&self.db)?;
            let audit = self.happening(
                &mut head,
                &Happening {
                    organization,
                    action: Action::TokenMintRefused,
                    target: None,
                    outcome: Some(&tally.outcome),
                    count: Some(u64::from(tally.left_out)),
                    changes: None,
                    origin: &by_itself("summary"),
                },
            )?;
            journal::set_head(&self.db, &head)?;
            journal::push(&self.db, &[audit])?;
        }
        Ok(())
    }

    /// Has the alarm ring when the hour is over, if it has a sum to write.
    pub(super) async fn await_hour(&self) -> Result<()> {
        let query = "select outcome, organization, hour, left_out from refusals \
                     where left_out > 0 order by hour limit 1";
        let Some(tally) = sql::first::<Tally>(&self.db, query, vec![])? else {
            return Ok(());
        };
        let end = (tally.hour + 1) * HOUR_MS;
        self.set_alarm((end - now().as_millis()).max(ALARM_MS))
            .await
    }
}
