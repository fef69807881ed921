//! The statements behind lists of tokens, and the mark that keeps what has ended out of them. The
//! index is named in a statement: SQLite has no statistics here and takes any that could do.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use super::token_rows::{COLUMNS, JOINS, TokenRow};
use super::token_words::{MENTIONS, beginning, has_all, rarest};
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_domain::token::Format;
use postern_registry::error::Result;
use postern_registry::page::{Cursor, Page};
use postern_registry::tokens::{Found, IdRange, Level, Search, Status, TokenFilter};

/// The uses of a page's tokens by day, which nothing else of a list needs.
const DAYS: &str = "(select json_group_array(json_array(d.day, d.uses)) from token_days d \
                    where d.token_id = r.id) as days";
/// Tokens of an index that are looked at for one page, where a filter may leave out most of them.
const LOOKED_AT: u32 = 20_000;

/// How a page finds its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// Through an index, in the order of the list.
    Index(&'static str),
    /// By the tokens of one word, which are few.
    Word(String),
    /// By their ids, which lie together.
    Ids,
}

impl Way {
    /// The index of the statement.
    fn index(&self) -> &'static str {
        match self {
            Self::Index(name) => name,
            Self::Word(_) | Self::Ids => "sqlite_autoindex_tokens_1",
        }
    }
}

/// The index that finds the fewest rows for these filters, each in the order of the list.
fn index(filter: &TokenFilter) -> &'static str {
    let own = filter.level == Some(Level::Organization) || !filter.reach.project_tokens;
    match filter {
        // In an order of its own.
        TokenFilter {
            expires_before: Some(_),
            ..
        } => "tokens_expiring",
        TokenFilter {
            quarantined: true, ..
        } => "tokens_quarantined",
        TokenFilter {
            minted_by: Some(_), ..
        } => "tokens_by_minter",
        TokenFilter {
            project: Some(_), ..
        } => "tokens_by_project",
        _ if own => "tokens_of_organizations",
        TokenFilter {
            status: Status::Active,
            never_expires: true,
            ..
        } => "tokens_never_expiring",
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

/// Whether a filter may leave out most of what its index has.
fn is_sparse(filter: &TokenFilter) -> bool {
    filter.search.is_some()
        || filter.expires_before.is_some()
        || filter.never_expires
        || filter.unused_since.is_some()
        || filter.quarantined
}

/// A statement that grows, with its values.
struct Statement {
    sql: String,
    values: Vec<Bind>,
}

impl Statement {
    fn add<const N: usize>(&mut self, clause: &str, values: [Bind; N]) {
        self.sql.push_str(clause);
        self.values.extend(values);
    }

    /// What the index has: its own columns and conditions alone, so that their rows can be counted.
    fn range(&mut self, filter: &TokenFilter, index: &str, after: Option<&Cursor>) {
        match index {
            "tokens_by_minter" => {
                let minter = filter.minted_by.map(Bind::text).unwrap_or(Bind::Null);
                self.add(" and t.minted_by = ?", [minter]);
            }
            "tokens_by_project" => {
                let project = filter.project.map(Bind::text).unwrap_or(Bind::Null);
                self.add(" and t.project_id = ?", [project]);
            }
            "tokens_of_organizations" => self.add(" and t.project_id is null", []),
            "tokens_quarantined" => self.add(" and t.quarantined_at is not null", []),
            "tokens_revoked" => self.add(" and t.revoked_at is not null", []),
            "tokens_not_over" => self.add(" and t.over = 0", []),
            "tokens_never_expiring" => self.add(" and t.over = 0 and t.expires_at is null", []),
            "tokens_expiring" => self.add(" and t.over = 0", []),
            _ => {}
        }
        if let Some(end) = filter.expires_before {
            let ends = [Bind::time(filter.now), Bind::time(end)];
            self.add(" and t.expires_at > ? and t.expires_at < ?", ends);
        } else {
            if let Some(before) = filter.unused_since {
                self.add(" and t.created_at < ?", [Bind::time(before)]);
            }
            if let Some(after) = filter.created_after {
                self.add(" and t.created_at > ?", [Bind::time(after)]);
            }
        }
        if let Some(place) = after {
            let clause = match filter.expires_before {
                Some(_) => " and (t.expires_at, t.id) > (?, ?)",
                None => " and (t.created_at, t.id) < (?, ?)",
            };
            self.add(clause, [Bind::time(place.at), Bind::text(&place.id)]);
        }
    }

    /// What the row tells.
    fn row(&mut self, filter: &TokenFilter) {
        if let Some(minter) = filter.minted_by {
            self.add(" and t.minted_by = ?", [Bind::text(minter)]);
        }
        if let Some(project) = filter.project {
            self.add(" and t.project_id = ?", [Bind::text(project)]);
        }
        match filter.status {
            Status::Active => self.add(
                " and t.over = 0 and (t.revoked_at is null or t.revoked_at > ?) \
                 and (t.expires_at is null or t.expires_at > ?)",
                [Bind::time(filter.now), Bind::time(filter.now)],
            ),
            Status::Revoked => self.add(" and t.revoked_at <= ?", [Bind::time(filter.now)]),
            Status::All => {}
        }
        match filter.level {
            Some(Level::Organization) => self.add(" and t.project_id is null", []),
            Some(Level::Project) => self.add(
                " and t.project_id is not null and t.workflow_id is null",
                [],
            ),
            Some(Level::Workflow) => self.add(" and t.workflow_id is not null", []),
            None => {}
        }
        if !filter.reach.organization_tokens {
            self.add(" and t.project_id is not null", []);
        }
        if !filter.reach.project_tokens {
            self.add(" and t.project_id is null", []);
        }
        if !filter.include_system {
            self.add(" and t.is_system = 0", []);
        }
        if filter.quarantined {
            self.add(" and t.quarantined_at is not null", []);
        }
        if filter.never_expires {
            self.add(" and t.expires_at is null", []);
        }
        if let Some(before) = filter.unused_since {
            let clause = " and t.created_at < ? \
                          and (t.last_used_at is null or t.last_used_at < ?)";
            self.add(clause, [Bind::time(before), Bind::time(before)]);
        }
        if let Some(after) = filter.created_after {
            self.add(" and t.created_at > ?", [Bind::time(after)]);
        }
    }

    /// What people call the token.
    fn search(&mut self, search: &Search) -> Result<()> {
        for IdRange {
            first,
            last,
            format,
        } in &search.ids
        {
            let ends = [Bind::text(first), Bind::text(last)];
            self.add(" and t.id >= ? and t.id <= ?", ends);
            match format {
                Some(Format::Opaque) => self.add(" and t.format = 'opaque'", []),
                Some(Format::Jwt) => self.add(" and t.format = 'jwt'", []),
                None => {}
            }
        }
        if search.words.is_empty() {
            return Ok(());
        }
        // The dear question is asked of rows that the cheap ones leave.
        self.sql.push_str(" and case");
        for word in &search.words {
            self.add(&format!(" when not {MENTIONS} then 0"), [Bind::text(word)]);
        }
        let words = serde_json::to_string(&search.words).map_err(d1::failed)?;
        self.add(&format!(" else {} end", has_all()), [Bind::Text(words)]);
        Ok(())
    }

    fn order(&mut self, filter: &TokenFilter) {
        self.sql.push_str(order(filter, "t"));
    }
}

/// The order of a list.
fn order(filter: &TokenFilter, of: &str) -> &'static str {
    match (filter.expires_before, of) {
        (Some(_), "t") => " order by t.expires_at, t.id",
        (Some(_), _) => " order by r.expires_at, r.id",
        (None, "t") => " order by t.created_at desc, t.id desc",
        (None, _) => " order by r.created_at desc, r.id desc",
    }
}

