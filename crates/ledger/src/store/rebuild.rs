//! What a rebuild stores: how far it has come, what D1's log says of each token, and the tokens.

use postern_domain::id::TokenId;
use postern_domain::standing::State;
use postern_domain::time::Timestamp;

use super::journal::Version;
use super::{Normalize, Store, tokens};
use crate::rebuild::{Logged, RebuildProgress, RecordedToken};
use crate::sql::{self, Result, Sql, SqlError, Value};

/// How a token ended, as the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its creation was abandoned: an adoption can be tried again.
    Abandoned,
    /// It was revoked.
    Revoked,
}

impl End {
    fn code(self) -> i64 {
        match self {
            Self::Abandoned => 1,
            Self::Revoked => 2,
        }
    }
}

/// What D1's log does not say of a token that a rebuild has found so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// That it was revoked.
    End,
    /// That it is quarantined.
    Quarantine,
}

impl Lack {
    fn code(self) -> i64 {
        match self {
            Self::End => 3,
            Self::Quarantine => 4,
        }
    }
}

impl<S: Sql> Store<S> {
    /// The rebuild that is under way.
    pub fn rebuild(&self) -> Result<Option<RebuildProgress>> {
        match self.first("select state from rebuild where only = 0", &[])? {
            Some(mut row) => Ok(Some(serde_json::from_str(&row.text()?)?)),
            None => Ok(None),
        }
    }

    /// Keeps how far it has come.
    pub fn set_rebuild(&self, progress: &RebuildProgress) -> Result<()> {
        let query = "insert into rebuild (only, state) values (0, ?1) \
                     on conflict (only) do update set state = ?1";
        self.run(query, &[sql::text(serde_json::to_string(progress)?)])
    }

    /// Takes leave of what belongs to the log as it was: copies of events, and changes that D1 has
    /// not taken and will not take.
    pub fn forget_history(&mut self) -> Result<()> {
        self.active.clear();
        self.run("delete from outbox where id > ?", &[Value::Integer(0)])?;
        self.run(
            "delete from events where sequence > ?",
            &[Value::Integer(0)],
        )
    }

    /// Removes every upstream credential.
    pub fn forget_upstreams(&self, version: Version) -> Result<()> {
        self.run("delete from upstreams where id > ?", &[sql::text("")])?;
        self.note_upstream_change(version)
    }

    /// How many changes wait for D1.
    pub fn waiting(&self) -> Result<u64> {
        let query = "select count(*) as number from outbox where id > ?";
        let waiting = self.number(query, &[Value::Integer(0)])?;
        Ok(u64::try_from(waiting).unwrap_or_default())
    }

    /// Forgets what the log said of tokens.
    pub fn forget_log(&self) -> Result<()> {
        let query = "delete from rebuild_tokens where token > ?";
        self.run(query, &[sql::text("")])
    }

    /// The rebuild is over. What its log lacks is still to be written.
    pub fn end_rebuild(&mut self) -> Result<()> {
        self.active.clear();
        let query = "delete from rebuild_tokens where token > ? and recorded < 3";
        self.run(query, &[sql::text("")])?;
        self.run("delete from rebuild where only = 0", &[])
    }

    /// The log says that a token was created. An adoption that was abandoned can come again.
    pub fn log_created(
        &self,
        token: TokenId,
        replaces: Option<TokenId>,
        address: Option<&str>,
    ) -> Result<()> {
        let query = "insert into rebuild_tokens (token, created, replaces, address) \
                     values (?1, 1, ?2, ?3) on conflict (token) do update set created = 1, \
                     ended = case ended when 1 then 0 else ended end, \
                     replaces = ?2, address = ?3";
        let values = [
            sql::text(token),
            sql::maybe_text(replaces),
            sql::maybe_text(address),
        ];
        self.run(query, &values)
    }

    /// The log says that a token has ended. What was abandoned replaces nothing.
    pub fn log_ended(&self, token: TokenId, end: End) -> Result<()> {
        let query = "insert into rebuild_tokens (token, ended) values (?1, ?2) \
                     on conflict (token) do update set ended = max(ended, ?2), \
                     replaces = case ?2 when 1 then null else replaces end";
        self.run(query, &[sql::text(token), Value::Integer(end.code())])
    }

    /// The log says that a token was quarantined, or released.
    pub fn log_quarantined(&self, token: TokenId, is_quarantined: bool) -> Result<()> {
        let query = "insert into rebuild_tokens (token, quarantined) values (?1, ?2) \
                     on conflict (token) do update set quarantined = ?2";
        let values = [sql::text(token), Value::Integer(i64::from(is_quarantined))];
        self.run(query, &values)
    }

    /// The log says that an earlier rebuild has quarantined whatever was active.
    pub fn log_all_quarantined(&self) -> Result<()> {
        let query = "update rebuild_tokens set quarantined = 1 where token > ?";
        self.run(query, &[sql::text("")])
    }

