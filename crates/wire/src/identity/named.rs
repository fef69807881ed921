//! What a message names, as values: borrowed where all of it is here, owned where it came in
//! windows.

use postern_domain::decide::{CallNames, ProjectNamed};

use super::Identified;

/// What a message that came in windows names.
pub type Found = Named<String>;

/// What a message names, in texts of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<S> {
    /// The organization by id; empty where it is not named.
    pub organization_id: S,
    /// The organization by name; empty where it is not named.
    pub organization_name: S,
    /// The project.
    pub project: Project<S>,
    /// The workflow by name; empty where it is not named.
    pub workflow: S,
    /// Policies that the call needs because of what it carries.
    pub policies: Vec<&'static str>,
    /// The run's id as written; `None` where the message names none.
    pub run: Option<S>,
    /// The digest as written; `None` where the message names none.
    pub digest: Option<S>,
}

/// How a message names its project. As [`ProjectNamed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Project<S> {
    /// Not at all.
    Open,
    /// By its name.
    Name(S),
    /// By the origin's id.
    Id(S),
    /// As a filter that lets these through.
    Names(Vec<S>),
}

impl Found {
    /// The same, borrowed.
    pub fn identified(&self) -> Identified<'_> {
        self.borrowed(String::as_str)
    }
}

impl<S> Named<S> {
    /// The same, with each text borrowed in this way.
    pub(super) fn borrowed<'s, 't>(&'s self, text: impl Fn(&'s S) -> &'t str) -> Identified<'t> {
        Identified {
            names: CallNames {
                organization_id: text(&self.organization_id),
                organization_name: text(&self.organization_name),
                project: match &self.project {
                    Project::Open => ProjectNamed::Open,
                    Project::Name(name) => ProjectNamed::Name(text(name)),
                    Project::Id(id) => ProjectNamed::Id(text(id)),
                    Project::Names(names) => ProjectNamed::Names(names.iter().map(&text).collect()),
                },
                workflow: text(&self.workflow),
                policies: self.policies.clone(),
            },
            run: self.run.as_ref().map(&text),
            digest: self.digest.as_ref().map(&text),
        }
    }
}
