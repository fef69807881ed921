//! The trust rules of an organization, and what a job must show for them.

use serde::Serialize;

use super::{UNKNOWN, permit, rule_id};
use crate::conditions::ConditionsView;
use crate::config::Config;
use crate::error::Result;
use crate::organization::resolve_id;
use crate::ports::{Directory, Ledgers};
use postern_domain::caller::Caller;
use postern_domain::id::{Project, TrustRuleId, Workflow};
use postern_domain::operation::Operation;
use postern_domain::policy::Policy;
use postern_domain::scope::Named;
use postern_domain::trust::{ConditionsDraft, ForgeId};
use postern_ledger::{ListTrustRulesCommand, TrustRuleState};
use postern_wire::rfc3339;

/// A rule as it is answered. Of the ids and the subject, those are there that its issuer's tokens have.
#[derive(Debug, Serialize)]
pub struct RuleView {
    id: TrustRuleId,
    issuer: String,
    repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_id: Option<ForgeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_owner_id: Option<ForgeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<ForgeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_id: Option<ForgeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    conditions: ConditionsDraft,
    project: Option<Named<Project>>,
    workflow: Option<Named<Workflow>>,
    policies: Vec<Policy>,
    longest_life_seconds: u32,
    #[serde(flatten)]
    token_conditions: ConditionsView,
    created_at: String,
    created_by: String,
}

impl From<TrustRuleState> for RuleView {
    fn from(state: TrustRuleState) -> Self {
        let TrustRuleState {
            rule,
            created_at,
            created_by,
        } = state;
        let (draft, gives) = (rule.draft(), rule.gives());
        Self {
            id: rule.id(),
            issuer: draft.issuer,
            repository: draft.repository,
            repository_id: draft.repository_id,
            repository_owner_id: draft.repository_owner_id,
            project_id: draft.project_id,
            namespace_id: draft.namespace_id,
            subject: draft.subject,
            conditions: draft.conditions,
            project: gives.scope().project().cloned(),
            workflow: gives.scope().workflow().cloned(),
            policies: gives.policies().to_vec(),
            longest_life_seconds: gives.longest_life_seconds(),
            token_conditions: gives.token_conditions().into(),
            created_at: rfc3339::print(created_at),
            created_by,
        }
    }
}

/// All of them: there are never more than some hundreds.
#[derive(Debug, Serialize)]
pub struct RuleList {
    trust_rules: Vec<RuleView>,
    /// Rules that are stored and cannot be read here: they do not count, and can be removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unreadable: Vec<TrustRuleId>,
    /// Whose job tokens the deployment takes.
    issuers: Vec<String>,
    /// What a job asks its CI system for, so that its token is for this organization.
    audiences: Vec<String>,
}

/// `GET /org/trust-rules`: the oldest first.
///
/// # Errors
/// `Denied`, `NotFound` for the organization, `Unavailable`.
pub async fn list<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    config: &Config,
    ports: &P,
) -> Result<RuleList> {
    let permit = permit(caller, Operation::TrustRuleList)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let command = ListTrustRulesCommand {};
    let rules = ports.send(&permit.over(&organization)?, &command).await?;
    let ci = config.ci.as_ref();
    let issuers = ci.iter().flat_map(|ci| ci.issuers.iter());
    let urls = ci.iter().flat_map(|ci| &ci.urls);
    Ok(RuleList {
        trust_rules: rules.rules.into_iter().map(Into::into).collect(),
        unreadable: rules.unread,
        issuers: issuers.map(ToString::to_string).collect(),
        audiences: urls
            .map(|url| format!("{url}/{}", organization.name))
            .collect(),
    })
}

/// `GET /org/trust-rules/{id}`.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, also for a rule that cannot be read;
/// `Unavailable`.
pub async fn read<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    ports: &P,
) -> Result<RuleView> {
    let permit = permit(caller, Operation::TrustRuleList)?;
    let id = rule_id(id)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let command = ListTrustRulesCommand {};
    let rules = ports.send(&permit.over(&organization)?, &command).await?;
    let mut rules = rules.rules.into_iter();
    let found = rules.find(|state| state.rule.id() == id);
    found.map(Into::into).ok_or(UNKNOWN)
}
