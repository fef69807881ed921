//! Calls for the origin: a token's scope against what the call names (R30 to R32). One function for
//! every call and every protocol; what the scope does not cover is refused.

use super::super::id::{Project, ProjectId, WorkflowId};
use super::super::operation::Requirements;
use super::super::policy::covers;
use super::super::rpc::{Access, Narrow};
use super::super::scope::{Named, Scope};
use super::super::token::TokenFacts;
use super::{Denial, RunFacts};

/// What a call names, beside a run. Texts are as they stand in the message; empty where it has
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallNames<'a> {
    /// The organization by id; empty where it is not named.
    pub organization_id: &'a str,
    /// The organization by name; empty where it is not named.
    pub organization_name: &'a str,
    /// The project.
    pub project: ProjectNamed<'a>,
    /// The workflow by name; empty where it is not named.
    pub workflow: &'a str,
    /// Policies that the call needs because of what it carries.
    pub policies: Vec<&'static str>,
}

impl<'a> CallNames<'a> {
    /// Names of project and workflow alone.
    pub fn named(project: Option<&'a str>, workflow: Option<&'a str>) -> Self {
        Self {
            project: project.map_or(ProjectNamed::Open, ProjectNamed::Name),
            workflow: workflow.unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// How a call names its project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProjectNamed<'a> {
    /// Not at all.
    #[default]
    Open,
    /// By its name.
    Name(&'a str),
    /// By the origin's id, which is this registry's too.
    Id(&'a str),
    /// As a filter that lets these through.
    Names(Vec<&'a str>),
}

/// The run that a call names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunNamed<'a> {
    /// None.
    Open,
    /// One that the caller's organization does not have.
    Unknown,
    /// It is known.
    Known {
        /// What it belongs to.
        run: &'a RunFacts,
        /// The origin's id of the workflow that the token is for, once it was learned.
        pin: Option<WorkflowId>,
    },
}

/// Decides on a token's call. `is_kept` = the origin keeps it to the token's project where it names none.
pub(super) fn call(
    facts: &TokenFacts,
    needs: &Requirements,
    names: &CallNames<'_>,
    (run, is_kept): (RunNamed<'_>, bool),
) -> Result<(), Denial> {
    if needs.access == Access::Closed {
        return Err(Denial::OriginTokens);
    }
    let policies = needs.policies.iter().chain(&names.policies);
    if needs.access == Access::Person || !policies.clone().all(|p| covers(&facts.policies, p)) {
        return Err(Denial::Operation);
    }
    own_organization(facts, names)?;
    if facts.scope != Scope::Organization && needs.narrow == Narrow::Denied {
        return Err(Denial::Operation);
    }
    match run {
        RunNamed::Unknown => return Err(Denial::UnknownRun),
        RunNamed::Known { run, pin } => return within(&facts.scope, run, pin),
        RunNamed::Open => {}
    }
    match (&facts.scope, needs.narrow) {
        (Scope::Organization, _) | (_, Narrow::Any) => Ok(()),
        (_, Narrow::Denied) => Err(Denial::Operation),
        (Scope::Project { project }, narrow) => match same_project(project, &names.project)? {
            ProjectMatch::Own => Ok(()),
            ProjectMatch::Open if narrow == Narrow::Confined && is_kept => Ok(()),
            ProjectMatch::Open => Err(Denial::NotConfined),
        },
        (Scope::Workflow { project, workflow }, _) => {
            match same_project(project, &names.project)? {
                _ if names.workflow.is_empty() => Err(Denial::NotConfined),
                ProjectMatch::Open => Err(Denial::NotConfined),
                ProjectMatch::Own if workflow.name == names.workflow => Ok(()),
                ProjectMatch::Own => Err(Denial::OtherWorkflowName),
            }
        }
    }
}

/// A token belongs to one organization (R1), whatever the message says.
fn own_organization(facts: &TokenFacts, names: &CallNames<'_>) -> Result<(), Denial> {
    let own = &facts.organization;
    let id = names.organization_id;
    let name = names.organization_name;
    let fits = |text: &str| super::super::id::OrganizationId::parse_any(text) == Ok(own.id);
    if (id.is_empty() || fits(id)) && (name.is_empty() || name == own.name) {
        Ok(())
    } else {
        Err(Denial::OtherOrganization)
    }
}

enum ProjectMatch {
    Open,
    Own,
}

/// Whether the call keeps to the token's project by what it names.
fn same_project(own: &Named<Project>, named: &ProjectNamed<'_>) -> Result<ProjectMatch, Denial> {
    let is_own = match named {
        ProjectNamed::Open => return Ok(ProjectMatch::Open),
        ProjectNamed::Name(name) => *name == own.name,
        ProjectNamed::Id(id) => ProjectId::parse_any(id) == Ok(own.id),
        ProjectNamed::Names(names) => names.iter().all(|name| *name == own.name),
    };
    if is_own {
        Ok(ProjectMatch::Own)
    } else {
        Err(Denial::OtherProject {
            project: own.name.clone(),
        })
    }
}

/// A known run against the scope (R30).
fn within(scope: &Scope, run: &RunFacts, pin: Option<WorkflowId>) -> Result<(), Denial> {
    match scope {
        Scope::Organization => Ok(()),
        Scope::Project { project } if project.name == run.project => Ok(()),
        Scope::Project { project } => Err(Denial::OtherProject {
            project: project.name.clone(),
        }),
        Scope::Workflow { .. } if !run.is_of(scope) => Err(Denial::OtherWorkflow),
        // The same names, but made anew at the origin since the token was first used.
        Scope::Workflow { .. } if pin.is_some() && pin != run.workflow_id => {
            Err(Denial::WorkflowReplaced)
        }
        Scope::Workflow { .. } => Ok(()),
    }
}

impl RunFacts {
    /// Whether the run belongs to the workflow of a workflow token's scope, by its names.
    pub fn is_of(&self, scope: &Scope) -> bool {
        matches!(scope, Scope::Workflow { project, workflow }
            if project.name == self.project && workflow.name == self.workflow)
    }
}
