//! Use cases on tokens that exist, each in a file of its own. Here is what they share: a token as
//! D1 keeps it and as it is answered.

mod bulk;
mod edit;
mod filter;
mod list;
mod overview;
mod release;
mod revoke;
mod rotate;
mod search;
mod secrets;
mod text;

pub use bulk::{BulkRevoked, MAX_SELECTED, SelectedToken, revoke_many};
pub use edit::{Edited, edit};
pub use filter::{Asked, Level, Status, TokenFilter, TokenQuery};
pub use list::{TokenList, list, read};
pub use overview::{Overview, TokenTotals, TotalsQuery, overview};
pub use release::{Released, release};
pub use revoke::{Revoked, revoke};
pub use rotate::rotate;
pub use search::{TokenSearch, search};
pub use secrets::has_secret;
pub use text::{FoundBy, IdRange, MAX_QUERY, MAX_TEXT, MAX_WORDS, Search, named_range};

use serde::Serialize;

use super::error::{Error, Result};
use super::page::Cursor;
use postern_domain::caller::Caller;
use postern_domain::conditions::AddressRange;
use postern_domain::decide::{Denial, Target, decide};
use postern_domain::id::{Id, Organization, Project, TokenId, Workflow};
use postern_domain::operation::{Managed, Operation};
use postern_domain::policy::Policy;
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_domain::token::{Format, TokenFacts};
use postern_domain::trust::JobFacts;
use postern_domain::usage::{self, DayTotal};
use postern_wire::rfc3339;

/// A token as the record keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// What it is.
    pub facts: TokenFacts,
    /// What it is for.
    pub description: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: String,
    /// The token that minted it.
    pub minted_by: Option<TokenId>,
    /// That token's name.
    pub creator_name: Option<String>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// How often it was used.
    pub uses: u64,
    /// Its uses by day, where they were asked for.
    pub days: Vec<DayTotal>,
    /// When it was revoked; ahead of now for a token that is being rotated out.
    pub revoked_at: Option<Timestamp>,
    /// Who revoked it; nobody where a rotation ends it.
    pub revoked_by: Option<String>,
    /// Since when it is quarantined, having been found in public.
    pub quarantined_at: Option<Timestamp>,
}

/// Tokens that a list found, and how far it looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// In the order of the list.
    pub tokens: Vec<TokenRecord>,
    /// Where it stopped before the end, having looked at many; `None` = at the end, or at the limit.
    pub reached: Option<Cursor>,
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
    /// Whether the origin minted it, and it was only registered here (R39).
    adopted: bool,
    created_at: String,
    created_by: String,
    expires_at: Option<String>,
    /// From which addresses it can be used; none = from everywhere (R53).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address_ranges: Vec<AddressRange>,
    /// How many calls it can make a minute; `None` = as many as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_minute: Option<u32>,
    /// The CI job that it was made for, where a trust rule gave it (R47).
    #[serde(skip_serializing_if = "Option::is_none")]
    ci_job: Option<Box<JobFacts>>,
    #[serde(flatten)]
    life: Option<Life>,
}

/// What a token has been through. The answer that creates it has none of this.
#[derive(Debug, Serialize)]
struct Life {
    minted_by: Option<TokenId>,
    creator_name: Option<String>,
    last_used_at: Option<String>,
    uses: u64,
    /// Oldest first, the last is today's.
    daily_uses: Option<Vec<u64>>,
    revoked_at: Option<String>,
    revoked_by: Option<String>,
    quarantined_at: Option<String>,
}

impl TokenView {
    /// The view for the answer that creates the token.
    pub fn without_life(record: TokenRecord) -> Self {
        Self {
            life: None,
            ..record.into()
        }
    }

    /// The view with the uses of each of the last days, if any are asked for.
    fn counted(mut record: TokenRecord, now: Timestamp, days: u32) -> Self {
        let totals = core::mem::take(&mut record.days);
        let mut view = Self::from(record);
        if let Some(life) = view.life.as_mut().filter(|_| days > 0) {
            life.daily_uses = Some(usage::by_day(&totals, now, days));
        }
        view
    }
}

impl From<TokenRecord> for TokenView {
    fn from(record: TokenRecord) -> Self {
        let (prefix, adopted) = (record.facts.display_prefix(), record.facts.adopted());
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
            adopted,
            created_at: rfc3339::print(record.created_at),
            created_by: record.created_by,
            expires_at: facts.expires_at.map(rfc3339::print),
            address_ranges: facts
                .conditions
                .as_ref()
                .map(|conditions| conditions.address_ranges().to_vec())
                .unwrap_or_default(),
            calls_per_minute: facts
                .conditions
                .and_then(|conditions| conditions.calls_per_minute()),
            ci_job: facts.ci_job,
            life: Some(Life {
                minted_by: record.minted_by,
                creator_name: record.creator_name,
                last_used_at: record.last_used_at.map(rfc3339::print),
                uses: record.uses,
                daily_uses: None,
                revoked_at: record.revoked_at.map(rfc3339::print),
                revoked_by: record.revoked_by,
                quarantined_at: record.quarantined_at.map(rfc3339::print),
            }),
        }
    }
}

/// Which kinds of tokens an operation may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenKinds {
    /// Tokens of the whole organization.
    pub organization_tokens: bool,
    /// Tokens of projects and workflows.
    pub project_tokens: bool,
    /// Only for administrators, and only where they ask for them (R10).
    pub system_tokens: bool,
}

/// Whether the caller may know of system tokens (R10).
pub fn sees_system(caller: &Caller) -> bool {
    matches!(caller, Caller::Administrator(_))
}

/// What the caller may reach by this operation (R16): whatever `decide` allows of each kind.
///
/// # Errors
/// `Denied` when that is nothing.
pub fn reach(caller: &Caller, operation: Operation) -> Result<TokenKinds> {
    let may = |managed| decide(caller, operation, Target::Tokens(managed)).is_ok();
    let reach = TokenKinds {
        organization_tokens: may(Managed::OrganizationTokens),
        project_tokens: may(Managed::ProjectTokens),
        system_tokens: sees_system(caller),
    };
    if reach.organization_tokens || reach.project_tokens {
        Ok(reach)
    } else {
        Err(Denial::Operation.into())
    }
}

/// A denial for one token: a token that the caller must not know of is no token (R10).
fn hide(denial: Denial) -> Error {
    match denial {
        Denial::Hidden => UNKNOWN,
        denial => denial.into(),
    }
}

const UNKNOWN: Error = Error::NotFound { what: "token" };

/// The id in a path (R11).
fn token_id(text: &str) -> Result<TokenId> {
    Id::parse(text).map_err(|_| {
        Error::invalid(
            "token_id_invalid",
            "the token id must be a UUID with hyphens",
        )
    })
}
