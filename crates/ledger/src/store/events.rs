//! The Ledger's copies of its newest events. Exports are mended from them, where D1 lacks a row or
//! has another one; nothing else depends on them.

use postern_domain::audit::mend::KEPT;
use postern_domain::audit::verify::Row;

use super::Store;
use crate::sql::{self, Result, Sql};
use crate::{AuditRow, KeptQuery};

/// Every so many events, those that are too old are forgotten: a bulk revoke writes thousands.
const FORGET_EVERY: u64 = 100;

impl<S: Sql> Store<S> {
    /// Keeps a copy of an event, and now and then forgets those that are too old. Only a step of the
    /// journal does.
    pub(super) fn keep_event(&self, row: &AuditRow) -> Result<()> {
        let values = [
            sql::count(row.event.sequence),
            sql::text(&row.content),
            sql::text(&row.previous),
            sql::text(&row.link.mac),
            sql::text(&row.link.kid),
        ];
        let query = "insert or replace into events (sequence, content, previous, link, kid) \
                     values (?, ?, ?, ?, ?)";
        self.run(query, &values)?;
        if !row.event.sequence.is_multiple_of(FORGET_EVERY) {
            return Ok(());
        }
        let too_old = row.event.sequence.saturating_sub(KEPT);
        let query = "delete from events where sequence <= ?";
        self.run(query, &[sql::count(too_old)])
    }

    /// The events that are asked for, as far as there are copies, in their order.
    pub fn kept_events(&self, asked: KeptQuery) -> Result<Vec<(u64, Row)>> {
        let query = "select sequence, content, previous, link, kid from events \
                     where sequence > ? and sequence <= ? order by sequence";
        let values = [sql::count(asked.after), sql::count(asked.up_to)];
        self.rows(query, &values, |row| {
            let sequence = u64::try_from(row.integer()?).unwrap_or_default();
            let event = Row {
                content: row.text()?,
                previous: row.text()?,
                link: row.text()?,
                kid: row.text()?,
                mended: None,
            };
            Ok((sequence, event))
        })
    }
}
