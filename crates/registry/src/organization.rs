//! Organizations: list, limit, pause, and find the one that a request is about. Organizations are
//! managed by callers above them alone; who administers one can pause it.

mod create;
mod pause;
mod policy;
mod update;

pub use create::create;
pub use pause::{PausedView, ResumedView, pause, resume};
pub(crate) use policy::{expiry_refused, issuer_not_trusted};
pub use update::update;

use serde::Serialize;

use super::config::Config;
use super::error::{Error, Result};
use super::page::{Cursor, Page};
use super::ports::{Directory, Ledgers, Records};
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, decide};
use postern_domain::id::{self, OrganizationId};
use postern_domain::leak::OnLeak;
use postern_domain::location::{Jurisdiction, LocationHint};
use postern_domain::name::Label;
use postern_domain::operation::Operation;
use postern_domain::organization::{OrganizationPolicy, Pause};
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_wire::{duration, rfc3339};

/// Longest time without use before auto-revocation, in days (R14).
pub const MAX_IDLE_DAYS: u32 = 365;
/// Highest ceiling that an organization can have of its own.
pub const MAX_CEILING: u32 = 10_000_000;

/// An organization as the record keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// The id.
    pub id: OrganizationId,
    /// The name.
    pub name: String,
    /// The limit of active tokens; `None` = the configured default, 0 = no limit (R27).
    pub mint_ceiling: Option<u32>,
    /// Tokens idle for longer are revoked; 0 = never (R14).
    pub max_idle_days: u32,
    /// What happens to its tokens that are found in public.
    pub on_leak: OnLeak,
    /// Whether CI jobs alone get tokens, by trust rules (R47): none that is stored is made.
    pub federated_only: bool,
    /// What new tokens must keep to (R53).
    pub policy: OrganizationPolicy,
    /// The pause, where it is paused.
    pub pause: Option<Pause>,
    /// Near which part of the world its Ledger was to be created.
    pub location_hint: Option<LocationHint>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl OrganizationRecord {
    /// Its id and name.
    pub fn named(&self) -> Named<id::Organization> {
        Named {
            id: self.id,
            name: self.name.clone(),
        }
    }

    /// The ceiling that holds (R27): its own, or else the configured default; 0 = none.
    pub fn ceiling(&self, config: &Config) -> u32 {
        self.mint_ceiling.unwrap_or(config.mint_ceiling)
    }

    /// Whether a token may be made that is handed out and stored somewhere: for nobody, where CI jobs
    /// alone get tokens.
    ///
    /// # Errors
    /// `Conflict`.
    pub fn hands_out_tokens(&self) -> Result<()> {
        match self.federated_only {
            false => Ok(()),
            true => Err(federated_only()),
        }
    }
}

/// The refusal where CI jobs alone get tokens.
pub(crate) fn federated_only() -> Error {
    Error::Conflict {
        code: "federated_only",
        detail: "this organization gives tokens to CI jobs only, and none that is stored: add a \
                 trust rule for the job, or ask an administrator to turn `federated_only` off"
            .into(),
    }
}

/// An organization as it is answered.
#[derive(Debug, Serialize)]
pub struct OrganizationView {
    id: OrganizationId,
    name: String,
    mint_ceiling: Option<u32>,
    effective_mint_ceiling: u32,
    max_idle_days: u32,
    on_leak: OnLeak,
    federated_only: bool,
    max_lifetime_days: u32,
    default_expires_in: Option<String>,
    trusted_issuers: Option<Vec<String>>,
    pause: Option<PauseView>,
    jurisdiction: Option<Jurisdiction>,
    location_hint: Option<LocationHint>,
    created_at: String,
}

impl OrganizationView {
    /// The view of an organization at a gateway with this configuration.
    pub fn new(row: OrganizationRecord, config: &Config) -> Self {
        let effective_mint_ceiling = row.ceiling(config);
        Self {
            id: row.id,
            name: row.name,
            effective_mint_ceiling,
            mint_ceiling: row.mint_ceiling,
            max_idle_days: row.max_idle_days,
            on_leak: row.on_leak,
            federated_only: row.federated_only,
            max_lifetime_days: row.policy.max_lifetime_days,
            default_expires_in: row.policy.default_expires_in.map(duration::print_seconds),
            trusted_issuers: row.policy.trusted_issuers,
            pause: row.pause.map(PauseView::from),
            jurisdiction: row.id.jurisdiction(),
            location_hint: row.location_hint,
            created_at: rfc3339::print(row.created_at),
        }
    }
}

