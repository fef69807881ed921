//! The Ledger's copies of its newest events, as functions over its SQLite. They are what an export is
//! mended from, where D1 lacks a row or has another one; nothing else is decided by them.

use serde::Deserialize;
use worker::SqlStorage;

use super::super::sql;
use postern_domain::audit::mend::KEPT;
use postern_domain::audit::verify::Row;
use postern_ledger::{AuditRow, KeptQuery};

/// Every so many events, those that are too old are forgotten: a bulk revoke writes thousands.
const FORGET_EVERY: u64 = 100;

/// Keeps a copy of an event, and now and then forgets those that are too old.
pub fn keep(db: &SqlStorage, row: &AuditRow) -> worker::Result<()> {
    let values = vec![
        whole(row.event.sequence),
        sql::text(&row.content),
        sql::text(&row.previous),
        sql::text(&row.link.mac),
        sql::text(&row.link.kid),
    ];
    let query = "insert or replace into events (sequence, content, previous, link, kid) \
                 values (?, ?, ?, ?, ?)";
    sql::run(db, query, values)?;
    if !row.event.sequence.is_multiple_of(FORGET_EVERY) {
        return Ok(());
    }
    let too_old = row.event.sequence.saturating_sub(KEPT);
    let query = "delete from events where sequence <= ?";
    sql::run(db, query, vec![whole(too_old)])
}

/// The events that are asked for, as far as there are copies, in their order.
pub fn kept(db: &SqlStorage, asked: KeptQuery) -> worker::Result<Vec<(u64, Row)>> {
    #[derive(Deserialize)]
    struct Copy {
        sequence: u64,
        content: String,
        previous: String,
        link: String,
        kid: String,
    }
    let query = "select sequence, content, previous, link, kid from events \
                 where sequence > ? and sequence <= ? order by sequence";
    let values = vec![whole(asked.after), whole(asked.up_to)];
    let copies: Vec<Copy> = sql::rows(db, query, values)?;
    let row = |copy: Copy| {
        let row = Row {
            content: copy.content,
            previous: copy.previous,
            link: copy.link,
            kid: copy.kid,
            mended: None,
        };
        (copy.sequence, row)
    };
    Ok(copies.into_iter().map(row).collect())
}

fn whole(sequence: u64) -> worker::SqlStorageValue {
    sql::number(i64::try_from(sequence).unwrap_or(i64::MAX))
}
