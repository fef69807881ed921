//! The claims of an API token (R3), unjudged. `postern_wire::jwt` reads them.

use serde::{Deserialize, Serialize};

use super::id::{Id, Project};

/// An id claim with its name claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The id.
    pub id: String,
    /// The name, if it is claimed.
    pub name: Option<String>,
}

/// The claims the gateway looks at. Texts are as they came; nothing is checked but shape.
///
/// The serialized form stands in the facts of adopted tokens: fields are only ever added, with a
/// default, and left out while absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Claims {
    /// The id of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// A string counts as a set of one.
    pub aud: Vec<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The name of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
    /// The id of the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// The name of the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_name: Option<String>,
    /// The id of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The name of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// The id of the workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// The name of the workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_name: Option<String>,
    /// `INSTANCE_ADMIN` in tokens above organizations, absent in all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// SHA-256 of the payload as it came, in lower case hex, so that claims that the gateway does
    /// not know are compared too. Only for tokens that name no key; empty for all others.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

impl Claims {
    /// The organization's id; an empty one counts as absent: old tokens of the origin have none.
    pub fn organization(&self) -> Option<&str> {
        self.org_id.as_deref().filter(|id| !id.is_empty())
    }

    /// The project pair; an empty id counts as absent, as at the origin.
    pub fn project(&self) -> Option<Pair> {
        pair(self.project_id.as_ref(), self.project_name.as_ref())
    }

    /// The workflow pair; an empty id counts as absent, as at the origin.
    pub fn workflow(&self) -> Option<Pair> {
        pair(self.workflow_id.as_ref(), self.workflow_name.as_ref())
    }

    /// Whether the claims themselves name this project.
    pub fn names_project(&self, project: Id<Project>) -> bool {
        self.project()
            .is_some_and(|claimed| Id::parse(&claimed.id) == Ok(project))
    }
}

fn pair(id: Option<&String>, name: Option<&String>) -> Option<Pair> {
    id.filter(|id| !id.is_empty()).map(|id| Pair {
        id: id.clone(),
        name: name.cloned(),
    })
}
