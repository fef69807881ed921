//! Whose call it is, once the bearer was believed, and what its scope lets it touch: the service
//! checks of the control plane, those it makes and no others.

use std::fmt;

use uuid::Uuid;

use super::denied::Denied;
use super::people::Role;
use super::tokens::Named;
use crate::caller::{Caller, Organization};
use crate::proto::IdentityReference;
use crate::service::Shared;
use crate::state::Workflow;

/// The caller of one call.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) organization: Organization,
    /// What the organization has.
    pub(crate) state: Shared,
    pub(crate) holder: Holder,
    /// What the sample's own services take the caller for.
    pub(crate) caller: Caller,
    pub(crate) passphrase: Passphrase,
}

/// Whose bearer it is.
#[derive(Debug, Clone)]
pub(crate) enum Holder {
    /// An API token, with what its row says.
    Token {
        id: Uuid,
        project: Option<Named>,
        workflow: Option<Named>,
        policies: Vec<String>,
    },
    /// A person.
    Person { id: Uuid, role: Role },
}

/// What the key of an attestation state is made from.
#[derive(Clone)]
pub(crate) struct Passphrase(pub(crate) String);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Subject {
    /// Whether the holder has a policy.
    pub(crate) fn holds(&self, policy: &str) -> bool {
        match &self.holder {
            Holder::Token { policies, .. } => policies.iter().any(|held| held == policy),
            Holder::Person { role, .. } => role.holds(policy),
        }
    }

    /// Whether it is an API token of the whole organization.
    pub(crate) fn is_organization_token(&self) -> bool {
        matches!(&self.holder, Holder::Token { project: None, .. })
    }

    /// Whether what it may see depends on the project (`rbacEnabled`).
    pub(crate) fn needs_projects(&self) -> bool {
        match &self.holder {
            Holder::Token { project, .. } => project.is_some(),
            Holder::Person { role, .. } => role.needs_projects(),
        }
    }

    /// The projects that lists are kept to; none is no filter (`visibleProjects`).
    pub(crate) fn visible_projects(&self) -> Option<Vec<Named>> {
        match &self.holder {
            Holder::Token { project, .. } => project.clone().map(|project| vec![project]),
            Holder::Person { role, .. } => role.needs_projects().then(Vec::new),
        }
    }

    /// Fails unless the project is the token's own (`authorizeResource`).
    pub(crate) fn may_enter(&self, project: Uuid) -> Result<(), Denied> {
        match &self.holder {
            Holder::Token {
                project: Some((own, name)),
                ..
            } if *own != project => Err(Denied::OtherProject(name.clone())),
            Holder::Person { role, .. } if role.needs_projects() => {
                Err(Denied::NoRoleInProject(project.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// The id of a project that is there and that the caller may enter
    /// (`userHasPermissionOnProject`).
    pub(crate) fn enter(&self, project: &str) -> Result<Uuid, Denied> {
        let found = self.state.lock().project_id(project);
        let id = found.ok_or_else(|| Denied::NoProject(project.to_owned()))?;
        self.may_enter(id).map(|()| id)
    }

    /// As [`Self::enter`], by id or by name.
    pub(crate) fn enter_by(&self, reference: &IdentityReference) -> Result<Named, Denied> {
        let name = match (&reference.id, &reference.name) {
            (None, Some(name)) => name.clone(),
            (Some(id), None) => {
                let uuid = Uuid::parse_str(id).map_err(|_| Denied::BadReference)?;
                let state = self.state.lock();
                let name = state.project_name(uuid);
                name.ok_or_else(|| Denied::NoProject(id.clone()))?
                    .to_owned()
            }
            _ => return Err(Denied::BadReference),
        };
        Ok((self.enter(&name)?, name))
    }

    /// Fails for a token of another workflow: by id, in GetContract, Init, Store and Cancel
    /// (`findWorkflowFromTokenOrNameOrRunID`).
    pub(crate) fn is_for(&self, workflow: &Workflow) -> Result<(), Denied> {
        match &self.holder {
            Holder::Token {
                workflow: Some((own, _)),
                ..
            } if *own != workflow.id => Err(Denied::OtherWorkflow),
            _ => Ok(()),
        }
    }

    /// Fails for a token of a workflow with another name: in FindOrCreateWorkflow.
    pub(crate) fn is_named(&self, workflow: &str) -> Result<(), Denied> {
        match &self.holder {
            Holder::Token {
                workflow: Some((_, own)),
                ..
            } if own != workflow => Err(Denied::OtherWorkflowName),
            _ => Ok(()),
        }
    }

    /// Fails when the caller may make no project (`userCanCreateProject`).
    pub(crate) fn may_make_projects(&self) -> Result<(), Denied> {
        match &self.holder {
            Holder::Token { project: None, .. } => Ok(()),
            Holder::Person { role, .. } if *role != Role::Contributor && *role != Role::Viewer => {
                Ok(())
            }
            _ => Err(Denied::NoNewProjects),
        }
    }
}
