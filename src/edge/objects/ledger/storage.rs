//! What the Ledger stores, as functions over its SQLite. Refuses to await: between two of these
//! calls nothing else can run, and what they write together is stored together.

use serde::Deserialize;
use worker::{SqlStorage, SqlStorageValue};

use super::super::sql;
use crate::app::ledger::{Effect, MintCommand, RevokeManyCommand, RunCommand};
use crate::domain::audit::{GENESIS, unhex};
use crate::domain::decide::RunFacts;
use crate::domain::id::{OrganizationId, RunId, TokenId};
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

const SCHEMA: [&str; 6] = [
    "create table if not exists tokens (
        id text primary key not null,
        facts text not null,
        -- Names are unique in a project, or among the organization's own tokens (R8).
        place text not null,
        name text not null,
        is_system integer not null,
        state integer not null,
        project text,
        minted_by text,
        address text,
        created_at integer not null,
        expires_at integer,
        -- When it ended; ahead of now for a token that is being rotated out.
        revoked_at integer,
        -- The Ledger's version when it was revoked.
        version integer,
        uses integer not null default 0,
        used_at integer
    ) strict",
    "create index if not exists tokens_by_name on tokens (place, name) where state < 2",
    "create index if not exists tokens_by_minter on tokens (minted_by)",
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
    revoked_at: Option<i64>,
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

