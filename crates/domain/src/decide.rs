//! The one place that says yes. The caller, the operation and what it is about come in, a
//! [`Permit`] or a [`Denial`] goes out; no request, store or clock is read.
//!
//! INVARIANT (permission is a value): nothing else can make a `Permit`, and the ways to the
//! origin and to every write ask for one.

mod calls;
mod granted;
mod lookups;
mod permit;
mod ways_in;

pub use calls::{CallNames, ProjectNamed, RunNamed};
pub use granted::{conditioned, granted};
pub use lookups::{
    artifact_credential, look_up_run, look_up_workflow, open, still_the_one, take_back,
};
use permit::Reach;
pub use permit::{Grant, Permit};

use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::conditions::{self, Conditions};
use super::id::{Organization, TokenId, UpstreamId, WorkflowId};
use super::operation::{Managed, Operation};
use super::policy::{Policy, covers};
use super::scope::{Named, Scope};
use super::time::Timestamp;
use super::token::TokenFacts;

/// What the gateway knows of a run of the origin (R32).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// The name of its project.
    pub project: String,
    /// The name of its workflow.
    pub workflow: String,
    /// The origin's id of the workflow, where its answer told it.
    pub workflow_id: Option<WorkflowId>,
    /// The version of the upstream credential that it began under, where one was sent (R42).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamId>,
}

/// A token that is to be minted, as asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// How far it is to reach.
    pub scope: &'a Scope,
    /// The policies named; `None` = the defaults, as far as the creator holds them.
    pub policies: Option<&'a [Policy]>,
    /// `None` = as long as the creator may give.
    pub expires_at: Option<Timestamp>,
    /// The conditions that it would have, those of its creator with it: [`conditioned`].
    pub conditions: Option<&'a Conditions>,
    /// Whether it is to be a system token.
    pub is_system: bool,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The registry: organizations, projects, workflows.
    Registry,
    /// Tokens of one kind, none in particular.
    Tokens(Managed),
    /// One token of the caller's organization, or, for callers above organizations, of any.
    Token(&'a TokenFacts),
    /// A token that does not exist yet (R18).
    NewToken(Wish<'a>),
    /// What a call for the origin names.
    Call {
        /// What the call names.
        names: &'a CallNames<'a>,
        /// The run that it names.
        run: RunNamed<'a>,
        /// Whether the caller's own credential goes to the origin, which can keep it to what its
        /// claims name; another one may see more (R42).
        own_credential: bool,
    },
}

/// Why an authenticated caller may not. The public sentences are the origin's own where it has
/// one for the case, so that clients need not learn a second set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The caller has no right to this operation at all (R15, R17).
    Operation,
    /// The call is about the origin's own tokens, which no token of this registry manages.
    OriginTokens,
    /// The session's person is no member of the organization that the call names (R23).
    NotAMember,
    /// The request names a project that the token is not for.
    OtherProject {
        /// The token's own project.
        project: String,
    },
    /// The request names a workflow that the token is not for (R31).
    OtherWorkflowName,
    /// The run belongs to a workflow that the token is not for (R30).
    OtherWorkflow,
    /// The request names another organization than the token's (R1).
    OtherOrganization,
    /// The request does not say that it keeps to the token's project or workflow (R30).
    NotConfined,
    /// The origin has a new workflow under the name that the token is for, or none.
    WorkflowReplaced,
    /// Neither the gateway nor the origin knows the run (R32).
    UnknownRun,
    /// An organization-level token minted without naming a project (R16).
    ProjectRequired,
    /// An organization-level token touched another one (R16).
    OrganizationToken {
        /// What was tried.
        verb: &'static str,
    },
    /// A system token, which is there for administrators only (R10): answered as unknown.
    Hidden,
    /// Only administrators make system tokens (R10).
    SystemToken,
    /// The creator does not hold what the new token would get (R18).
    PolicyNotHeld {
        /// The policy.
        policy: String,
    },
    /// The creator expires before the new token would (R18).
    Lifetime,
    /// The author of a trust rule expires, and the rule does not (R47).
    RuleLifetime,
    /// The new token could be used from other addresses than its creator, or more often (R53).
    Conditions,
    /// A token to adopt does not say whose it is: only who stands above organizations can (R39).
    Unclaimed,
    /// A token of the origin's own that is not registered here (R43).
    UnknownOriginToken,
    /// The organization is paused: nothing is done for its tokens, and none is created (R53).
    OrganizationPaused,
}

