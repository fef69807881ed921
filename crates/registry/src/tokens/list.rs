//! Listing and reading tokens (R16, R19, R20). A caller sees only what it is allowed to manage.

use serde::Serialize;

use super::{TokenKinds, TokenRecord, TokenView, UNKNOWN, hide, reach, token_id};
use crate::error::{Error, Result};
use crate::organization::resolve_id;
use crate::page::{Cursor, Page};
use crate::ports::{Directory, Ledgers, Records};
use crate::registry::find_project;
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Target, decide};
use postern_domain::id::{Id, ProjectId, TokenId};
use postern_domain::operation::Operation;
use postern_domain::time::Timestamp;
use postern_domain::usage::MAX_DAYS;

/// A page of tokens.
#[derive(Debug, Serialize)]
pub struct TokenList {
    tokens: Vec<TokenView>,
    next_cursor: Option<String>,
}

/// Which tokens by state (R19). A token is active while neither revoked nor expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Neither revoked nor expired.
    Active,
    /// Revoked.
    Revoked,
    /// All of them.
    All,
}

/// Which tokens by scope level (R19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Tokens of the whole organization.
    Organization,
    /// Tokens of a project.
    Project,
    /// Tokens of a workflow.
    Workflow,
}

/// Which tokens a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFilter {
    /// Which ones, by status.
    pub status: Status,
    /// Which ones, by scope.
    pub level: Option<Level>,
    /// Tokens of this project.
    pub project: Option<ProjectId>,
    /// Tokens that this one minted.
    pub minted_by: Option<TokenId>,
    /// Whether system tokens are among them.
    pub include_system: bool,
    /// Of how many days the uses are shown, today among them; 0 = of none.
    pub uses_days: u32,
    /// Tokens that the caller may not manage are not there (R16).
    pub reach: TokenKinds,
    /// The moment that decides what has expired.
    pub now: Timestamp,
}

/// A list as a query asks for it: the project has yet to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenQuery {
    filter: TokenFilter,
    /// By name or id.
    project: Option<String>,
}

impl TokenQuery {
    /// Reads the filters as they stand in a query; as yet they reach nothing.
    ///
    /// # Errors
    /// `Invalid` naming the choices.
    pub fn parse(
        status: Option<&str>,
        scope: Option<&str>,
        project: Option<&str>,
        minted_by: Option<&str>,
        include_system: Option<&str>,
        uses_days: Option<&str>,
        now: Timestamp,
    ) -> Result<Self> {
        let status = match status {
            None | Some("active") => Status::Active,
            Some("revoked") => Status::Revoked,
            Some("all") => Status::All,
            Some(_) => {
                return Err(Error::invalid(
                    "status_invalid",
                    "`status` must be `active`, `revoked` or `all`",
                ));
            }
        };
        let level = match scope {
            None => None,
            Some("organization") => Some(Level::Organization),
            Some("project") => Some(Level::Project),
            Some("workflow") => Some(Level::Workflow),
            Some(_) => {
                return Err(Error::invalid(
                    "scope_invalid",
                    "`scope` must be `organization`, `project` or `workflow`",
                ));
            }
        };
        let include_system = match include_system {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(Error::invalid(
                    "include_system_invalid",
                    "`include_system` must be `true` or `false`",
                ));
            }
        };
        let uses_days = match uses_days.map(str::parse) {
            None => 0,
            Some(Ok(days)) if (1..=MAX_DAYS).contains(&days) => days,
            Some(_) => {
                return Err(Error::invalid(
                    "uses_days_invalid",
                    format!("`uses_days` must be 1 to {MAX_DAYS}"),
                ));
            }
        };
        let minted_by = minted_by.map(Id::parse).transpose().map_err(|_| {
            Error::invalid("minted_by_invalid", "`minted_by` must be the id of a token")
        })?;
        let filter = TokenFilter {
            status,
            level,
            project: None,
            minted_by,
            include_system,
            uses_days,
            reach: TokenKinds {
                organization_tokens: false,
                project_tokens: false,
                system_tokens: false,
            },
            now,
        };
        let project = project.map(str::to_owned);
        Ok(Self { filter, project })
    }
}

impl TokenFilter {
    /// The filter for a caller: system tokens only where it reaches them.
    fn within(self, reach: TokenKinds) -> Self {
        Self {
            include_system: self.include_system && reach.system_tokens,
            reach,
            ..self
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
    let rows = ports
        .tokens(
            organization.id,
            &filter,
            page.after.as_ref(),
            page.limit + 1,
        )
        .await?;
    let (rows, next_cursor) = page.cut(rows, |row| Cursor {
        at: row.created_at,
        id: row.facts.id.to_string(),
    });
    Ok(TokenList {
        tokens: rows
            .into_iter()
            .map(|row| TokenView::counted(row, filter.now, filter.uses_days))
            .collect(),
        next_cursor,
    })
}

/// The project of a caller that may see one project's tokens. It asks for that one, or for none.
fn confine(caller: &Caller, asked: Option<&str>) -> Result<Option<ProjectId>> {
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
