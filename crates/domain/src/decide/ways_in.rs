//! What callers without a token of their own may, and the workflow tokens that may only read (R22,
//! R23, R25, R44). What no arm names is denied, above all calls for the origin, which of these
//! callers knows people alone.

use super::*;
use crate::caller::Session;
use crate::role::REGISTRY_READ;
use crate::rpc::Access;

/// Tier 0: what it takes to mint a first token, and to see what is there. Nothing ends by it.
pub(super) fn bootstrap(operation: Operation, target: Target<'_>) -> Result<Permit, Denial> {
    match (operation, target) {
        (Operation::TokenCreate, Target::NewToken(wish)) if wish.is_system => {
            Err(Denial::SystemToken)
        }
        (
            Operation::OrganizationCreate
            | Operation::OrganizationList
            | Operation::ProjectCreate
            | Operation::ProjectList
            | Operation::WorkflowCreate
            | Operation::WorkflowList,
            Target::Registry,
        )
        | (Operation::TokenList, Target::Tokens(_))
        | (Operation::TokenCreate, Target::Tokens(_) | Target::NewToken(_)) => Ok(Permit {
            operation,
            token: None,
            reach: Reach::All,
        }),
        _ => Err(Denial::Operation),
    }
}

/// Tier 1: what the role's policies name, in the session's organization. A session manages tokens
/// as an organization-level token with the same policies would.
pub(super) fn session(
    session: &Session,
    operation: Operation,
    target: Target<'_>,
) -> Result<Permit, Denial> {
    let holder = Holder {
        token: None,
        organization: &session.organization,
        scope: &Scope::Organization,
        policies: &session.policies,
        expires_at: None,
        conditions: None,
    };
    match target {
        Target::Registry => reads_registry(&holder, operation)?,
        Target::Tokens(managed) => manages(&holder, operation, managed)?,
        Target::Token(other) => may_manage(&holder, operation, other)?,
        Target::NewToken(wish) => grants(&holder, operation, &wish)?,
        _ => return Err(Denial::Operation),
    }
    Ok(Permit {
        operation,
        token: None,
        reach: Reach::One(session.organization.id),
    })
}

/// Organizations, and every write to the registry, are the administrator's.
fn reads_registry(holder: &Holder<'_>, operation: Operation) -> Result<(), Denial> {
    match operation {
        Operation::ProjectList | Operation::WorkflowList
            if covers(holder.policies, REGISTRY_READ) =>
        {
            Ok(())
        }
        _ => Err(Denial::Operation),
    }
}

/// Tier 3: lists and reads of the tokens of the token's own project. Whatever else the token
/// holds, it never mints, changes or ends one.
pub(super) fn workflow_read(
    facts: &TokenFacts,
    operation: Operation,
    target: Target<'_>,
) -> Result<Permit, Denial> {
    let Scope::Workflow { project, .. } = &facts.scope else {
        return Err(Denial::Operation);
    };
    match (operation, target) {
        (Operation::TokenList | Operation::TokenRead, Target::Tokens(Managed::ProjectTokens)) => {
            Ok(permit(facts, operation))
        }
        (Operation::TokenRead, Target::Token(other)) => {
            let own = other.scope.project().map(|other| other.id) == Some(project.id);
            if own && other.organization == facts.organization && !other.is_system {
                Ok(permit(facts, operation))
            } else {
                Err(Denial::Hidden)
            }
        }
        _ => Err(Denial::Operation),
    }
}

/// A person with a user token: whatever people may ask the origin, which knows what each of them
/// may. Nothing of the registry, and nothing that makes or ends the origin's own credentials.
pub(super) fn person(operation: Operation, target: Target<'_>) -> Result<Permit, Denial> {
    let (Some(needs), Target::Call { .. }) = (operation.requirements(), target) else {
        return Err(Denial::Operation);
    };
    match needs.access {
        Access::Closed => Err(Denial::OriginTokens),
        Access::Open | Access::Token | Access::Person if needs.people => Ok(Permit {
            operation,
            token: None,
            reach: Reach::Nothing,
        }),
        Access::Open | Access::Token | Access::Person => Err(Denial::Operation),
    }
}
