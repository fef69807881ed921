//! Which tokens fit a selector, and which have been idle. Whatever is not revoked yet is selected: a
//! token that is still being created, or is quarantined, too.

use postern_domain::time::Timestamp;

use super::{Store, Subject};
use crate::RevokeManyCommand;
use crate::sql::{self, Result, Sql, Value};

/// A token that a selector has found.
pub struct Selected {
    pub subject: Subject,
    pub used_at: Option<Timestamp>,
}

impl<S: Sql> Store<S> {
    /// The tokens that are neither revoked nor expired and fit a selector, at most one more than the
    /// limit.
    pub fn select(
        &self,
        command: &RevokeManyCommand,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Selected>> {
        let selector = &command.selector;
        let mut query = String::from(
            "select facts, used_at from tokens where state < 2 \
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
                 union select t.id from tokens t join below b \
                 on t.minted_by = b.id or t.replaces = b.id) \
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
        values.push(Value::Integer(i64::from(limit) + 1));
        self.rows(&query, &values, |row| {
            Ok(Selected {
                subject: Subject::read(row)?,
                used_at: row.maybe_time()?,
            })
        })
    }

    /// Tokens that are neither revoked nor expired, system tokens aside, last used (or, if never,
    /// minted) before a moment.
    pub fn idle(&self, since: Timestamp, now: Timestamp) -> Result<Vec<Subject>> {
        let query = "select facts from tokens where state < 2 and is_system = 0 \
                     and (revoked_at is null or revoked_at > ?) \
                     and (expires_at is null or expires_at > ?) \
                     and coalesce(used_at, created_at) < ? order by created_at, id";
        let values = [sql::time(now), sql::time(now), sql::time(since)];
        self.rows(query, &values, Subject::read)
    }
}
