//! An event of the audit log as it is answered, and what of a page does not fit.

use serde::{Deserialize, Serialize};

use postern_domain::audit::links::PageFault;
use postern_domain::audit::verify::Row;
use postern_domain::audit::{Changes, Requester};
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_wire::rfc3339;

/// An event as it is written, read leniently: actions of later releases are words too.
#[derive(Deserialize)]
struct Written {
    organization_id: OrganizationId,
    sequence: u64,
    at: Timestamp,
    action: String,
    token_id: Option<TokenId>,
    token_prefix: Option<String>,
    #[serde(rename = "origin")]
    requester: Requester,
    replaces: Option<TokenId>,
    target: Option<String>,
    outcome: Option<String>,
    count: Option<u64>,
    changes: Option<Changes>,
}

/// An event as it is answered.
#[derive(Debug, Serialize)]
pub struct EventView {
    organization_id: OrganizationId,
    sequence: u64,
    at: String,
    action: String,
    pub(super) actor: String,
    /// What the token is called that made the request.
    pub(super) actor_name: Option<String>,
    tier: String,
    pub(super) token_id: Option<TokenId>,
    token_prefix: Option<String>,
    /// What the token is called.
    pub(super) token_name: Option<String>,
    /// The project that the token is held to.
    pub(super) token_project: Option<String>,
    /// The workflow that the token is held to.
    pub(super) token_workflow: Option<String>,
    replaces: Option<TokenId>,
    target: Option<String>,
    /// `ok`, or the code of a refusal.
    outcome: String,
    count: Option<u64>,
    changes: Option<Changes>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: String,
    previous: String,
    link: String,
    kid: String,
}

impl EventView {
    /// The view of a row; `None` where its content is no event, because somebody has changed it.
    pub fn of(row: Row) -> Option<Self> {
        let event: Written = serde_json::from_str(&row.content).ok()?;
        Some(Self {
            organization_id: event.organization_id,
            sequence: event.sequence,
            at: rfc3339::print(event.at),
            action: event.action,
            actor: event.requester.actor,
            actor_name: None,
            tier: event.requester.tier,
            token_id: event.token_id,
            token_prefix: event.token_prefix,
            token_name: None,
            token_project: None,
            token_workflow: None,
            replaces: event.replaces,
            target: event.target,
            outcome: event.outcome.unwrap_or_else(|| "ok".to_owned()),
            count: event.count,
            changes: event.changes,
            address: event.requester.address,
            user_agent: event.requester.user_agent,
            request_id: event.requester.request_id,
            previous: row.previous,
            link: row.link,
            kid: row.kid,
        })
    }
}

/// Something on a page that does not fit: D1 was written to by somebody else than the Ledger.
#[derive(Debug, Serialize)]
pub struct FaultView {
    /// The number of the row in D1, or of the row behind a gap.
    sequence: u64,
    problem: &'static str,
    detail: String,
}

impl From<PageFault> for FaultView {
    fn from(fault: PageFault) -> Self {
        Self {
            sequence: fault.sequence,
            problem: fault.problem.word(),
            detail: fault.problem.to_string(),
        }
    }
}
