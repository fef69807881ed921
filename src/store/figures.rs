//! Figures of an organization's tokens for its overview, and the rows of a selection. Each statement
//! reads a bounded part of an index, or rows by their ids.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use super::token_rows::{COLUMNS, JOINS, TokenRow};
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_registry::error::Result;
use postern_registry::tokens::{SelectedToken, TokenTotals, TotalsQuery};

/// Active tokens that an overview looks at, newest first.
const LOOKED_AT: u32 = 100_000;
/// Creations that it counts. No organization reaches it within two days.
const COUNTED: u32 = 500_000;

/// The caller's tokens among those of the index, each with what it counts for; and whatever was created
/// today, in whatever state it is.
const TOTALS: &str = "select count(*) as looked, \
     coalesce(sum(own and quarantined_at is null), 0) as active, \
     coalesce(sum(own and quarantined_at is not null), 0) as quarantined, \
     coalesce(sum(own and ifnull(expires_at < ?2, 0)), 0) as expiring, \
     coalesce(sum(own and expires_at is null), 0) as never_expire, \
     coalesce(sum(own and created_at < ?3 and ifnull(last_used_at < ?3, 1)), 0) as unused, \
     (select count(*) from (select 1 from tokens c indexed by tokens_by_age \
     where c.organization_id = ?1 and c.created_at >= ?4 and c.is_system = 0 \
     and (?6 or c.project_id is not null) and (?7 or c.project_id is null) \
     and (?8 is null or ifnull(c.project_id = ?8, 0)) limit ?9)) as created_today \
     from (select t.created_at, t.expires_at, t.last_used_at, t.quarantined_at, \
     ifnull(t.revoked_at > ?5, 1) and ifnull(t.expires_at > ?5, 1) and t.is_system = 0 \
     and (?6 or t.project_id is not null) and (?7 or t.project_id is null) \
     and (?8 is null or ifnull(t.project_id = ?8, 0)) as own \
     from tokens t indexed by tokens_not_over where t.organization_id = ?1 and t.over = 0 \
     order by t.created_at desc, t.id desc limit ?9)";

#[derive(Deserialize)]
struct Totals {
    looked: u32,
    active: u32,
    quarantined: u32,
    expiring: u32,
    never_expire: u32,
    unused: u32,
    created_today: u32,
}

fn totals_of(organization: OrganizationId, asked: &TotalsQuery) -> Vec<Bind> {
    vec![
        Bind::text(organization),
        Bind::time(asked.soon),
        Bind::time(asked.unused_since),
        Bind::time(asked.today),
        Bind::time(asked.now),
        Bind::number(u32::from(asked.reach.organization_tokens)),
        Bind::number(u32::from(asked.reach.project_tokens)),
        Bind::maybe(asked.project),
        Bind::number(LOOKED_AT),
    ]
}

/// How many active tokens there are of each kind.
///
/// # Errors
/// `Unavailable`.
pub async fn token_totals(
    env: &Env,
    organization: OrganizationId,
    asked: &TotalsQuery,
) -> Result<TokenTotals> {
    let rows: Vec<Totals> = d1::rows(env, TOTALS, totals_of(organization, asked)).await?;
    let row = rows
        .into_iter()
        .next()
        .ok_or_else(|| d1::failed("a count without a row"))?;
    Ok(TokenTotals {
        active: row.active,
        expiring: row.expiring,
        never_expire: row.never_expire,
        unused: row.unused,
        quarantined: row.quarantined,
        created_today: row.created_today,
        more: row.looked >= LOOKED_AT,
    })
}

/// As `created_today` counts them: minted, rotated, adopted, or given to a CI job.
const MINTS: &str = "select created_at / 3600000 as hour, count(*) as created from \
     (select created_at from tokens indexed by tokens_by_age where organization_id = ?1 \
     and created_at >= ?2 and is_system = 0 \
     and (?3 or project_id is not null) and (?4 or project_id is null) \
     and (?5 is null or ifnull(project_id = ?5, 0)) \
     order by created_at desc, id desc limit ?6) \
     group by created_at / 3600000";

/// How many of the caller's tokens were created, by the hour since 1970.
///
/// # Errors
/// `Unavailable`.
pub async fn mints_by_hour(
    env: &Env,
    organization: OrganizationId,
    asked: &TotalsQuery,
    since: Timestamp,
) -> Result<Vec<(i64, u32)>> {
    #[derive(Deserialize)]
    struct Hour {
        hour: i64,
        created: u32,
    }
    let values = vec![
        Bind::text(organization),
        Bind::time(since),
        Bind::number(u32::from(asked.reach.organization_tokens)),
        Bind::number(u32::from(asked.reach.project_tokens)),
        Bind::maybe(asked.project),
        Bind::number(COUNTED),
    ];
    let rows: Vec<Hour> = d1::rows(env, MINTS, values).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.hour, row.created))
        .collect())
}

/// The rows of tokens by their ids, with their uses since a day began.
fn selection() -> String {
    format!(
        "select {COLUMNS}, max(0, t.uses - coalesce((select d.uses from token_days d \
         where d.token_id = t.id and d.day < ? order by d.day desc limit 1), 0)) as recent \
         from tokens t indexed by sqlite_autoindex_tokens_1 {JOINS} \
         where t.organization_id = ? and t.id in (select value from json_each(?))"
    )
}

/// The tokens of these ids that D1 has.
///
/// # Errors
/// `Unavailable`.
pub async fn selected(
    env: &Env,
    organization: OrganizationId,
    ids: &[TokenId],
    day: i64,
) -> Result<Vec<SelectedToken>> {
    #[derive(Deserialize)]
    struct Selected {
        #[serde(flatten)]
        row: TokenRow,
        recent: u64,
    }
    let values = vec![
        Bind::whole(day),
        Bind::text(organization),
        Bind::Text(serde_json::to_string(ids).map_err(d1::failed)?),
    ];
    let rows: Vec<Selected> = d1::rows(env, &selection(), values).await?;
    let read = |selected: Selected| {
        Ok(SelectedToken {
            record: selected.row.read()?,
            recent_uses: selected.recent,
        })
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests;
