//! What a Ledger stores, and every statement that reads or writes it. Nothing outside this module
//! and its parts reaches the database.
//!
//! Here are the statements that change a token's standing, and the copy in memory of those that were
//! read, which each of them forgets first. INVARIANT (a revoke that has answered is final): no
//! statement leads out of `Revoked`.

mod activity;
mod calls;
mod ceiling;
mod events;
pub mod journal;
mod leases;
mod outbox;
mod policy;
pub mod rebuild;
mod refusals;
mod runs;
mod schema;
mod selection;
mod subject;
mod tokens;
pub mod tree;
mod trust;
mod upstream;

use std::collections::HashMap;

use postern_domain::id::TokenId;
use postern_domain::standing::{Standing, State};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_domain::unicode::Form;

use self::journal::Version;
use crate::MintCommand;
use crate::acting::Acting;
use crate::sql::{self, Result, Row, Sql, Value};

#[cfg(test)]
pub use activity::MAX_TOKENS_OF_DAY;
pub use activity::nothing;
pub use outbox::Entry;
pub use refusals::hour_ends;
pub use subject::Subject;

/// Brings a text into a normalization form. Every platform has the tables; the machine has none.
pub type Normalize = fn(&str, Form) -> String;

/// Most standings in memory; a full memory is emptied.
const CAPACITY: usize = 8_192;

/// What each question about a token needs of its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Which revision they are.
    pub revision: u32,
    /// How many calls a minute there can be; `None` = as many as one likes.
    pub calls_per_minute: Option<u32>,
}

/// The database, and what was last read of tokens that are active. The machine is the only writer,
/// so what is remembered is what is stored until one of the methods below changes it.
#[derive(Debug)]
pub struct Store<S> {
    sql: S,
    active: HashMap<TokenId, (Standing, Terms)>,
    /// Whether the tables are known to exist, and to be those of this release.
    exists: bool,
    /// How many tokens have a row of activity on a day.
    active_tokens: Option<(i64, i64)>,
}

impl<S: Sql> Store<S> {
    /// A store over a database, which nothing is asked yet.
    pub fn new(sql: S) -> Self {
        Self {
            sql,
            active: HashMap::new(),
            exists: false,
            active_tokens: None,
        }
    }

    /// Whether anything was written yet. INVARIANT (strangers create nothing): to ask creates no
    /// table.
    pub fn exists(&mut self) -> Result<bool> {
        if !self.exists {
            self.exists = schema::open(&self.sql)?;
        }
        Ok(self.exists)
    }

    /// Makes the tables, unless they are there; tells whether it did.
    pub fn create(&mut self) -> Result<bool> {
        if self.exists()? {
            return Ok(false);
        }
        schema::create(&self.sql)?;
        self.exists = true;
        Ok(true)
    }

    /// A token's standing, from memory where it was read before.
    pub fn standing(&mut self, token: TokenId) -> Result<Option<Standing>> {
        Ok(self.terms(token)?.map(|(standing, _)| standing))
    }

    /// A token's standing, with what of its facts each question about it needs.
    pub fn terms(&mut self, token: TokenId) -> Result<Option<(Standing, Terms)>> {
        if let Some(known) = self.active.get(&token) {
            return Ok(Some(*known));
        }
        let query = "select state, revoked_at, quarantined_at, expires_at, \
                     coalesce(json_extract(facts, '$.revision'), 0) as revision, \
                     json_extract(facts, '$.conditions.calls_per_minute') as calls \
                     from tokens where id = ?";
        let Some(mut row) = self.first(query, &[sql::text(token)])? else {
            return Ok(None);
        };
        let standing = Standing {
            state: State::of(row.integer()?),
            revoked_at: row.maybe_time()?,
            quarantined: row.maybe_time()?.is_some(),
            expires_at: row.maybe_time()?,
        };
        let terms = Terms {
            revision: u32::try_from(row.integer()?).unwrap_or(u32::MAX),
            calls_per_minute: row
                .maybe_integer()?
                .map(|calls| u32::try_from(calls).unwrap_or_default()),
        };
        // Only what is active without a doubt: no end that was set, no quarantine, no creation
        // that is not over.
        if standing.rotatable() {
            if self.active.len() >= CAPACITY {
                self.active.clear();
            }
            self.active.insert(token, (standing, terms));
        }
        Ok(Some((standing, terms)))
    }

    /// Stores what an edit has made of a token: its facts, and the columns that are a part of them.
    pub fn edit(
        &mut self,
        facts: &TokenFacts,
        version: Version,
        normalize: Normalize,
    ) -> Result<()> {
        let values = [
            sql::text(serde_json::to_string(facts)?),
            sql::text(facts.name.likeness(normalize)),
            sql::maybe_time(facts.expires_at),
            Value::Integer(version.number()),
            sql::text(facts.id),
        ];
        let query = "update tokens set facts = ?, name = ?, expires_at = ?, version = ? \
                     where id = ? and state < 2";
        self.change(facts.id, query, &values)
    }

