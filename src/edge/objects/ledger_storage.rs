//! What the Ledger stores, as functions over its SQLite. Refuses to await: between two of these
//! calls nothing else can run, and what they write together is stored together.

use serde::Deserialize;
use worker::{SqlStorage, SqlStorageValue};

use super::sql;
use crate::app::ledger::{Effect, RunCommand};
use crate::domain::audit::{GENESIS, unhex};
use crate::domain::decide::RunFacts;
use crate::domain::id::{RunId, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::TokenFacts;

/// A token's state in the Ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its record is on the way to D1; it opens nothing yet.
    Pending,
    Live,
    Revoked,
}

impl State {
    fn code(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Live => 1,
            Self::Revoked => 2,
        }
    }
}

const SCHEMA: [&str; 5] = [
    "create table if not exists tokens (
        id text primary key not null,
        facts text not null,
        -- Names are unique in a project, or among the organization's own tokens (R8).
        place text not null,
        name text not null,
        is_system integer not null,
        state integer not null,
        expires_at integer,
        revoked_at integer,
        -- The Ledger's version when it was revoked.
        version integer
    ) strict",
    "create index if not exists tokens_by_name on tokens (place, name) where state < 2",
    "create table if not exists runs (
        id text primary key not null,
        facts text not null
    ) strict, without rowid",
    "create table if not exists outbox (
        id integer primary key autoincrement,
        effects text not null
    ) strict",
    "create table if not exists head (
        only integer primary key check (only = 0),
        version integer not null,
        sequence integer not null,
        link text not null
    ) strict",
];

/// The Ledger's counters: revocation version, and the audit chain's last sequence and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub version: i64,
    pub sequence: i64,
    pub link: [u8; 32],
}

#[derive(Deserialize)]
struct HeadRow {
    version: i64,
    sequence: i64,
    link: String,
}

