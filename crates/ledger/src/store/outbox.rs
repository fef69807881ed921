//! The outbox: record changes on their way to D1, in order.

use super::Store;
use crate::sql::{self, Result, Sql, Value};
use crate::{AuditRow, RecordChange};

/// Entries of one batch to D1. An entry has at most two changes.
const BATCH: i64 = 25;

/// An entry: changes that D1 takes together.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Grows with each entry; none is used twice.
    pub id: i64,
    /// In the order in which they are to be applied.
    pub changes: Vec<RecordChange>,
}

impl<S: Sql> Store<S> {
    /// The oldest entries, as many as one batch may have.
    pub fn oldest_entries(&self) -> Result<Vec<Entry>> {
        let query = "select id, effects from outbox order by id limit ?";
        self.rows(query, &[Value::Integer(BATCH)], |row| {
            Ok(Entry {
                id: row.integer()?,
                changes: serde_json::from_str(&row.text()?)?,
            })
        })
    }

    /// The oldest events that D1 has not shown, as many as one batch may have entries.
    pub fn oldest_events(&self) -> Result<Vec<AuditRow>> {
        let query =
            "select effects from outbox where id > ? and effects like ? order by id limit ?";
        let values = [
            Value::Integer(0),
            sql::text(r#"%"effect":"append_audit"%"#),
            Value::Integer(BATCH),
        ];
        let entries: Vec<Vec<RecordChange>> = self.rows(query, &values, |row| {
            Ok(serde_json::from_str(&row.text()?)?)
        })?;
        let events = entries
            .into_iter()
            .flatten()
            .filter_map(|change| match change {
                RecordChange::AppendAudit(row) => Some(*row),
                _ => None,
            });
        Ok(events.collect())
    }

    /// Forgets the entries up to an id: D1 has them.
    pub fn forget_entries(&self, up_to: i64) -> Result<()> {
        let query = "delete from outbox where id <= ?";
        self.run(query, &[Value::Integer(up_to)])
    }

    /// Appends an entry and tells its id. Only a step of the journal does.
    pub(super) fn push_entry(&self, changes: &[RecordChange]) -> Result<i64> {
        let query = "insert into outbox (effects) values (?) returning id";
        let values = [sql::text(serde_json::to_string(changes)?)];
        self.number(query, &values)
    }
}
