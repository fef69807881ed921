//! The Ledger's counters and its outbox, as functions over its SQLite. Refuses to await, as
//! `storage` does.

use serde::Deserialize;
use worker::{SqlStorage, SqlStorageValue};

use super::super::sql;
use super::events;
use postern_domain::audit::{GENESIS, hex, unhex};
use postern_ledger::Effect;

/// The Ledger's counters: revocation version, and the audit chain's last sequence and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub version: i64,
    pub sequence: i64,
    pub link: [u8; 32],
}

impl Head {
    /// Before the first event.
    pub const GENESIS: Self = Self {
        version: 0,
        sequence: 0,
        link: GENESIS,
    };
}

#[derive(Deserialize)]
struct HeadRow {
    version: i64,
    sequence: i64,
    link: String,
}

/// A stored outbox entry.
pub struct Entry {
    pub id: i64,
    pub effects: Vec<Effect>,
}

#[derive(Deserialize)]
struct EntryRow {
    id: i64,
    effects: String,
}

/// The counters.
pub fn head(db: &SqlStorage) -> worker::Result<Head> {
    let query = "select version, sequence, link from head where only = 0";
    let Some(row) = sql::first::<HeadRow>(db, query, vec![])? else {
        return Ok(Head::GENESIS);
    };
    let link = unhex(&row.link)
        .ok_or_else(|| worker::Error::RustError("the audit link does not parse".into()))?;
    Ok(Head {
        version: row.version,
        sequence: row.sequence,
        link,
    })
}

/// Stores the counters.
pub fn set_head(db: &SqlStorage, head: &Head) -> worker::Result<()> {
    let values = vec![
        sql::number(head.version),
        sql::number(head.sequence),
        sql::text(hex(&head.link)),
    ];
    let query = "insert into head (only, version, sequence, link) values (0, ?, ?, ?) \
                 on conflict (only) do update set version = excluded.version, \
                 sequence = excluded.sequence, link = excluded.link";
    sql::run(db, query, values)
}

/// Appends to the outbox and tells the entry's id. Of each event a copy stays behind.
pub fn push(db: &SqlStorage, effects: &[Effect]) -> worker::Result<i64> {
    #[derive(Deserialize)]
    struct IdRow {
        id: i64,
    }
    for effect in effects {
        if let Effect::AppendAudit(row) = effect {
            events::keep(db, row)?;
        }
    }
    let values: Vec<SqlStorageValue> = vec![sql::text(serde_json::to_string(effects)?)];
    let query = "insert into outbox (effects) values (?) returning id";
    sql::first::<IdRow>(db, query, values)?
        .map(|row| row.id)
        .ok_or_else(|| worker::Error::RustError("the outbox gave no id".into()))
}

/// The oldest entries of the outbox.
pub fn oldest(db: &SqlStorage, limit: i64) -> worker::Result<Vec<Entry>> {
    let query = "select id, effects from outbox order by id limit ?";
    sql::rows::<EntryRow>(db, query, vec![sql::number(limit)])?
        .into_iter()
        .map(|row| {
            Ok(Entry {
                id: row.id,
                effects: serde_json::from_str(&row.effects)?,
            })
        })
        .collect()
}

/// Forgets the entries up to an id: D1 has them.
pub fn forget(db: &SqlStorage, up_to: i64) -> worker::Result<()> {
    sql::run(
        db,
        "delete from outbox where id <= ?",
        vec![sql::number(up_to)],
    )
}