/// A token's state alone, with its end if it has one: the question of every request.
pub fn token_state(
    db: &SqlStorage,
    token: TokenId,
) -> worker::Result<Option<(State, Option<Timestamp>)>> {
    let query = "select state, revoked_at from tokens where id = ?";
    let row = sql::first::<StateRow>(db, query, vec![sql::text(token)])?;
    Ok(row.map(|row| (state(row.state), row.revoked_at.map(Timestamp::from_millis))))
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

/// Whether a living token has the name of this one, in the same place (R8). Tokens that are being
/// rotated out have given theirs up; `except` is about to.
pub fn name_taken(
    db: &SqlStorage,
    facts: &TokenFacts,
    except: Option<TokenId>,
    now: Timestamp,
) -> worker::Result<bool> {
    let query = "select count(*) as count from tokens where place = ? and name = ? \
                 and state < 2 and revoked_at is null \
                 and (expires_at is null or expires_at > ?) and id <> ?";
    let values = vec![
        sql::text(place(facts)),
        sql::text(facts.name.as_str()),
        sql::time(now),
        sql::text(except.map(|id| id.to_string()).unwrap_or_default()),
    ];
    Ok(sql::first::<Count>(db, query, values)?.is_some_and(|row| row.count > 0))
}

/// Living tokens, system tokens and those being rotated out aside: what the ceiling counts (R27).
pub fn living(db: &SqlStorage, now: Timestamp) -> worker::Result<i64> {
    let query = "select count(*) as count from tokens where state < 2 and is_system = 0 \
                 and revoked_at is null and (expires_at is null or expires_at > ?)";
    let row = sql::first::<Count>(db, query, vec![sql::time(now)])?;
    Ok(row.map_or(0, |row| row.count))
}

/// Stores a token whose record is on the way.
pub fn insert_pending(db: &SqlStorage, command: &MintCommand) -> worker::Result<()> {
    let facts = &command.facts;
    let values = vec![
        sql::text(facts.id),
        sql::text(serde_json::to_string(facts)?),
        sql::text(place(facts)),
        sql::text(facts.name.as_str()),
        sql::number(i64::from(facts.is_system)),
        sql::number(State::Pending.code()),
        sql::maybe_text(facts.scope.project().map(|project| project.id)),
        sql::maybe_text(command.minted_by),
        sql::maybe_text(command.origin.address.as_ref()),
        sql::time(command.created_at),
        sql::maybe_time(facts.expires_at),
    ];
    let query = "insert into tokens (id, facts, place, name, is_system, state, project, \
                 minted_by, address, created_at, expires_at) \
                 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sql::run(db, query, values)
}

/// Gives a living token its end.
pub fn retire(db: &SqlStorage, token: TokenId, at: Timestamp) -> worker::Result<()> {
    let query = "update tokens set revoked_at = ? where id = ? and state < 2";
    sql::run(db, query, vec![sql::time(at), sql::text(token)])
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

/// A living token that a selector has found.
pub struct Selected {
    pub facts: TokenFacts,
    pub used_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SelectedRow {
    facts: String,
    used_at: Option<i64>,
}

/// The living tokens that fit a selector, at most one more than the limit.
pub fn select(
    db: &SqlStorage,
    command: &RevokeManyCommand,
    now: Timestamp,
    limit: u32,
) -> worker::Result<Vec<Selected>> {
    let selector = &command.selector;
    let mut query = String::from(
        "select facts, used_at from tokens where state = 1 \
         and (revoked_at is null or revoked_at > ?) and (expires_at is null or expires_at > ?)",
    );
    let mut values = vec![sql::time(now), sql::time(now)];
    if !command.system_tokens {
        query.push_str(" and is_system = 0");
    }
    if !command.organization_tokens {
        query.push_str(" and project is not null");
    }
    if !command.project_tokens {
        query.push_str(" and project is null");
    }
    if let Some(ids) = &selector.ids {
        // One bound list instead of a placeholder each, of which SQLite has too few.
        query.push_str(" and id in (select value from json_each(?))");
        values.push(sql::text(serde_json::to_string(ids)?));
    }
    if let Some(minter) = selector.minted_by {
        query.push_str(
            " and id in (with recursive below (id) as (\
             select id from tokens where minted_by = ? \
             union select t.id from tokens t join below b on t.minted_by = b.id) \
             select id from below)",
        );
        values.push(sql::text(minter));
    }
    if let Some(project) = selector.project {
        query.push_str(" and project = ?");
        values.push(sql::text(project));
    }
    if let Some(after) = selector.created_after {
        query.push_str(" and created_at > ?");
        values.push(sql::time(after));
    }
    if let Some(before) = selector.created_before {
        query.push_str(" and created_at < ?");
        values.push(sql::time(before));
    }
    if selector.never_used {
        query.push_str(" and used_at is null");
    }
    if let Some(address) = &selector.address {
        query.push_str(" and address = ?");
        values.push(sql::text(address));
    }
    query.push_str(" order by created_at, id limit ?");
    values.push(sql::number(i64::from(limit) + 1));
    sql::rows::<SelectedRow>(db, &query, values)?
        .into_iter()
        .map(|row| {
            Ok(Selected {
                facts: serde_json::from_str(&row.facts)?,
                used_at: row.used_at.map(Timestamp::from_millis),
            })
        })
        .collect()
}

/// Living tokens, system tokens aside, last used (or, if never, minted) before a moment.
pub fn idle(db: &SqlStorage, since: Timestamp, now: Timestamp) -> worker::Result<Vec<TokenFacts>> {
    let query = "select facts from tokens where state = 1 and is_system = 0 \
                 and (revoked_at is null or revoked_at > ?) \
                 and (expires_at is null or expires_at > ?) \
                 and coalesce(used_at, created_at) < ? order by created_at, id";
    let values = vec![sql::time(now), sql::time(now), sql::time(since)];
    sql::rows::<TextRow>(db, query, values)?
        .iter()
        .map(|row| Ok(serde_json::from_str(&row.facts)?))
        .collect()
}

/// A token's uses so far.
pub struct Total {
    pub organization: OrganizationId,
    pub uses: i64,
}

/// Adds uses and tells the total.
pub fn add_uses(
    db: &SqlStorage,
    token: TokenId,
    uses: i64,
    at: Timestamp,
) -> worker::Result<Option<Total>> {
    #[derive(Deserialize)]
    struct Row {
        uses: i64,
        facts: String,
    }
    let query = "update tokens set uses = uses + ?, used_at = max(coalesce(used_at, 0), ?) \
                 where id = ? returning uses, facts";
    let values = vec![sql::number(uses), sql::time(at), sql::text(token)];
    let Some(row) = sql::first::<Row>(db, query, values)? else {
        return Ok(None);
    };
    let facts: TokenFacts = serde_json::from_str(&row.facts)?;
    Ok(Some(Total {
        organization: facts.organization.id,
        uses: row.uses,
    }))
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