impl Denial {
    /// The sentence for the client.
    pub fn public(&self) -> String {
        match self {
            Self::Operation => "operation not allowed".to_owned(),
            Self::OriginTokens => "operation not allowed: the gateway can neither limit nor audit \
                                   the origin's own API tokens, so none is managed through it: \
                                   create tokens at `POST /org/tokens`"
                .to_owned(),
            Self::NotAMember => {
                "operation not allowed: the user is not a member of this organization".to_owned()
            }
            Self::OtherProject { project } => format!(
                "operation not allowed: This auth token is valid only with the project \"{project}\""
            ),
            Self::OtherWorkflowName => "API token is workflow-scoped and cannot create or look \
                                        up other workflows"
                .to_owned(),
            Self::OtherWorkflow => "API token is scoped to a different workflow".to_owned(),
            Self::OtherOrganization => "operation not allowed: the request names another \
                                        organization than the token's"
                .to_owned(),
            Self::NotConfined => "operation not allowed: the request must name the project and, \
                                  for a workflow-scoped token, the workflow that the token is for"
                .to_owned(),
            Self::WorkflowReplaced => {
                "API token is scoped to a workflow that was deleted; if there \
                                       is one of this name, it is new: create a token for it"
                    .to_owned()
            }
            Self::UnknownRun => "operation not allowed: no such workflow run in the token's \
                                 organization"
                .to_owned(),
            Self::ProjectRequired => {
                "org-level API tokens must specify a project when creating new tokens".to_owned()
            }
            Self::OrganizationToken { verb } => {
                format!("org-level API tokens cannot {verb} org-level tokens")
            }
            Self::Hidden => "no such token".to_owned(),
            Self::SystemToken => {
                "only an administrator can create, change or revoke a system token".to_owned()
            }
            Self::PolicyNotHeld { policy } => {
                format!("a token cannot hand out a policy that it does not hold: `{policy}`")
            }
            Self::Lifetime => {
                "a token cannot create one that outlives it: give an earlier expiry".to_owned()
            }
            Self::RuleLifetime => {
                "a token that expires cannot add a trust rule, which gives tokens \
                                   until it is removed: use one that does not expire, a session, \
                                   or an administrator key"
                    .to_owned()
            }
            Self::Conditions => {
                "a token cannot create one that can be used from other addresses, or more often, \
                 than itself: give narrower conditions"
                    .to_owned()
            }
            Self::Unclaimed => "the token names no organization: only an administrator can say \
                                whose it is"
                .to_owned(),
            Self::UnknownOriginToken => {
                "operation not allowed: no token of the origin with this id is registered here: \
                 adopt it first, or revoke it at the origin itself"
                    .to_owned()
            }
            Self::OrganizationPaused => super::organization::PAUSED.to_owned(),
        }
    }

    /// The stable word for problem documents and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Operation => "operation_not_allowed",
            Self::OriginTokens => "origin_tokens",
            Self::NotAMember => "not_a_member",
            Self::OtherProject { .. } => "other_project",
            Self::OtherWorkflowName | Self::OtherWorkflow => "other_workflow",
            Self::OtherOrganization => "other_organization",
            Self::NotConfined => "not_confined",
            Self::WorkflowReplaced => "workflow_replaced",
            Self::UnknownRun => "unknown_run",
            Self::ProjectRequired => "project_required",
            Self::OrganizationToken { .. } => "organization_token",
            Self::Hidden => "not_found",
            Self::SystemToken => "system_token",
            Self::PolicyNotHeld { .. } => "policy_not_held",
            Self::Lifetime | Self::RuleLifetime => "lifetime_exceeded",
            Self::Conditions => "conditions_exceeded",
            Self::Unclaimed => "organization_unclaimed",
            Self::UnknownOriginToken => "origin_token_unknown",
            Self::OrganizationPaused => "organization_paused",
        }
    }
}

/// Decides. Whatever no arm allows is denied.
///
/// # Errors
/// The reason, when the answer is no.
pub fn decide(caller: &Caller, operation: Operation, target: Target<'_>) -> Result<Permit, Denial> {
    match (caller, target) {
        (Caller::Bootstrap, target) => ways_in::bootstrap(operation, target),
        (Caller::Session(session), target) => ways_in::session(session, operation, target),
        (Caller::WorkflowReader(facts), target) => ways_in::workflow_read(facts, operation, target),
        (
            Caller::Administrator(_),
            Target::Registry | Target::Tokens(_) | Target::Token(_) | Target::NewToken(_),
        ) => Ok(Permit {
            operation,
            token: None,
            reach: Reach::All,
        }),
        (Caller::Person(_), target) => ways_in::person(operation, target),
        // The origin would not know the administrator key: it opens the registry only.
        (Caller::Administrator(_), Target::Call { .. }) => Err(Denial::Operation),
        (Caller::Token(_), Target::Registry) => Err(Denial::Operation),
        (Caller::Token(facts), Target::Tokens(managed)) => {
            manages(&facts.as_ref().into(), operation, managed)?;
            Ok(permit(facts, operation))
        }
        (Caller::Token(facts), Target::Token(other)) => {
            may_manage(&facts.as_ref().into(), operation, other)?;
            Ok(permit(facts, operation))
        }
        (Caller::Token(facts), Target::NewToken(wish)) => {
            grants(&facts.as_ref().into(), operation, &wish)?;
            Ok(permit(facts, operation))
        }
        (
            Caller::Token(facts),
            Target::Call {
                names,
                run,
                own_credential,
            },
        ) => {
            let needs = operation.requirements().ok_or(Denial::Operation)?;
            let is_kept = own_credential && facts.project_known_to_origin();
            calls::call(facts, &needs, names, (run, is_kept))?;
            Ok(permit(facts, operation))
        }
    }
}

