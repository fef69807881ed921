//! The statement behind lists of tokens. Refuses to leave the index to SQLite, which has no statistics
//! here and takes any that could do.

use worker::Env;

use super::d1::{self, Bind};
use super::records::after;
use super::token_rows::{SELECT, TokenRow};
use crate::app::error::Result;
use crate::app::page::{Cursor, Page};
use crate::app::tokens::{Filter, Level, Status, TokenRecord};
use crate::domain::id::OrganizationId;

/// The uses of a page's tokens by day, which nothing else of a list needs.
const DAYS: &str = "(select json_group_array(json_array(d.day, d.uses)) from token_days d \
                    where d.token_id = r.id) as days";

/// The statement of a page, newest first. The most telling filter finds the rows (a minter, a
/// project, or else the organization), in the order of the list; a `+` keeps the others from it.
fn page(organization: OrganizationId, filter: &Filter, page: &Page) -> (String, Vec<Bind>) {
    let mut values = vec![Bind::text(organization)];
    let by_age = match filter {
        Filter {
            project: None,
            minted_by: None,
            ..
        } => "",
        _ => "+",
    };
    let mut sql = format!("{SELECT} where {by_age}t.organization_id = ?");
    if let Some(minter) = filter.minted_by {
        sql.push_str(" and t.minted_by = ?");
        values.push(Bind::text(minter));
    }
    if let Some(project) = &filter.project {
        let by_project = if filter.minted_by.is_some() { "+" } else { "" };
        sql.push_str(&format!(
            " and {by_project}t.project_id = \
             (select id from projects where organization_id = ? and name = ?)"
        ));
        values.push(Bind::text(organization));
        values.push(Bind::text(project));
    }
    match filter.status {
        Status::Active => {
            sql.push_str(
                " and (t.revoked_at is null or t.revoked_at > ?) \
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
        Some(Level::Organization) => sql.push_str(" and +t.project_id is null"),
        Some(Level::Project) => {
            sql.push_str(" and +t.project_id is not null and t.workflow_id is null");
        }
        Some(Level::Workflow) => sql.push_str(" and t.workflow_id is not null"),
        None => {}
    }
    if !filter.reach.organization_tokens {
        sql.push_str(" and +t.project_id is not null");
    }
    if !filter.reach.project_tokens {
        sql.push_str(" and +t.project_id is null");
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
    filter: &Filter,
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

#[cfg(test)]
mod tests;
