//! How many mints were refused in an hour, by outcome (R35).

use postern_domain::audit::MAX_REFUSALS;
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;

use super::Store;
use crate::RefusalCommand;
use crate::sql::{self, Result, Row, Sql, SqlError, Value};

const HOUR_MS: i64 = 3_600_000;

/// The refusals of one outcome in the hour that it was last seen in.
pub struct Tally {
    pub outcome: String,
    pub organization: OrganizationId,
    pub hour: i64,
    /// How many had no event of their own.
    pub left_out: u64,
}

/// The hour that a moment belongs to.
pub fn hour(at: Timestamp) -> i64 {
    at.as_millis() / HOUR_MS
}

/// When an hour is over.
pub fn hour_ends(hour: i64) -> Timestamp {
    Timestamp::from_millis((hour + 1).saturating_mul(HOUR_MS))
}

fn tally(row: &mut Row) -> Result<Tally> {
    let outcome = row.text()?;
    let organization = OrganizationId::parse(&row.text()?)
        .map_err(|_| SqlError("a tally of no organization".to_owned()))?;
    Ok(Tally {
        outcome,
        organization,
        hour: row.integer()?,
        left_out: u64::try_from(row.integer()?).unwrap_or_default(),
    })
}

impl<S: Sql> Store<S> {
    /// Counts a refusal, and tells whether it gets an event of its own.
    pub fn count_refusal(&self, command: &RefusalCommand, now: Timestamp) -> Result<bool> {
        let query = "insert into refusals (outcome, organization, hour, written, left_out) \
                     values (?1, ?2, ?3, 1, 0) \
                     on conflict (outcome) do update set \
                     left_out = left_out + (written >= ?4), written = min(written + 1, ?4) \
                     returning outcome, organization, hour, left_out";
        let values = [
            sql::text(&command.outcome),
            sql::text(command.organization),
            Value::Integer(hour(now)),
            Value::Integer(i64::from(MAX_REFUSALS)),
        ];
        match self.first(query, &values)? {
            Some(mut row) => Ok(tally(&mut row)?.left_out == 0),
            None => Ok(false),
        }
    }

    /// Takes the tallies of hours that are over.
    pub fn take_tallies(&self, now: Timestamp) -> Result<Vec<Tally>> {
        let query = "delete from refusals where hour < ? \
                     returning outcome, organization, hour, left_out";
        self.rows(query, &[Value::Integer(hour(now))], tally)
    }

    /// The first tally that has a sum to write when its hour is over.
    pub fn open_tally(&self) -> Result<Option<Tally>> {
        let query = "select outcome, organization, hour, left_out from refusals \
                     where left_out > 0 order by hour limit 1";
        match self.first(query, &[])? {
            Some(mut row) => tally(&mut row).map(Some),
            None => Ok(None),
        }
    }
}
