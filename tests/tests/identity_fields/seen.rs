//! What a message is about, in one form for both readers, with empty text for what is not there. The origin takes a
//! field that is empty for one that is not there.

use postern_domain::decide::ProjectNamed;
use postern_origin::proto::IdentityReference;
use postern_wire::identity::Identified;

/// A project as a message names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Project {
    #[default]
    Open,
    Name(String),
    Names(Vec<String>),
    Id(String),
    /// By both, which the gate must refuse.
    Both,
}

/// What a message is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub organization_id: String,
    pub organization_name: String,
    pub project: Project,
    pub workflow: String,
    pub run: String,
    pub digest: String,
    /// Policies that the content of the message calls for.
    pub policies: Vec<&'static str>,
}

impl From<Identified<'_>> for Seen {
    fn from(found: Identified<'_>) -> Self {
        let names = found.names;
        Self {
            organization_id: names.organization_id.to_owned(),
            organization_name: names.organization_name.to_owned(),
            project: match names.project {
                ProjectNamed::Open => Project::Open,
                ProjectNamed::Name(name) => Project::Name(name.to_owned()),
                ProjectNamed::Names(names) => {
                    Project::Names(names.into_iter().map(str::to_owned).collect())
                }
                ProjectNamed::Id(id) => Project::Id(id.to_owned()),
            },
            workflow: names.workflow.to_owned(),
            run: found.run.unwrap_or_default().to_owned(),
            digest: found.digest.unwrap_or_default().to_owned(),
            policies: names.policies,
        }
    }
}

impl Seen {
    /// A message with a project and a workflow by name.
    pub fn names(project: &str, workflow: &str) -> Self {
        Self {
            workflow: workflow.to_owned(),
            ..Self::project(project)
        }
    }

    /// A message with a project by name.
    pub fn project(name: &str) -> Self {
        Self {
            project: if name.is_empty() {
                Project::Open
            } else {
                Project::Name(name.to_owned())
            },
            ..Self::default()
        }
    }

    /// A message with a run.
    pub fn run(id: &str) -> Self {
        Self {
            run: id.to_owned(),
            ..Self::default()
        }
    }

    /// A message with a digest.
    pub fn digest(digest: &str) -> Self {
        Self {
            digest: digest.to_owned(),
            ..Self::default()
        }
    }

    /// A message that refers to a project.
    pub fn reference(reference: Option<&IdentityReference>) -> Self {
        let (id, name) = reference.map_or((None, None), |project| {
            (project.id.clone(), project.name.clone())
        });
        Self {
            project: match (id, name) {
                (None, None) => Project::Open,
                (Some(id), None) => Project::Id(id),
                (None, Some(name)) => Project::Name(name),
                (Some(_), Some(_)) => Project::Both,
            },
            ..Self::default()
        }
    }

    /// The same, calling for these policies as well when that holds.
    pub fn needing(mut self, holds: bool, policies: &[&'static str]) -> Self {
        if holds {
            self.policies.extend(policies);
        }
        self
    }
}
