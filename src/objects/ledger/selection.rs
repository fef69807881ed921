//! Which tokens fit a selector, have been idle, or have been used: questions over many rows of the
//! Ledger's SQLite. Whatever is not revoked yet is selected: a token that is still being created,
//! or is quarantined, too.

use serde::Deserialize;
use worker::SqlStorage;

use super::super::sql;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::RevokeManyCommand;

#[derive(Deserialize)]
struct TextRow {
    facts: String,
}

/// A token that a selector has found.
pub struct Selected {
    pub facts: TokenFacts,
    pub used_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SelectedRow {
    facts: String,
    used_at: Option<i64>,
}

/// The tokens that are neither revoked nor expired and fit a selector, at most one more than the
/// limit.
pub fn select(
    db: &SqlStorage,
    command: &RevokeManyCommand,
    now: Timestamp,
    limit: u32,
) -> worker::Result<Vec<Selected>> {
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

/// Tokens that are neither revoked nor expired, system tokens aside, last used (or, if never, minted)
/// before a moment.
pub fn idle(db: &SqlStorage, since: Timestamp, now: Timestamp) -> worker::Result<Vec<TokenFacts>> {
    let query = "select facts from tokens where state < 2 and is_system = 0 \
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