    /// What the log says of a token.
    pub fn logged(&self, token: TokenId) -> Result<Logged> {
        let query = "select created, ended, quarantined, replaces, address from rebuild_tokens \
                     where token = ?";
        let Some(mut row) = self.first(query, &[sql::text(token)])? else {
            return Ok(Logged::default());
        };
        let query = "select count(*) as number from rebuild_tokens where replaces = ?";
        Ok(Logged {
            created: row.integer()? != 0,
            ended: row.integer()? != 0,
            quarantined: row.integer()? != 0,
            replaced: self.number(query, &[sql::text(token)])? > 0,
            replaces: row.maybe_text()?,
            address: row.maybe_text()?,
        })
    }

    /// Stores a token of D1 as active; its standing is set after this. Nothing where there is one of
    /// its id.
    pub fn insert_recorded(
        &mut self,
        token: &RecordedToken,
        logged: &Logged,
        normalize: Normalize,
    ) -> Result<()> {
        let facts = &token.facts;
        let values = [
            sql::text(facts.id),
            sql::text(serde_json::to_string(facts)?),
            sql::text(tokens::place(facts)),
            sql::text(facts.name.likeness(normalize)),
            sql::maybe_text(token.description.as_ref()),
            Value::Integer(i64::from(facts.is_system)),
            Value::Integer(State::Live.code()),
            sql::maybe_text(facts.scope.project().map(|project| project.id)),
            sql::maybe_text(token.minted_by),
            sql::maybe_text(logged.replaces.as_ref()),
            sql::maybe_text(logged.address.as_ref()),
            sql::time(token.created_at),
            sql::maybe_time(facts.expires_at),
            Value::Integer(token.uses),
            sql::maybe_time(token.used_at),
            sql::maybe_text(facts.ci_job.as_ref().map(|job| job.rule)),
        ];
        let query = "insert into tokens (id, facts, place, name, description, is_system, state, \
                     project, minted_by, replaces, address, created_at, expires_at, uses, used_at, \
                     rule) \
                     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                     on conflict (id) do nothing";
        self.change(facts.id, query, &values)
    }

    /// D1 has the row of a token.
    pub fn log_recorded(&self, token: TokenId) -> Result<()> {
        let query = "insert into rebuild_tokens (token, recorded) values (?1, 1) \
                     on conflict (token) do update set recorded = 1";
        self.run(query, &[sql::text(token)])
    }

    /// D1's tokens are about to be read once more: which of them have a row is found anew.
    pub fn forget_recorded(&self) -> Result<()> {
        let query = "update rebuild_tokens set recorded = 0 where token > ?";
        self.run(query, &[sql::text("")])
    }

    /// A token was found to have no row in D1, and is dealt with.
    pub fn log_unrecorded(&self, token: TokenId) -> Result<()> {
        let query = "insert into rebuild_tokens (token, recorded) values (?1, 2) \
                     on conflict (token) do update set recorded = 2";
        self.run(query, &[sql::text(token)])
    }

    /// The log lacks what has become of a token.
    pub fn log_lacks(&self, token: TokenId, what: Lack) -> Result<()> {
        let query = "insert into rebuild_tokens (token, recorded) values (?1, ?2) \
                     on conflict (token) do update set recorded = ?2";
        self.run(query, &[sql::text(token), Value::Integer(what.code())])
    }

    /// What the log lacks after a rebuild, of so many tokens at most.
    pub fn lacking(&self, limit: u32) -> Result<Vec<(TokenId, Lack)>> {
        let query = "select token, recorded from rebuild_tokens where token > ? and recorded > 2 \
                     limit ?";
        self.rows(query, &[sql::text(""), sql::count(limit.into())], |row| {
            let id = row.text()?;
            let lack = match row.integer()? {
                3 => Lack::End,
                _ => Lack::Quarantine,
            };
            let id = TokenId::parse(&id).map_err(|_| SqlError(format!("`{id}` is no id")))?;
            Ok((id, lack))
        })
    }

    /// The log has it now.
    pub fn forget_lack(&self, token: TokenId) -> Result<()> {
        self.run(
            "delete from rebuild_tokens where token = ?",
            &[sql::text(token)],
        )
    }

    /// Tokens that are not revoked, of which D1 has no row, and which nobody has dealt with; so many
    /// at most.
    pub fn unrecorded(&self, limit: u32) -> Result<Vec<TokenId>> {
        let query = "select id from tokens where state < 2 and not exists \
                     (select 1 from rebuild_tokens where token = tokens.id and recorded > 0) \
                     limit ?";
        self.rows(query, &[sql::count(limit.into())], |row| {
            let id = row.text()?;
            TokenId::parse(&id).map_err(|_| SqlError(format!("`{id}` is no id")))
        })
    }

    /// Since when a token is quarantined.
    pub fn quarantined_at(&self, token: TokenId) -> Result<Option<Timestamp>> {
        let query = "select quarantined_at from tokens where id = ?";
        match self.first(query, &[sql::text(token)])? {
            Some(mut row) => row.maybe_time(),
            None => Ok(None),
        }
    }
}
