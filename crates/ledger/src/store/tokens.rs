//! What is stored of single tokens besides their standing: facts, names, uses, and what has changed
//! since a version.

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::standing::State;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use super::{Normalize, Store, Subject};
use crate::sql::{self, Result, Row, Sql, Value};

/// A token as the Ledger stores it.
pub struct Stored {
    pub facts: TokenFacts,
    /// The version of the revocation log at which its standing last changed.
    pub version: Option<i64>,
}

/// A token that can be ended, as the Ledger stores it.
pub struct Ending {
    pub subject: Subject,
    pub revoked_at: Option<Timestamp>,
    /// The version of the revocation log at which its standing last changed.
    pub version: Option<i64>,
}

/// A token that can be edited, as the Ledger stores it.
pub struct Editable {
    pub facts: TokenFacts,
    pub description: Option<String>,
}

/// A token's uses so far.
pub struct Total {
    pub organization: OrganizationId,
    pub uses: i64,
}

/// Where a token's name must be unique: its project's id, or nothing for the organization's own.
pub(super) fn place(facts: &TokenFacts) -> String {
    facts
        .scope
        .project()
        .map(|project| project.id.to_string())
        .unwrap_or_default()
}

/// Facts as they stand in a column.
pub(super) fn facts(row: &mut Row) -> Result<TokenFacts> {
    Ok(serde_json::from_str(&row.text()?)?)
}

impl<S: Sql> Store<S> {
    /// A token with its facts.
    pub fn token(&self, token: TokenId) -> Result<Option<Stored>> {
        let query = "select facts, version from tokens where id = ?";
        let Some(mut row) = self.first(query, &[sql::text(token)])? else {
            return Ok(None);
        };
        Ok(Some(Stored {
            facts: facts(&mut row)?,
            version: row.maybe_integer()?,
        }))
    }

    /// A token that can be ended, with the moment and the version of its end.
    pub fn subject(&self, token: TokenId) -> Result<Option<Ending>> {
        let query = "select facts, revoked_at, version from tokens where id = ?";
        let Some(mut row) = self.first(query, &[sql::text(token)])? else {
            return Ok(None);
        };
        Ok(Some(Ending {
            subject: Subject::read(&mut row)?,
            revoked_at: row.maybe_time()?,
            version: row.maybe_integer()?,
        }))
    }

    /// Stores what was missing in a token's facts.
    pub fn set_facts(&self, facts: &TokenFacts) -> Result<()> {
        let values = [
            sql::text(serde_json::to_string(facts)?),
            sql::text(facts.id),
        ];
        self.run("update tokens set facts = ? where id = ?", &values)
    }

    /// Whether an active token has the name of this one, or one that looks the same, in the same
    /// place (R8). Tokens that are being rotated out have given theirs up; `except` is about to.
    pub fn name_taken(
        &self,
        facts: &TokenFacts,
        except: Option<TokenId>,
        now: Timestamp,
        normalize: Normalize,
    ) -> Result<bool> {
        let query = "select count(*) as count from tokens where place = ? and name in (?, ?, ?) \
                     and state < 2 and revoked_at is null \
                     and (expires_at is null or expires_at > ?) and id <> ?";
        let [likeness, decomposed, given] = facts.name.spellings(normalize);
        let values = [
            sql::text(place(facts)),
            sql::text(likeness),
            sql::text(decomposed),
            sql::text(given),
            sql::time(now),
            sql::text(except.map(|id| id.to_string()).unwrap_or_default()),
        ];
        Ok(self.number(query, &values)? > 0)
    }

    /// A token with what an edit may change of it.
    pub fn editable(&self, token: TokenId) -> Result<Option<Editable>> {
        let query = "select facts, description from tokens where id = ?";
        let Some(mut row) = self.first(query, &[sql::text(token)])? else {
            return Ok(None);
        };
        Ok(Some(Editable {
            facts: facts(&mut row)?,
            description: row.maybe_text()?,
        }))
    }

    /// Describes a token anew.
    pub fn describe(&self, token: TokenId, description: Option<&str>) -> Result<()> {
        let values = [sql::maybe_text(description), sql::text(token)];
        self.run("update tokens set description = ? where id = ?", &values)
    }

    /// A token's description.
    pub fn description(&self, token: TokenId) -> Result<Option<String>> {
        let query = "select description from tokens where id = ?";
        match self.first(query, &[sql::text(token)])? {
            Some(mut row) => row.maybe_text(),
            None => Ok(None),
        }
    }

    /// Whether a successor of the token is on its way: another rotation came first.
    pub fn has_pending_successor(&self, token: TokenId) -> Result<bool> {
        let query = "select count(*) as count from tokens where replaces = ? and state = ?";
        let values = [sql::text(token), Value::Integer(State::Pending.code())];
        Ok(self.number(query, &values)? > 0)
    }

    /// Tokens that are still being created.
    pub fn pending(&self) -> Result<Vec<Subject>> {
        // The state as the index has it: `State::Pending`.
        self.rows(
            "select facts from tokens where state = 0",
            &[],
            Subject::read,
        )
    }

    /// Tokens whose standing has changed after a version, the first `limit` of them.
    pub fn changed(&self, since: i64, limit: usize) -> Result<Vec<TokenId>> {
        let query = "select id from tokens where version > ? limit ?";
        let values = [Value::Integer(since), sql::count(limit as u64)];
        self.rows(query, &values, |row| {
            let id = row.text()?;
            TokenId::parse(&id).map_err(|_| sql::SqlError(format!("`{id}` is no id")))
        })
    }

    /// Adds uses and tells the total; nothing where there is no such token.
    pub fn add_uses(&self, token: TokenId, uses: i64, at: Timestamp) -> Result<Option<Total>> {
        let query = "update tokens set uses = uses + ?, used_at = max(coalesce(used_at, 0), ?) \
                     where id = ? returning uses, facts";
        let values = [Value::Integer(uses), sql::time(at), sql::text(token)];
        let Some(mut row) = self.first(query, &values)? else {
            return Ok(None);
        };
        Ok(Some(Total {
            uses: row.integer()?,
            organization: Subject::read(&mut row)?.organization(),
        }))
    }

    /// The organization's name; `None` before the first write that came by one.
    pub fn name(&self) -> Result<Option<String>> {
        let query = "select name from organization where only = 0";
        match self.first(query, &[])? {
            Some(mut row) => row.maybe_text(),
            None => Ok(None),
        }
    }

    /// Forgets the organization's name: it was not the one of its log.
    pub fn forget_name(&self) -> Result<()> {
        self.run("delete from organization where only = 0", &[])
    }

    /// Keeps the organization's name for good.
    pub fn set_name(&self, name: &str) -> Result<()> {
        let query = "insert into organization (only, name) values (0, ?)";
        self.run(query, &[sql::text(name)])
    }
}
