//! The one place that says yes. Refuses to read requests, stores or clocks: the caller, the
//! operation and what it touches come in, a [`Permit`] or a [`Denial`] goes out.
//!
//! INVARIANT (permission is a value): nothing else can make a `Permit`, and the ways to the
//! origin and to every write ask for one.

use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::id::{OrganizationId, TokenId, WorkflowId};
use super::operation::Operation;
use super::scope::Scope;

/// What the gate knows of a run of the origin (R32).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFacts {
    pub project: String,
    pub workflow: String,
    /// The origin's id of the workflow, where its answer told it.
    pub workflow_id: Option<WorkflowId>,
}

/// What an operation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The registry: organizations, or everything of one organization.
    Registry,
    /// A workflow by the names in the request; empty where the request has none.
    Names { project: &'a str, workflow: &'a str },
    /// A run of the caller's organization; `None` when the organization has no such run.
    Run(Option<&'a RunFacts>),
}

/// Proof that [`decide`] allowed one operation to one caller.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    operation: Operation,
    token: Option<TokenId>,
    organization: Option<OrganizationId>,
}

impl Permit {
    /// The operation that was allowed.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The token it was allowed to; `None` for the administrator.
    pub fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// The organization it is confined to; `None` for callers above organizations.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }
}

/// Why an authenticated caller may not. The public sentences are the origin's own where it has
/// one for the case, so that clients need not learn a second set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The caller has no right to this operation at all (R15, R17).
    Operation,
    /// The request names a project that the token is not for.
    OtherProject { project: String },
    /// The request names a workflow that the token is not for (R31).
    OtherWorkflowName,
    /// The run belongs to a workflow that the token is not for (R30).
    OtherWorkflow,
    /// Nothing is known of the run (R32).
    UnknownRun,
}

impl Denial {
    /// The sentence for the client.
    pub fn public(&self) -> String {
        match self {
            Self::Operation => "operation not allowed".to_owned(),
            Self::OtherProject { project } => format!(
                "operation not allowed: This auth token is valid only with the project \"{project}\""
            ),
            Self::OtherWorkflowName => "API token is workflow-scoped and cannot create or look \
                                        up other workflows"
                .to_owned(),
            Self::OtherWorkflow => "API token is scoped to a different workflow".to_owned(),
            Self::UnknownRun => "operation not allowed: the workflow run is not known to this \
                                 gateway; start it with Init through the gateway"
                .to_owned(),
        }
    }

    /// The stable word for problem documents and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Operation => "operation_not_allowed",
            Self::OtherProject { .. } => "other_project",
            Self::OtherWorkflowName | Self::OtherWorkflow => "other_workflow",
            Self::UnknownRun => "unknown_run",
        }
    }
}

/// Decides. Whatever no arm allows is denied.
///
/// # Errors
/// The reason, when the answer is no.
pub fn decide(caller: &Caller, operation: Operation, target: Target<'_>) -> Result<Permit, Denial> {
    match (caller, target) {
        (Caller::Administrator, Target::Registry) => Ok(Permit {
            operation,
            token: None,
            organization: None,
        }),
        // The origin would not know the administrator key: it opens the registry only.
        (Caller::Administrator, Target::Names { .. } | Target::Run(_)) => Err(Denial::Operation),
        (Caller::Token(_), Target::Registry) => Err(Denial::Operation),
        (Caller::Token(facts), Target::Names { project, workflow }) => {
            named(&facts.scope, project, workflow)?;
            Ok(permit(facts, operation))
        }
        (Caller::Token(_), Target::Run(None)) => Err(Denial::UnknownRun),
        (Caller::Token(facts), Target::Run(Some(run))) => {
            within(&facts.scope, run)?;
            Ok(permit(facts, operation))
        }
    }
}

fn permit(facts: &super::token::TokenFacts, operation: Operation) -> Permit {
    Permit {
        operation,
        token: Some(facts.id),
        organization: Some(facts.organization.id),
    }
}

/// The request's own names against the scope (R30, R31).
fn named(scope: &Scope, project: &str, workflow: &str) -> Result<(), Denial> {
    if let Some(own) = scope.project()
        && own.name != project
    {
        return Err(Denial::OtherProject {
            project: own.name.clone(),
        });
    }
    match scope.workflow() {
        Some(own) if own.name != workflow => Err(Denial::OtherWorkflowName),
        _ => Ok(()),
    }
}

/// A known run against the scope (R30).
fn within(scope: &Scope, run: &RunFacts) -> Result<(), Denial> {
    match scope {
        Scope::Organization => Ok(()),
        Scope::Project { project } if project.name == run.project => Ok(()),
        Scope::Project { project } => Err(Denial::OtherProject {
            project: project.name.clone(),
        }),
        Scope::Workflow { project, workflow }
            if project.name == run.project && workflow.name == run.workflow =>
        {
            Ok(())
        }
        Scope::Workflow { .. } => Err(Denial::OtherWorkflow),
    }
}

#[cfg(test)]
mod tests;
