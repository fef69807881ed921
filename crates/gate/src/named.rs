//! What a message names, as owned values that a call keeps while it waits.

use postern_domain::decide::{CallNames, ProjectNamed};

/// As [`CallNames`].
#[derive(Debug, Default)]
pub(crate) struct OwnedNames {
    organization_id: String,
    organization_name: String,
    project: Project,
    workflow: String,
    policies: Vec<&'static str>,
}

/// As [`ProjectNamed`].
#[derive(Debug, Default)]
enum Project {
    #[default]
    Open,
    Name(String),
    Id(String),
    Names(Vec<String>),
}

impl From<CallNames<'_>> for OwnedNames {
    fn from(names: CallNames<'_>) -> Self {
        let owned = |text: &str| text.to_owned();
        Self {
            organization_id: owned(names.organization_id),
            organization_name: owned(names.organization_name),
            project: match names.project {
                ProjectNamed::Open => Project::Open,
                ProjectNamed::Name(name) => Project::Name(owned(name)),
                ProjectNamed::Id(id) => Project::Id(owned(id)),
                ProjectNamed::Names(names) => {
                    Project::Names(names.into_iter().map(owned).collect())
                }
            },
            workflow: owned(names.workflow),
            policies: names.policies,
        }
    }
}

impl OwnedNames {
    /// What `decide` takes.
    pub fn as_call_names(&self) -> CallNames<'_> {
        CallNames {
            organization_id: &self.organization_id,
            organization_name: &self.organization_name,
            project: match &self.project {
                Project::Open => ProjectNamed::Open,
                Project::Name(name) => ProjectNamed::Name(name),
                Project::Id(id) => ProjectNamed::Id(id),
                Project::Names(names) => {
                    ProjectNamed::Names(names.iter().map(String::as_str).collect())
                }
            },
            workflow: &self.workflow,
            policies: self.policies.clone(),
        }
    }

    /// The project and workflow that are named by their names.
    pub fn of_run(&self) -> Option<(String, String)> {
        match &self.project {
            Project::Name(project) => Some((project.clone(), self.workflow.clone())),
            _ => None,
        }
    }
}
