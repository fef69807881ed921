//! Revoking many tokens by what they have in common, in one step of the Ledger. An empty selector
//! is refused: to revoke all tokens, name a time.

use core::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{TokenRecord, reach};
use crate::error::{Error, Result};
use crate::organization::resolve_id;
use crate::ports::{Clock, Directory, Ledgers, Records};
use crate::registry::{find_project, read_body};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, decide};
use postern_domain::id::{Id, OrganizationId, Project, TokenId, Workflow};
use postern_domain::operation::{Managed, Operation};
use postern_domain::scope::{Named, Scope};
use postern_domain::time::Timestamp;
use postern_domain::usage;
use postern_ledger::{RevokeManyAnswer, RevokeManyCommand, Selector};
use postern_wire::{address, rfc3339};

pub use postern_ledger::MAX_SELECTED;
/// Most ids in a selector.
const MAX_IDS: usize = 1_000;

/// The answer to a bulk revoke, or to its dry run.
#[derive(Debug, Serialize)]
pub struct BulkRevoked {
    dry_run: bool,
    /// How many tokens are, or would be, revoked.
    matched: usize,
    /// How many of them were used in the last day: what would break.
    used_in_last_day: u32,
    ids: Vec<TokenId>,
    /// What they are, the ones that were used last first; `None` = D1 did not answer, which stops no
    /// revoke. A token that D1 does not have yet is among the ids only.
    tokens: Option<Vec<SelectedView>>,
    /// How many of those tokens each project has, the most first.
    projects: Option<Vec<ProjectCount>>,
    /// `null` in a dry run, and when nothing matched.
    revoked_at: Option<String>,
}

/// A token of a selection, with how often it was used since yesterday began (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedToken {
    /// The token.
    pub record: TokenRecord,
    /// Its uses of yesterday and today.
    pub recent_uses: u64,
}

/// It as it is answered.
#[derive(Debug, Serialize)]
struct SelectedView {
    id: TokenId,
    name: String,
    prefix: String,
    scope: &'static str,
    project: Option<Named<Project>>,
    workflow: Option<Named<Workflow>>,
    created_by: String,
    creator_name: Option<String>,
    last_used_at: Option<String>,
    uses_since_yesterday: u64,
}

impl From<SelectedToken> for SelectedView {
    fn from(selected: SelectedToken) -> Self {
        let SelectedToken {
            record,
            recent_uses,
        } = selected;
        let facts = record.facts;
        Self {
            id: facts.id,
            name: facts.name.as_str().to_owned(),
            prefix: facts.display_prefix(),
            scope: match facts.scope {
                Scope::Organization => "organization",
                Scope::Project { .. } => "project",
                Scope::Workflow { .. } => "workflow",
            },
            project: facts.scope.project().cloned(),
            workflow: facts.scope.workflow().cloned(),
            created_by: record.created_by,
            creator_name: record.creator_name,
            last_used_at: record.last_used_at.map(rfc3339::print),
            uses_since_yesterday: recent_uses,
        }
    }
}

/// How many tokens of a selection a project has; `None` = they are the organization's own.
#[derive(Debug, Serialize)]
struct ProjectCount {
    name: Option<String>,
    count: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    ids: Option<Vec<String>>,
    minted_by: Option<String>,
    project: Option<String>,
    created_after: Option<String>,
    created_before: Option<String>,
    never_used: Option<bool>,
    created_from: Option<String>,
    dry_run: Option<bool>,
}

