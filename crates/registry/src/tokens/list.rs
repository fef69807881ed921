//! Listing and reading tokens (R16, R19, R20). A caller sees only what it is allowed to manage.

use serde::Serialize;

use super::filter::{TokenFilter, TokenQuery};
use super::{Found, TokenRecord, TokenView, UNKNOWN, hide, reach, token_id};
use crate::error::Result;
use crate::organization::resolve_id;
use crate::page::{Cursor, Page};
use crate::ports::{Directory, Ledgers, Records};
use crate::registry::find_project;
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Target, decide};
use postern_domain::id::{Id, ProjectId};
use postern_domain::operation::Operation;

/// A page of tokens.
#[derive(Debug, Serialize)]
pub struct TokenList {
    tokens: Vec<TokenView>,
    next_cursor: Option<String>,
    /// `false` = the page ends where enough tokens had been looked at, and not because it is full or
    /// nothing follows: `next_cursor` goes on from there (R48).
    searched_all: bool,
    /// Whether it is a list of the words of what looked like an id.
    #[serde(skip)]
    pub(super) instead: bool,
}

impl TokenList {
    /// Whether nothing is on it.
    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// A list of nothing.
    pub(super) fn empty() -> Self {
        Self {
            tokens: Vec::new(),
            next_cursor: None,
            searched_all: true,
            instead: false,
        }
    }
}

/// `GET /org/tokens`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for organization or project, `Unavailable`.
pub async fn list<P: Directory + Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    mut asked: TokenQuery,
    page: &Page,
    ports: &P,
) -> Result<TokenList> {
    let words = asked.instead.take();
    let found = one_list(caller, organization, asked, page, ports).await?;
    match words {
        Some(words) if found.is_empty() && found.next_cursor.is_none() => {
            let list = one_list(caller, organization, *words, page, ports).await?;
            let instead = !list.is_empty();
            Ok(TokenList { instead, ..list })
        }
        _ => Ok(found),
    }
}

async fn one_list<P: Directory + Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    asked: TokenQuery,
    page: &Page,
    ports: &P,
) -> Result<TokenList> {
    let reach = reach(caller, Operation::TokenList)?;
    let own = confine(caller, asked.project.as_deref())?;
    let organization = resolve_id(caller, organization, ports).await?;
    let project = match (own, asked.project.as_deref()) {
        (None, Some(meant)) => Some(find_project(organization.id, meant, ports).await?.id),
        (own, _) => own,
    };
    let filter = TokenFilter {
        project,
        ..asked.filter.within(reach)
    };
    let Found { tokens, reached } = ports
        .tokens(
            organization.id,
            &filter,
            page.after.as_ref(),
            page.limit + 1,
        )
        .await?;
    let (rows, next) = page.cut(tokens, |row| place(row, &filter));
    // A full page goes on behind its last row, wherever the search stopped.
    let reached = reached.filter(|_| next.is_none());
    Ok(TokenList {
        tokens: rows
            .into_iter()
            .map(|row| TokenView::counted(row, filter.now, filter.uses_days))
            .collect(),
        searched_all: reached.is_none(),
        instead: false,
        next_cursor: next.or(reached.map(|place| place.print())),
    })
}

/// Where a row stands in the order of its list.
fn place(row: &TokenRecord, filter: &TokenFilter) -> Cursor {
    let ends = filter.expires_before.and(row.facts.expires_at);
    Cursor {
        at: ends.unwrap_or(row.created_at),
        id: row.facts.id.to_string(),
    }
}

/// The project of a caller that may see one project's tokens. It asks for that one, or for none.
pub(super) fn confine(caller: &Caller, asked: Option<&str>) -> Result<Option<ProjectId>> {
    let Some(own) = caller.confined_to() else {
        return Ok(None);
    };
    match asked {
        Some(other) if other != own.name && Id::parse(other) != Ok(own.id) => {
            Err(Denial::OtherProject {
                project: own.name.clone(),
            }
            .into())
        }
        _ => Ok(Some(own.id)),
    }
}

/// `GET /org/tokens/{id}`.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, `Unavailable`.
pub async fn read<P: Directory + Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    ports: &P,
) -> Result<TokenView> {
    reach(caller, Operation::TokenRead)?;
    let id = token_id(id)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let record: TokenRecord = ports.token(organization.id, id).await?.ok_or(UNKNOWN)?;
    decide(caller, Operation::TokenRead, Target::Token(&record.facts)).map_err(hide)?;
    Ok(record.into())
}