/// A pause as it is answered.
#[derive(Debug, Serialize)]
pub struct PauseView {
    at: String,
    by: String,
    reason: Option<String>,
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        Self {
            at: rfc3339::print(pause.at),
            by: pause.by,
            reason: pause.reason,
        }
    }
}

/// A page of organizations.
#[derive(Debug, Serialize)]
pub struct OrganizationList {
    organizations: Vec<OrganizationView>,
    next_cursor: Option<String>,
}

fn check_limits(mint_ceiling: Option<u32>, max_idle_days: u32) -> Result<()> {
    if max_idle_days > MAX_IDLE_DAYS {
        return Err(Error::invalid(
            "max_idle_days_invalid",
            format!("`max_idle_days` must be 0 to {MAX_IDLE_DAYS}; 0 turns it off"),
        ));
    }
    if mint_ceiling.is_some_and(|ceiling| ceiling > MAX_CEILING) {
        return Err(Error::invalid(
            "mint_ceiling_invalid",
            format!("`mint_ceiling` must be 0 to {MAX_CEILING}; 0 means no limit"),
        ));
    }
    Ok(())
}

/// `GET /orgs`.
///
/// # Errors
/// `Denied`, `Unavailable`.
pub async fn list<P: Records>(
    caller: &Caller,
    page: &Page,
    config: &Config,
    ports: &P,
) -> Result<OrganizationList> {
    decide(caller, Operation::OrganizationList, Target::Registry)?;
    let rows = ports.organizations(page).await?;
    let (rows, next_cursor) = page.cut(rows, |row| Cursor {
        at: row.created_at,
        id: row.id.to_string(),
    });
    Ok(OrganizationList {
        organizations: rows
            .into_iter()
            .map(|row| OrganizationView::new(row, config))
            .collect(),
        next_cursor,
    })
}

/// The organization that a management request is about, in full: a token's own, or the one that a
/// caller above organizations names in `Postern-Organization`.
///
/// # Errors
/// `Invalid` without a name, `NotFound`, `Misdirected`, `Unavailable`.
pub async fn resolve<P: Ledgers + Records>(
    caller: &Caller,
    named: Option<&str>,
    ports: &P,
) -> Result<OrganizationRecord> {
    let name = name(caller, named)?;
    let found = ports.organization(name).await?.ok_or(UNKNOWN)?;
    let organization = found.named();
    if caller
        .organization()
        .is_some_and(|own| *own != organization)
    {
        return Err(Error::Misdirected {
            cause: "the record has another organization under the caller's name".to_owned(),
        });
    }
    ports.confirm(&organization).await?;
    Ok(found)
}

/// The same organization's id and name alone, which need no record.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_id<P: Directory + Ledgers>(
    caller: &Caller,
    named: Option<&str>,
    ports: &P,
) -> Result<Named<id::Organization>> {
    match caller.organization() {
        Some(own) => Ok(own.clone()),
        None => registered(name(caller, named)?, ports).await,
    }
}

/// The organization of this name. INVARIANT (a name opens its own Ledger): the stores that turn a
/// name into an id are believed only once the Ledger of that id has said that the name is its own.
///
/// # Errors
/// `NotFound`, `Misdirected`, `Unavailable`.
pub async fn registered<P: Directory + Ledgers>(
    name: &str,
    ports: &P,
) -> Result<Named<id::Organization>> {
    // No organization has another kind of name.
    let name = Label::parse(name).map_err(|_| UNKNOWN)?.as_str().to_owned();
    let id = ports.organization_id(&name).await?.ok_or(UNKNOWN)?;
    let organization = Named { id, name };
    ports.confirm(&organization).await?;
    Ok(organization)
}

const UNKNOWN: Error = Error::NotFound {
    what: "organization",
};

fn name<'a>(caller: &'a Caller, named: Option<&'a str>) -> Result<&'a str> {
    match caller.organization() {
        Some(own) => Ok(own.name.as_str()),
        None => named
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .ok_or_else(|| {
                Error::invalid(
                    "organization_required",
                    "name the organization in the `Postern-Organization` header",
                )
            }),
    }
}

#[cfg(test)]
mod tests;
