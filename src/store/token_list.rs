//! The statement behind lists of tokens, and the mark that keeps what has ended out of them. The
//! index is named in the statement: SQLite has no statistics here and takes any that could do.

use worker::Env;

use super::d1::{self, Bind};
use super::records::after;
use super::token_rows::{COLUMNS, JOINS, TokenRow};
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_registry::error::Result;
use postern_registry::page::{Cursor, Page};
use postern_registry::tokens::{Level, Status, TokenFilter, TokenRecord};

/// The uses of a page's tokens by day, which nothing else of a list needs.
const DAYS: &str = "(select json_group_array(json_array(d.day, d.uses)) from token_days d \
                    where d.token_id = r.id) as days";

/// The index that finds the fewest rows for these filters, each in the order of the list.
fn index(filter: &TokenFilter) -> &'static str {
    let own = filter.level == Some(Level::Organization) || !filter.reach.project_tokens;
    match filter {
        TokenFilter {
            minted_by: Some(_), ..
        } => "tokens_by_minter",
        TokenFilter {
            project: Some(_), ..
        } => "tokens_by_project",
        _ if own => "tokens_of_organizations",
        TokenFilter {
            status: Status::Active,
            ..
        } => "tokens_not_over",
        TokenFilter {
            status: Status::Revoked,
            ..
        } => "tokens_revoked",
        TokenFilter {
            status: Status::All,
            ..
        } => "tokens_by_age",
    }
}

/// The statement of a page, newest first.
fn page(organization: OrganizationId, filter: &TokenFilter, page: &Page) -> (String, Vec<Bind>) {
    let mut values = vec![Bind::text(organization)];
    let mut sql = format!(
        "select {COLUMNS} from tokens t indexed by {} {JOINS} where t.organization_id = ?",
        index(filter)
    );
    if let Some(minter) = filter.minted_by {
        sql.push_str(" and t.minted_by = ?");
        values.push(Bind::text(minter));
    }
    if let Some(project) = filter.project {
        sql.push_str(" and t.project_id = ?");
        values.push(Bind::text(project));
    }
    match filter.status {
        Status::Active => {
            sql.push_str(
                " and t.over = 0 and (t.revoked_at is null or t.revoked_at > ?) \
                 and (t.expires_at is null or t.expires_at > ?)",
            );
            values.push(Bind::time(filter.now));
            values.push(Bind::time(filter.now));
        }
        Status::Revoked => {
            sql.push_str(" and t.revoked_at <= ?");
            values.push(Bind::time(filter.now));
        }
        Status::All => {}
    }
    match filter.level {
        Some(Level::Organization) => sql.push_str(" and t.project_id is null"),
        Some(Level::Project) => {
            sql.push_str(" and t.project_id is not null and t.workflow_id is null");
        }
        Some(Level::Workflow) => sql.push_str(" and t.workflow_id is not null"),
        None => {}
    }
    if !filter.reach.organization_tokens {
        sql.push_str(" and t.project_id is not null");
    }
    if !filter.reach.project_tokens {
        sql.push_str(" and t.project_id is null");
    }
    if !filter.include_system {
        sql.push_str(" and t.is_system = 0");
    }
    sql.push_str(&after(page, &mut values, "t."));
    sql.push_str(" order by t.created_at desc, t.id desc limit ?");
    values.push(Bind::number(page.limit));
    if filter.uses_days > 0 {
        sql = format!("select r.*, {DAYS} from ({sql}) r order by r.created_at desc, r.id desc");
    }
    (sql, values)
}

/// A page of an organization's tokens.
///
/// # Errors
/// `Unavailable`.
pub async fn tokens(
    env: &Env,
    organization: OrganizationId,
    filter: &TokenFilter,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<TokenRecord>> {
    let asked = Page {
        limit,
        after: cursor.cloned(),
    };
    let (sql, values) = page(organization, filter, &asked);
    let rows: Vec<TokenRow> = d1::rows(env, &sql, values).await?;
    rows.into_iter().map(TokenRow::read).collect()
}

/// When a token ends; as in migration 0007, for its index to be found.
const ENDS: &str =
    "min(ifnull(revoked_at, 9007199254740991), ifnull(expires_at, 9007199254740991))";
/// Tokens that are marked as ended in one statement, and statements in one run of the schedule.
const AT_A_TIME: (u32, usize) = (5_000, 20);

fn mark() -> String {
    format!(
        "update tokens set over = 1 where id in \
         (select id from tokens where over = 0 and {ENDS} <= ? order by {ENDS} limit ?)"
    )
}

/// Marks what has ended, so that lists of active tokens skip it. Lists are right without it, and
/// slower; an organization's tokens of millions are marked over some hours.
///
/// # Errors
/// `Unavailable`.
pub async fn mark_ended(env: &Env, now: Timestamp) -> Result<()> {
    let database = d1::database(env)?;
    let ((limit, times), sql) = (AT_A_TIME, mark());
    for _ in 0..times {
        let values = vec![Bind::time(now), Bind::number(limit)];
        let statement = d1::statement(&database, &sql, values).map_err(d1::failed)?;
        let done = statement.run().await.map_err(d1::failed)?;
        let meta = done.meta().map_err(d1::failed)?;
        if meta.and_then(|meta| meta.changes).unwrap_or(0) < limit as usize {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