/// `POST /org/tokens/revoke`. Of what the selector names, only tokens within the caller's reach
/// are touched (R10, R16).
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for organization or project, `Unavailable`.
pub async fn revoke_many<P: Clock + Directory + Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    body: &[u8],
    requester: Requester,
    ports: &P,
) -> Result<BulkRevoked> {
    let reach = reach(caller, Operation::TokenRevoke)?;
    let managed = if reach.project_tokens {
        Managed::ProjectTokens
    } else {
        Managed::OrganizationTokens
    };
    let permit = decide(caller, Operation::TokenRevoke, Target::Tokens(managed))?;
    let request: Request = read_body(body)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let dry_run = request.dry_run.unwrap_or(false);
    let selector = selector(request, organization.id, ports).await?;
    let command = RevokeManyCommand {
        organization_tokens: reach.organization_tokens,
        project_tokens: reach.project_tokens,
        // System tokens are hidden unless meant (R10): a sweeping selector passes them by.
        system_tokens: reach.system_tokens && selector.ids.is_some(),
        selector,
        dry_run,
        requester,
    };
    match ports.send(&permit.over(&organization)?, &command).await? {
        RevokeManyAnswer::Done {
            tokens,
            used_in_last_day,
            at,
            ..
        } => {
            let selected = told(organization.id, &tokens, ports).await;
            Ok(BulkRevoked {
                dry_run,
                matched: tokens.len(),
                used_in_last_day,
                revoked_at: (!dry_run && !tokens.is_empty()).then(|| rfc3339::print(at)),
                ids: tokens,
                projects: selected.as_deref().map(projects),
                tokens: selected.map(|all| all.into_iter().map(Into::into).collect()),
            })
        }
        RevokeManyAnswer::TooMany { limit } => Err(Error::invalid(
            "selector_too_wide",
            format!("the selector matches more than {limit} tokens: narrow it, and call again"),
        )),
    }
}

/// What the tokens of a selection are, the ones that were used last first. Nothing where D1 does not
/// answer: what the Ledger has done is done.
async fn told<P: Clock + Records>(
    organization: OrganizationId,
    ids: &[TokenId],
    ports: &P,
) -> Option<Vec<SelectedToken>> {
    if ids.is_empty() {
        return Some(Vec::new());
    }
    let yesterday = usage::day(ports.now()) - 1;
    let mut selected = ports.selected(organization, ids, yesterday).await.ok()?;
    selected.sort_by_key(|one| {
        let record = &one.record;
        Reverse((
            record.last_used_at,
            one.recent_uses,
            record.created_at,
            record.facts.id.as_u128(),
        ))
    });
    Some(selected)
}

fn projects(selected: &[SelectedToken]) -> Vec<ProjectCount> {
    let mut counts: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for one in selected {
        let project = one.record.facts.scope.project();
        *counts
            .entry(project.map(|project| project.name.as_str()))
            .or_default() += 1;
    }
    let mut all: Vec<ProjectCount> = counts
        .into_iter()
        .map(|(name, count)| ProjectCount {
            name: name.map(str::to_owned),
            count,
        })
        .collect();
    all.sort_by_key(|project| Reverse(project.count));
    all
}

async fn selector<P: Records>(
    request: Request,
    organization: OrganizationId,
    ports: &P,
) -> Result<Selector> {
    let project = match request.project.as_deref() {
        None => None,
        Some(meant) => Some(find_project(organization, meant, ports).await?.id),
    };
    let selector = Selector {
        ids: request.ids.map(ids).transpose()?,
        minted_by: request
            .minted_by
            .as_deref()
            .map(|text| id("minted_by", text))
            .transpose()?,
        project,
        created_after: moment("created_after", request.created_after.as_deref())?,
        created_before: moment("created_before", request.created_before.as_deref())?,
        never_used: request.never_used.unwrap_or(false),
        address: request.created_from.as_deref().map(client).transpose()?,
    };
    if selector == Selector::default() {
        return Err(Error::invalid(
            "selector_empty",
            "say which tokens: `ids`, `minted_by`, `project`, `created_after`, `created_before`, \
             `never_used` or `created_from`",
        ));
    }
    Ok(selector)
}

fn ids(texts: Vec<String>) -> Result<Vec<TokenId>> {
    if texts.is_empty() || texts.len() > MAX_IDS {
        return Err(Error::invalid(
            "ids_invalid",
            format!("`ids` must name 1 to {MAX_IDS} tokens"),
        ));
    }
    texts.iter().map(|text| id("ids", text)).collect()
}

fn id(field: &str, text: &str) -> Result<TokenId> {
    Id::parse(text).map_err(|_| {
        Error::invalid(
            "token_id_invalid",
            format!("`{field}` must hold UUIDs with hyphens"),
        )
    })
}

fn moment(field: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|text| {
        rfc3339::parse(text).ok_or_else(|| {
            Error::invalid(
                "moment_invalid",
                format!("`{field}` must be an RFC 3339 moment"),
            )
        })
    })
    .transpose()
}

fn client(text: &str) -> Result<String> {
    address::plain(text)
        .map(|address| address.to_string())
        .ok_or_else(|| Error::invalid("address_invalid", "`created_from` must be an IP address"))
}

#[cfg(test)]
mod tests;