fn permit(facts: &TokenFacts, operation: Operation) -> Permit {
    Permit {
        operation,
        token: Some(facts.id),
        reach: Reach::One(facts.organization.id),
    }
}

/// What a caller brings to a decision on tokens.
#[derive(Debug, Clone, Copy)]
struct Holder<'a> {
    /// Its own token, where it has one.
    token: Option<TokenId>,
    /// Id and name: a store that was tampered with could give the name another organization's id.
    organization: &'a Named<Organization>,
    scope: &'a Scope,
    policies: &'a [Policy],
    expires_at: Option<Timestamp>,
    conditions: Option<&'a Conditions>,
}

impl<'a> From<&'a TokenFacts> for Holder<'a> {
    fn from(facts: &'a TokenFacts) -> Self {
        Self {
            token: Some(facts.id),
            organization: &facts.organization,
            scope: &facts.scope,
            policies: &facts.policies,
            expires_at: facts.expires_at,
            conditions: facts.conditions.as_deref(),
        }
    }
}

/// R15 to R17: tokens are managed by organization-level tokens that hold the policies for it.
/// A narrower token manages none, whatever it holds.
fn manages(holder: &Holder<'_>, operation: Operation, managed: Managed) -> Result<(), Denial> {
    let needed = operation.policies(managed).ok_or(Denial::Operation)?;
    let organization = *holder.scope == Scope::Organization;
    if organization && needed.iter().all(|policy| covers(holder.policies, policy)) {
        Ok(())
    } else {
        Err(Denial::Operation)
    }
}

/// One token against another, in the control plane's order: organization, system, level.
fn may_manage(holder: &Holder<'_>, operation: Operation, other: &TokenFacts) -> Result<(), Denial> {
    if operation == Operation::TokenRevokeOwn {
        // A token may revoke itself, but only an administrator may revoke a system token (R10).
        return match (holder.token == Some(other.id), other.is_system) {
            (true, false) => Ok(()),
            (true, true) => Err(Denial::SystemToken),
            (false, _) => Err(Denial::Hidden),
        };
    }
    // A caller who may manage no token at all learns nothing of this one.
    manages(holder, operation, Managed::ProjectTokens)
        .or_else(|_| manages(holder, operation, Managed::OrganizationTokens))?;
    if other.organization != *holder.organization || other.is_system {
        return Err(Denial::Hidden);
    }
    manages(holder, operation, other.scope.managed()).map_err(|denial| {
        match other.scope.managed() {
            Managed::OrganizationTokens => Denial::OrganizationToken {
                verb: match operation {
                    Operation::TokenRead => "read",
                    Operation::TokenRotate => "rotate",
                    Operation::TokenRelease => "release",
                    Operation::TokenEdit => "change",
                    _ => "revoke",
                },
            },
            Managed::ProjectTokens => denial,
        }
    })
}

/// R18: a token never mints authority, scope or lifetime that it does not itself hold.
/// INVARIANT (no chain of mints widens): every comparison here is against the creator alone.
fn grants(holder: &Holder<'_>, operation: Operation, wish: &Wish<'_>) -> Result<(), Denial> {
    let managed = wish.scope.managed();
    manages(holder, operation, managed).map_err(|denial| {
        let elsewhere = manages(holder, operation, Managed::ProjectTokens).is_ok();
        match managed {
            Managed::OrganizationTokens if elsewhere => Denial::ProjectRequired,
            _ => denial,
        }
    })?;
    if wish.is_system {
        return Err(Denial::SystemToken);
    }
    for policy in wish.policies.unwrap_or_default() {
        if !covers(holder.policies, policy.as_str()) {
            return Err(Denial::PolicyNotHeld {
                policy: policy.to_string(),
            });
        }
    }
    if !conditions::within(wish.conditions, holder.conditions) {
        return Err(Denial::Conditions);
    }
    match (holder.expires_at, wish.expires_at) {
        (Some(own), Some(wished)) if wished > own => Err(Denial::Lifetime),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