    /// Stores a token whose row is on the way to D1.
    pub fn insert_pending(
        &mut self,
        command: &MintCommand,
        replaces: Option<TokenId>,
        normalize: Normalize,
    ) -> Result<()> {
        let facts = &command.facts;
        let values = [
            sql::text(facts.id),
            sql::text(serde_json::to_string(facts)?),
            sql::text(tokens::place(facts)),
            sql::text(facts.name.likeness(normalize)),
            sql::maybe_text(command.description.as_ref()),
            Value::Integer(i64::from(facts.is_system)),
            Value::Integer(State::Pending.code()),
            sql::maybe_text(facts.scope.project().map(|project| project.id)),
            sql::maybe_text(command.minted_by),
            sql::maybe_text(replaces),
            sql::maybe_text(command.requester.address.as_ref()),
            sql::time(command.created_at),
            sql::maybe_time(facts.expires_at),
            sql::maybe_text(facts.ci_job.as_ref().map(|job| job.rule)),
        ];
        let query = "insert into tokens (id, facts, place, name, description, is_system, state, \
                     project, minted_by, replaces, address, created_at, expires_at, rule) \
                     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.change(facts.id, query, &values)
    }

    /// The row has arrived: the token is active. Takes the proof that its caller's token is still
    /// active. A token that was revoked meanwhile stays revoked.
    pub fn make_live(&mut self, token: TokenId, _acting: Acting) -> Result<()> {
        let values = [
            Value::Integer(State::Live.code()),
            sql::text(token),
            Value::Integer(State::Pending.code()),
        ];
        let query = "update tokens set state = ? where id = ? and state = ?";
        self.change(token, query, &values)
    }

    /// Sets when a token is revoked: now, or at a later moment, at which nothing has to happen.
    pub fn retire(&mut self, token: TokenId, at: Timestamp, version: Version) -> Result<()> {
        let values = [
            sql::time(at),
            Value::Integer(version.number()),
            sql::text(token),
        ];
        let query = "update tokens set revoked_at = ?, version = ? where id = ? and state < 2";
        self.change(token, query, &values)
    }

    /// Writes the tombstone.
    pub fn revoke(&mut self, token: TokenId, at: Timestamp, version: Version) -> Result<()> {
        let values = [
            Value::Integer(State::Revoked.code()),
            sql::time(at),
            Value::Integer(version.number()),
            sql::text(token),
        ];
        let query = "update tokens set state = ?, revoked_at = ?, version = ? \
                     where id = ? and state < 2";
        self.change(token, query, &values)
    }

    /// Quarantines a token, or, with `None`, releases it.
    pub fn quarantine(
        &mut self,
        token: TokenId,
        at: Option<Timestamp>,
        version: Version,
    ) -> Result<()> {
        let values = [
            sql::maybe_time(at),
            Value::Integer(version.number()),
            sql::text(token),
        ];
        let query = "update tokens set quarantined_at = ?, version = ? where id = ? and state < 2";
        self.change(token, query, &values)
    }

    /// Removes a token that was never active, and tells when it was made; nothing when there is none
    /// such.
    pub fn forget_pending(&mut self, token: TokenId) -> Result<Option<Timestamp>> {
        self.active.remove(&token);
        let query = "delete from tokens where id = ? and state = ? returning created_at";
        let values = [sql::text(token), Value::Integer(State::Pending.code())];
        match self.first(query, &values)? {
            Some(mut row) => Ok(row.maybe_time()?),
            None => Ok(None),
        }
    }

    /// Runs a statement that changes a token's standing, of which nothing is remembered then.
    fn change(&mut self, token: TokenId, query: &str, values: &[Value]) -> Result<()> {
        self.active.remove(&token);
        self.run(query, values)
    }

    fn run(&self, query: &str, values: &[Value]) -> Result<()> {
        self.sql.run(query, values).map(|_| ())
    }

    fn first(&self, query: &str, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.sql.run(query, values)?.into_iter().next())
    }

    /// Every row of a query, each read by a function.
    fn rows<T>(
        &self,
        query: &str,
        values: &[Value],
        read: impl Fn(&mut Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows = self.sql.run(query, values)?.into_iter();
        rows.map(|mut row| read(&mut row)).collect()
    }

    /// The number that a query of one row and column gives.
    fn number(&self, query: &str, values: &[Value]) -> Result<i64> {
        self.first(query, values)?
            .map_or(Ok(0), |mut row| row.integer())
    }
}