/// The statement of a page; `floor` is the last place that it looks at.
fn page(
    organization: OrganizationId,
    filter: &TokenFilter,
    page: &Page,
    way: &Way,
    floor: Option<&Cursor>,
) -> Result<(String, Vec<Bind>)> {
    let index = way.index();
    let mut statement = Statement {
        sql: format!(
            "select {COLUMNS} from tokens t indexed by {index} {JOINS} where t.organization_id = ?"
        ),
        values: vec![Bind::text(organization)],
    };
    if let Way::Word(word) = way {
        let [from, to] = beginning(word);
        statement.add(
            " and t.id in (select token_id from token_words \
             where organization_id = ? and word >= ? and word < ?)",
            [Bind::text(organization), from, to],
        );
    }
    statement.range(filter, index, page.after.as_ref());
    if let Some(place) = floor {
        let clause = match filter.expires_before {
            Some(_) => " and t.expires_at <= ? and (t.expires_at, t.id) <= (?, ?)",
            None => " and t.created_at >= ? and (t.created_at, t.id) >= (?, ?)",
        };
        let at = || Bind::time(place.at);
        statement.add(clause, [at(), at(), Bind::text(&place.id)]);
    }
    statement.row(filter);
    if let Some(search) = &filter.search {
        statement.search(search)?;
    }
    statement.order(filter);
    statement.add(" limit ?", [Bind::number(page.limit)]);
    let Statement { mut sql, values } = statement;
    if filter.uses_days > 0 {
        let order = order(filter, "r");
        sql = format!("select r.*, {DAYS} from ({sql}) r{order}");
    }
    Ok((sql, values))
}

/// The statement that finds the last place that a page looks at.
fn floor(
    organization: OrganizationId,
    filter: &TokenFilter,
    after: Option<&Cursor>,
    index: &str,
) -> (String, Vec<Bind>) {
    let at = match filter.expires_before {
        Some(_) => "expires_at",
        None => "created_at",
    };
    let mut statement = Statement {
        sql: format!(
            "select t.{at} as at, t.id from tokens t indexed by {index} where t.organization_id = ?"
        ),
        values: vec![Bind::text(organization)],
    };
    statement.range(filter, index, after);
    statement.order(filter);
    statement.add(" limit 1 offset ?", [Bind::number(LOOKED_AT - 1)]);
    (statement.sql, statement.values)
}

/// How these filters find their rows: a rare word or an id narrows more than any index.
async fn way(env: &Env, organization: OrganizationId, filter: &TokenFilter) -> Result<Way> {
    let list = Way::Index(index(filter));
    Ok(match &filter.search {
        None => list,
        Some(search) if !search.ids.is_empty() => Way::Ids,
        Some(search) => rarest(env, organization, &search.words)
            .await?
            .map_or(list, Way::Word),
    })
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
) -> Result<Found> {
    #[derive(Deserialize)]
    struct Place {
        at: i64,
        id: String,
    }
    let way = way(env, organization, filter).await?;
    let reached = match way {
        Way::Index(index) if is_sparse(filter) => {
            let (sql, values) = floor(organization, filter, cursor, index);
            let rows: Vec<Place> = d1::rows(env, &sql, values).await?;
            rows.into_iter().next().map(|place| Cursor {
                at: Timestamp::from_millis(place.at),
                id: place.id,
            })
        }
        _ => None,
    };
    let asked = Page {
        limit,
        after: cursor.cloned(),
    };
    let (sql, values) = page(organization, filter, &asked, &way, reached.as_ref())?;
    let rows: Vec<TokenRow> = d1::rows(env, &sql, values).await?;
    let tokens = rows.into_iter().map(TokenRow::read);
    Ok(Found {
        tokens: tokens.collect::<Result<_>>()?,
        reached,
    })
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
