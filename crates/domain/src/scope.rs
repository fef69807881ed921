//! How far a token reaches: its organization, one project of it, or one workflow of that project
//! (R1). A workflow without a project cannot be expressed.

use serde::{Deserialize, Serialize};

use super::id::{Id, Project, Workflow};
use super::operation::Managed;

/// An id with the name it had when the token was minted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct Named<K> {
    /// The id.
    pub id: Id<K>,
    /// The name.
    pub name: String,
}

/// The scope of a token, from wide to narrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "level", rename_all = "lowercase", deny_unknown_fields)]
pub enum Scope {
    /// The whole organization.
    Organization,
    /// One project, with all its workflows.
    Project {
        /// The project.
        project: Named<Project>,
    },
    /// One workflow.
    Workflow {
        /// Its project.
        project: Named<Project>,
        /// The workflow.
        workflow: Named<Workflow>,
    },
}

impl Scope {
    /// The project that the scope names, if it does.
    pub fn project(&self) -> Option<&Named<Project>> {
        match self {
            Self::Organization => None,
            Self::Project { project } | Self::Workflow { project, .. } => Some(project),
        }
    }

    /// Under which policies tokens of this scope are managed.
    pub fn managed(&self) -> Managed {
        match self {
            Self::Organization => Managed::OrganizationTokens,
            Self::Project { .. } | Self::Workflow { .. } => Managed::ProjectTokens,
        }
    }

    /// The workflow that the scope names, if it does.
    pub fn workflow(&self) -> Option<&Named<Workflow>> {
        match self {
            Self::Organization | Self::Project { .. } => None,
            Self::Workflow { workflow, .. } => Some(workflow),
        }
    }
}
