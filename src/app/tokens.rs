//! Tokens after their birth: list, read, revoke. Refuses to show anything of a secret.

use serde::Serialize;

use super::error::{Error, Result};
use super::ledger::{RevokeAnswer, RevokeCommand};
use super::organization::resolve;
use super::page::{Cursor, Page};
use super::ports::{Clock, Ledgers, Records};
use crate::domain::audit::Origin;
use crate::domain::caller::Caller;
use crate::domain::decide::{Target, decide};
use crate::domain::id::{Id, Organization, Project, TokenId, Workflow};
use crate::domain::operation::Operation;
use crate::domain::policy::Policy;
use crate::domain::scope::Named;
use crate::domain::time::Timestamp;
use crate::domain::token::{Format, TokenFacts};
use crate::wire::rfc3339;

/// A token as the record keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    pub facts: TokenFacts,
    pub description: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// A token as it is answered. Times are RFC 3339; absent things are `null`.
#[derive(Debug, Serialize)]
pub struct TokenView {
    id: TokenId,
    name: String,
    description: Option<String>,
    format: Format,
    prefix: String,
    organization: Named<Organization>,
    project: Option<Named<Project>>,
    workflow: Option<Named<Workflow>>,
    policies: Vec<Policy>,
    is_system: bool,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

impl From<TokenRecord> for TokenView {
    fn from(record: TokenRecord) -> Self {
        let prefix = record.facts.display_prefix();
        let facts = record.facts;
        Self {
            id: facts.id,
            name: facts.name.as_str().to_owned(),
            description: record.description,
            format: facts.verifier.format(),
            prefix,
            project: facts.scope.project().cloned(),
            workflow: facts.scope.workflow().cloned(),
            organization: facts.organization,
            policies: facts.policies,
            is_system: facts.is_system,
            created_at: rfc3339::print(record.created_at),
            created_by: record.created_by,
            expires_at: facts.expires_at.map(rfc3339::print),
            last_used_at: record.last_used_at.map(rfc3339::print),
            revoked_at: record.revoked_at.map(rfc3339::print),
        }
    }
}

/// A page of tokens.
#[derive(Debug, Serialize)]
pub struct TokenList {
    tokens: Vec<TokenView>,
    next_cursor: Option<String>,
}

/// The answer to a revoke.
#[derive(Debug, Serialize)]
pub struct Revoked {
    id: TokenId,
    revoked_at: String,
}

/// Which tokens by state (R19). A token is active while neither revoked nor expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    Revoked,
    All,
}

/// Which tokens by scope level (R19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Organization,
    Project,
    Workflow,
}

/// Which tokens a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub status: Status,
    pub level: Option<Level>,
    /// Tokens of this project, by name.
    pub project: Option<String>,
    pub include_system: bool,
    /// The moment that decides what has expired.
    pub now: Timestamp,
}

impl Filter {
    /// Reads the filters as they stand in a query.
    ///
    /// # Errors
    /// `Invalid` naming the choices.
    pub fn parse(
        status: Option<&str>,
        scope: Option<&str>,
        project: Option<&str>,
        include_system: Option<&str>,
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
        Ok(Self {
            status,
            level,
            project: project.map(str::to_owned),
            include_system,
            now,
        })
    }
}

/// `GET /org/tokens`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn list<P: Records>(
    caller: &Caller,
    organization: Option<&str>,
    filter: &Filter,
    page: &Page,
    ports: &P,
) -> Result<TokenList> {
    decide(caller, Operation::TokenList, Target::Registry)?;
    let organization = resolve(caller, organization, ports).await?;
    let rows = ports
        .tokens(organization.id, filter, page.after.as_ref(), page.limit + 1)
        .await?;
    let (rows, next_cursor) = page.cut(rows, |row| Cursor {
        at: row.created_at,
        id: row.facts.id.to_string(),
    });
    Ok(TokenList {
        tokens: rows.into_iter().map(Into::into).collect(),
        next_cursor,
    })
}

/// `GET /org/tokens/{id}`.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, `Unavailable`.
pub async fn read<P: Records>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    ports: &P,
) -> Result<TokenView> {
    decide(caller, Operation::TokenRead, Target::Registry)?;
    let id = token_id(id)?;
    let organization = resolve(caller, organization, ports).await?;
    ports
        .token(organization.id, id)
        .await?
        .map(Into::into)
        .ok_or(Error::NotFound { what: "token" })
}

/// `DELETE /org/tokens/{id}`. INVARIANT (a revoke that has answered is final): the Ledger answers
/// only after its tombstone is stored.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, `Unavailable`.
pub async fn revoke<P: Clock + Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    origin: Origin,
    ports: &P,
) -> Result<Revoked> {
    let permit = decide(caller, Operation::TokenRevoke, Target::Registry)?;
    let id = token_id(id)?;
    let organization = resolve(caller, organization, ports).await?;
    let command = RevokeCommand {
        token: id,
        include_system: matches!(caller, Caller::Administrator),
        origin,
    };
    match ports.revoke(&permit, organization.id, &command).await? {
        RevokeAnswer::Revoked { at } => Ok(Revoked {
            id,
            revoked_at: rfc3339::print(at),
        }),
        RevokeAnswer::Unknown => Err(Error::NotFound { what: "token" }),
    }
}

fn token_id(text: &str) -> Result<TokenId> {
    Id::parse(text).map_err(|_| {
        Error::invalid(
            "token_id_invalid",
            "the token id must be a UUID with hyphens",
        )
    })
}