/// A token as the Ledger stores it.
pub struct Stored {
    pub facts: TokenFacts,
    pub state: State,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct StoredRow {
    facts: String,
    state: i64,
    revoked_at: Option<i64>,
}

#[derive(Deserialize)]
struct StateRow {
    state: i64,
}

#[derive(Deserialize)]
struct Count {
    count: i64,
}

#[derive(Deserialize)]
struct TextRow {
    facts: String,
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

fn state(code: i64) -> State {
    match code {
        0 => State::Pending,
        1 => State::Live,
        _ => State::Revoked,
    }
}

/// Whether the organization has written anything yet. A Ledger that was only asked stores
/// nothing (strangers create nothing).
pub fn exists(db: &SqlStorage) -> worker::Result<bool> {
    let query = "select count(*) as count from sqlite_master where name = 'head'";
    Ok(sql::first::<Count>(db, query, vec![])?.is_some_and(|row| row.count > 0))
}

/// Makes the tables on the first write.
pub fn create(db: &SqlStorage) -> worker::Result<()> {
    for statement in SCHEMA {
        sql::run(db, statement, vec![])?;
    }
    Ok(())
}

/// A token's state alone: the question of every request.
pub fn token_state(db: &SqlStorage, token: TokenId) -> worker::Result<Option<State>> {
    let query = "select state from tokens where id = ?";
    let row = sql::first::<StateRow>(db, query, vec![sql::text(token)])?;
    Ok(row.map(|row| state(row.state)))
}

/// A token with its facts.
pub fn token(db: &SqlStorage, token: TokenId) -> worker::Result<Option<Stored>> {
    let query = "select facts, state, revoked_at from tokens where id = ?";
    let Some(row) = sql::first::<StoredRow>(db, query, vec![sql::text(token)])? else {
        return Ok(None);
    };
    Ok(Some(Stored {
        facts: serde_json::from_str(&row.facts)?,
        state: state(row.state),
        revoked_at: row.revoked_at.map(Timestamp::from_millis),
    }))
}

/// Where a token's name must be unique: its project's id, or nothing for the organization's own.
fn place(facts: &TokenFacts) -> String {
    facts
        .scope
        .project()
        .map(|project| project.id.to_string())
        .unwrap_or_default()
}

/// Whether a living token has the name of this one, in the same place (R8).
pub fn name_taken(db: &SqlStorage, facts: &TokenFacts, now: Timestamp) -> worker::Result<bool> {
    let query = "select count(*) as count from tokens where place = ? and name = ? \
                 and state < 2 and (expires_at is null or expires_at > ?)";
    let values = vec![
        sql::text(place(facts)),
        sql::text(facts.name.as_str()),
        sql::time(now),
    ];
    Ok(sql::first::<Count>(db, query, values)?.is_some_and(|row| row.count > 0))
}

/// Living tokens, system tokens aside: what the ceiling counts (R27).
pub fn living(db: &SqlStorage, now: Timestamp) -> worker::Result<i64> {
    let query = "select count(*) as count from tokens where state < 2 and is_system = 0 \
                 and (expires_at is null or expires_at > ?)";
    let row = sql::first::<Count>(db, query, vec![sql::time(now)])?;
    Ok(row.map_or(0, |row| row.count))
}

/// Stores a token whose record is on the way.
pub fn insert_pending(db: &SqlStorage, facts: &TokenFacts) -> worker::Result<()> {
    let values = vec![
        sql::text(facts.id),
        sql::text(serde_json::to_string(facts)?),
        sql::text(place(facts)),
        sql::text(facts.name.as_str()),
        sql::number(i64::from(facts.is_system)),
        sql::number(State::Pending.code()),
        sql::maybe_time(facts.expires_at),
    ];
    let query = "insert into tokens (id, facts, place, name, is_system, state, expires_at) \
                 values (?, ?, ?, ?, ?, ?, ?)";
    sql::run(db, query, values)
}

/// The record has arrived: the token opens what it opens. A token that was revoked meanwhile
/// stays revoked.
pub fn make_live(db: &SqlStorage, token: TokenId) -> worker::Result<()> {
    let values = vec![
        sql::number(State::Live.code()),
        sql::text(token),
        sql::number(State::Pending.code()),
    ];
    sql::run(
        db,
        "update tokens set state = ? where id = ? and state = ?",
        values,
    )
}

/// Writes the tombstone. INVARIANT (a revoke that has answered is final): no statement of this
/// file leads out of `Revoked`.
pub fn bury(db: &SqlStorage, token: TokenId, at: Timestamp, version: i64) -> worker::Result<()> {
    let values = vec![
        sql::number(State::Revoked.code()),
        sql::time(at),
        sql::number(version),
        sql::text(token),
    ];
    let query = "update tokens set state = ?, revoked_at = ?, version = ? \
                 where id = ? and state < 2";
    sql::run(db, query, values)
}

/// Tokens left pending by a process that ended before it could answer.
pub fn pending(db: &SqlStorage) -> worker::Result<Vec<TokenFacts>> {
    let query = "select facts from tokens where state = ?";
    let values = vec![sql::number(State::Pending.code())];
    sql::rows::<TextRow>(db, query, values)?
        .iter()
        .map(|row| Ok(serde_json::from_str(&row.facts)?))
        .collect()
}

/// What is known of a run.
pub fn run(db: &SqlStorage, run: RunId) -> worker::Result<Option<RunFacts>> {
    let query = "select facts from runs where id = ?";
    let row = sql::first::<TextRow>(db, query, vec![sql::text(run)])?;
    Ok(row
        .map(|row| serde_json::from_str(&row.facts))
        .transpose()?)
}

/// Remembers a run; the first word on it stands.
pub fn insert_run(db: &SqlStorage, command: &RunCommand) -> worker::Result<()> {
    let values = vec![
        sql::text(command.run),
        sql::text(serde_json::to_string(&command.facts)?),
    ];
    let query = "insert into runs (id, facts) values (?, ?) on conflict (id) do nothing";
    sql::run(db, query, values)
}

/// The counters.
pub fn head(db: &SqlStorage) -> worker::Result<Head> {
    let query = "select version, sequence, link from head where only = 0";
    let Some(row) = sql::first::<HeadRow>(db, query, vec![])? else {
        return Ok(Head {
            version: 0,
            sequence: 0,
            link: GENESIS,
        });
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
        sql::text(crate::domain::audit::hex(&head.link)),
    ];
    let query = "insert into head (only, version, sequence, link) values (0, ?, ?, ?) \
                 on conflict (only) do update set version = excluded.version, \
                 sequence = excluded.sequence, link = excluded.link";
    sql::run(db, query, values)
}

/// Appends to the outbox and tells the entry's id.
pub fn push(db: &SqlStorage, effects: &[Effect]) -> worker::Result<i64> {
    #[derive(Deserialize)]
    struct IdRow {
        id: i64,
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
