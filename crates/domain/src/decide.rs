//! The one place that says yes. The caller, the operation and what it is about come in, a
//! [`Permit`] or a [`Denial`] goes out; no request, store or clock is read.
//!
//! INVARIANT (permission is a value): nothing else can make a `Permit`, and the ways to the
//! origin and to every write ask for one.

mod calls;
mod denial;
mod granted;
mod lookups;
mod permit;
mod ways_in;

pub use calls::{CallNames, ProjectNamed, RunNamed};
pub use denial::Denial;
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
