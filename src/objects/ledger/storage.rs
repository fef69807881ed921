//! What the Ledger stores, as functions over its SQLite. Refuses to await: between two of these
//! calls nothing else can run, and what they write together is stored together.

use serde::Deserialize;
use worker::SqlStorage;

use super::super::sql;
use super::acting::Acting;
use super::standing::Store;
use crate::platform::normalize;
use postern_domain::decide::RunFacts;
use postern_domain::id::{RunId, TokenId, WorkflowId};
use postern_domain::standing::State;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{MintCommand, RunCommand};

/// A token as the Ledger stores it.
pub struct Stored {
    pub facts: TokenFacts,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct StoredRow {
    facts: String,
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

/// Holds a token back, or, with `None`, no longer.
pub fn quarantine(
    db: &Store,
    token: TokenId,
    at: Option<Timestamp>,
    version: i64,
) -> worker::Result<()> {
    db.forget(token);
    let query = "update tokens set quarantined_at = ?, version = ? where id = ? and state < 2";
    let values = vec![sql::maybe_time(at), sql::number(version), sql::text(token)];
    sql::run(db, query, values)
}

/// Tokens whose standing has changed after a version, the first `limit` of them.
pub fn changed(db: &SqlStorage, since: i64, limit: usize) -> worker::Result<Vec<TokenId>> {
    #[derive(Deserialize)]
    struct Row {
        id: TokenId,
    }
    let query = "select id from tokens where version > ? limit ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = sql::rows::<Row>(db, query, vec![sql::number(since), sql::number(limit)])?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A token with its facts.
pub fn token(db: &SqlStorage, token: TokenId) -> worker::Result<Option<Stored>> {
    let query = "select facts, revoked_at from tokens where id = ?";
    let Some(row) = sql::first::<StoredRow>(db, query, vec![sql::text(token)])? else {
        return Ok(None);
    };
    Ok(Some(Stored {
        facts: serde_json::from_str(&row.facts)?,
        revoked_at: row.revoked_at.map(Timestamp::from_millis),
    }))
}

/// Stores what was missing in a token's facts.
pub fn set_facts(db: &SqlStorage, facts: &TokenFacts) -> worker::Result<()> {
    let values = vec![
        sql::text(serde_json::to_string(facts)?),
        sql::text(facts.id),
    ];
    sql::run(db, "update tokens set facts = ? where id = ?", values)
}

/// Where a token's name must be unique: its project's id, or nothing for the organization's own.
fn place(facts: &TokenFacts) -> String {
    facts
        .scope
        .project()
        .map(|project| project.id.to_string())
        .unwrap_or_default()
}

/// Whether a living token has the name of this one, or one that looks the same, in the same place
/// (R8). Tokens that are being rotated out have given theirs up; `except` is about to.
pub fn name_taken(
    db: &SqlStorage,
    facts: &TokenFacts,
    except: Option<TokenId>,
    now: Timestamp,
) -> worker::Result<bool> {
    let query = "select count(*) as count from tokens where place = ? and name in (?, ?, ?) \
                 and state < 2 and revoked_at is null \
                 and (expires_at is null or expires_at > ?) and id <> ?";
    let [likeness, decomposed, given] = facts.name.spellings(normalize);
    let values = vec![
        sql::text(place(facts)),
        sql::text(likeness),
        sql::text(decomposed),
        sql::text(given),
        sql::time(now),
        sql::text(except.map(|id| id.to_string()).unwrap_or_default()),
    ];
    Ok(sql::first::<Count>(db, query, values)?.is_some_and(|row| row.count > 0))
}

/// Stores a token whose record is on the way.
pub fn insert_pending(
    db: &SqlStorage,
    command: &MintCommand,
    replaces: Option<TokenId>,
) -> worker::Result<()> {
    let facts = &command.facts;
    let values = vec![
        sql::text(facts.id),
        sql::text(serde_json::to_string(facts)?),
        sql::text(place(facts)),
        sql::text(facts.name.likeness(normalize)),
        sql::maybe_text(command.description.as_ref()),
        sql::number(i64::from(facts.is_system)),
        sql::number(State::Pending.code()),
        sql::maybe_text(facts.scope.project().map(|project| project.id)),
        sql::maybe_text(command.minted_by),
        sql::maybe_text(replaces),
        sql::maybe_text(command.origin.address.as_ref()),
        sql::time(command.created_at),
        sql::maybe_time(facts.expires_at),
    ];
    let query = "insert into tokens (id, facts, place, name, description, is_system, state, \
                 project, minted_by, replaces, address, created_at, expires_at) \
                 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sql::run(db, query, values)
}

/// A token's description.
pub fn description(db: &SqlStorage, token: TokenId) -> worker::Result<Option<String>> {
    #[derive(Deserialize)]
    struct Row {
        description: Option<String>,
    }
    let query = "select description from tokens where id = ?";
    let row = sql::first::<Row>(db, query, vec![sql::text(token)])?;
    Ok(row.and_then(|row| row.description))
}

/// Whether a successor of the token is on its way: another rotation came first.
pub fn succession(db: &SqlStorage, token: TokenId) -> worker::Result<bool> {
    let query = "select count(*) as count from tokens where replaces = ? and state = ?";
    let values = vec![sql::text(token), sql::number(State::Pending.code())];
    Ok(sql::first::<Count>(db, query, values)?.is_some_and(|row| row.count > 0))
}

/// Gives a living token its end.
pub fn retire(db: &Store, token: TokenId, at: Timestamp, version: i64) -> worker::Result<()> {
    db.forget(token);
    let query = "update tokens set revoked_at = ?, version = ? where id = ? and state < 2";
    let values = vec![sql::time(at), sql::number(version), sql::text(token)];
    sql::run(db, query, values)
}

/// The record has arrived: the token opens what it opens. Takes the proof that whoever asked for it
/// may still have it. A token that was revoked meanwhile stays revoked.
pub fn make_live(db: &Store, token: TokenId, _acting: Acting) -> worker::Result<()> {
    db.forget(token);
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
pub fn bury(db: &Store, token: TokenId, at: Timestamp, version: i64) -> worker::Result<()> {
    db.forget(token);
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
    // The state as the index has it: `State::Pending`.
    let query = "select facts from tokens where state = 0";
    sql::rows::<TextRow>(db, query, vec![])?
        .iter()
        .map(|row| Ok(serde_json::from_str(&row.facts)?))
        .collect()
}

/// Removes a token that has never lived, and tells when it was made; nothing when there is none
/// such.
pub fn forget_pending(db: &Store, token: TokenId) -> worker::Result<Option<Timestamp>> {
    db.forget(token);
    #[derive(Deserialize)]
    struct Row {
        created_at: i64,
    }
    let query = "delete from tokens where id = ? and state = ? returning created_at";
    let values = vec![sql::text(token), sql::number(State::Pending.code())];
    let row = sql::first::<Row>(db, query, values)?;
    Ok(row.map(|row| Timestamp::from_millis(row.created_at)))
}

/// What is known of a run.
pub fn run(db: &SqlStorage, run: RunId) -> worker::Result<Option<RunFacts>> {
    let query = "select facts from runs where id = ?";
    let row = sql::first::<TextRow>(db, query, vec![sql::text(run)])?;
    Ok(row
        .map(|row| serde_json::from_str(&row.facts))
        .transpose()?)
}

/// The origin's id of the workflow that a token is for; learned from this run if there is none
/// yet. The first word stands.
pub fn pin(
    db: &SqlStorage,
    token: TokenId,
    learned: Option<WorkflowId>,
) -> worker::Result<Option<WorkflowId>> {
    #[derive(Deserialize)]
    struct Row {
        workflow: WorkflowId,
    }
    let query = "select workflow from pins where token = ?";
    if let Some(row) = sql::first::<Row>(db, query, vec![sql::text(token)])? {
        return Ok(Some(row.workflow));
    }
    if let Some(workflow) = learned {
        let query = "insert into pins (token, workflow) values (?, ?)";
        sql::run(db, query, vec![sql::text(token), sql::text(workflow)])?;
    }
    Ok(learned)
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
