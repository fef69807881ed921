//! What the sample origin remembers: projects and workflows, and with them runs,
//! in memory. Reads no clock and draws no ids: times and run ids come in as
//! arguments. Projects and workflows belong to everybody, runs to an
//! organization.
//!
//! Ids of projects and workflows follow from their names, so that they are the
//! same after a restart and a gateway that kept them still knows them. Only a
//! workflow that takes the place of a deleted one gets another id.

mod refusal;
mod runs;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::SystemTime;

use uuid::Uuid;

pub(crate) use refusal::Refusal;
pub(crate) use runs::{NewRun, Run};

/// Runs kept: beyond this the oldest run is forgotten, so that a load test
/// does not fill the memory.
pub(crate) const MAX_RUNS: usize = 10_000;

/// Revisions of a contract kept; no further one is taken.
pub(crate) const MAX_REVISIONS: usize = 100;

/// The contract of a workflow that was made without one.
const CONTRACT: &[u8] = b"schemaVersion: v1\n";

/// A workflow of a project.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) project_id: Uuid,
    pub(crate) project: String,
    pub(crate) contract_name: String,
    /// The document's revisions, from 1; only strict mode makes a second one.
    contracts: Vec<Vec<u8>>,
    pub(crate) team: String,
    pub(crate) description: String,
    pub(crate) created_at: SystemTime,
    pub(crate) runs: i32,
}

/// What a workflow is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NewWorkflow<'a> {
    pub(crate) project: &'a str,
    pub(crate) name: &'a str,
    /// Empty: named after the workflow.
    pub(crate) contract_name: &'a str,
    /// Empty: a contract that asks for nothing.
    pub(crate) contract: &'a [u8],
    pub(crate) team: &'a str,
    pub(crate) description: &'a str,
}

#[derive(Debug, Default)]
struct Project {
    workflows: BTreeMap<String, Workflow>,
    /// How often a workflow of that name was deleted.
    deleted: HashMap<String, u32>,
}

/// All projects, workflows and runs.
#[derive(Debug)]
pub(crate) struct State {
    /// What the ids of projects are made in.
    namespace: Uuid,
    projects: BTreeMap<String, Project>,
    runs: HashMap<Uuid, Run>,
    /// Run ids, oldest first.
    order: VecDeque<Uuid>,
}

impl Default for State {
    fn default() -> Self {
        Self::within(Uuid::NAMESPACE_URL)
    }
}

impl State {
    /// An empty one whose ids are its own.
    pub(crate) fn within(namespace: Uuid) -> Self {
        Self {
            namespace,
            projects: BTreeMap::new(),
            runs: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The id of a project, if there is one of that name.
    pub(crate) fn project_id(&self, name: &str) -> Option<Uuid> {
        self.projects.get(name).map(|_| self.id_for(name))
    }

    /// The project of that name, made if it is not there yet.
    pub(crate) fn make_project(&mut self, name: &str) -> Result<Uuid, Refusal> {
        check_name("project_name", name)?;
        self.projects.entry(name.to_owned()).or_default();
        Ok(self.id_for(name))
    }

    /// The name of a project.
    pub(crate) fn project_name(&self, id: Uuid) -> Option<&str> {
        let mut names = self.projects.keys().map(String::as_str);
        names.find(|name| self.id_for(name) == id)
    }

    fn id_for(&self, project: &str) -> Uuid {
        Uuid::new_v5(
            &self.namespace,
            format!("postern-origin:{project}").as_bytes(),
        )
    }

    /// The workflow of that name, made if it is not there yet.
    pub(crate) fn find_or_create(
        &mut self,
        new: &NewWorkflow<'_>,
        now: SystemTime,
    ) -> Result<Workflow, Refusal> {
        check_name("project_name", new.project)?;
        check_name("workflow_name", new.name)?;
        if let Some(found) = self.find(new.project, new.name) {
            if !new.contract_name.is_empty() && new.contract_name != found.contract_name {
                return Err(Refusal::OtherContract);
            }
            return Ok(found.clone());
        }
        Ok(self.insert(new, now))
    }

    /// A workflow that is not there yet.
    pub(crate) fn create(
        &mut self,
        new: &NewWorkflow<'_>,
        now: SystemTime,
    ) -> Result<Workflow, Refusal> {
        check_name("name", new.name)?;
        check_name("project_name", new.project)?;
        if self.find(new.project, new.name).is_some() {
            return Err(Refusal::Exists {
                project: new.project.to_owned(),
                workflow: new.name.to_owned(),
            });
        }
        Ok(self.insert(new, now))
    }

    fn insert(&mut self, new: &NewWorkflow<'_>, now: SystemTime) -> Workflow {
        let project_id = self.id_for(new.project);
        let project = self.projects.entry(new.project.to_owned()).or_default();
        let id = match project.deleted.get(new.name) {
            None => Uuid::new_v5(&project_id, new.name.as_bytes()),
            // No name has a `#`.
            Some(times) => Uuid::new_v5(&project_id, format!("{}#{times}", new.name).as_bytes()),
        };
        let or =
            |given: &str, default: &str| if given.is_empty() { default } else { given }.to_owned();
        let created = Workflow {
            id,
            name: new.name.to_owned(),
            project_id,
            project: new.project.to_owned(),
            contract_name: or(new.contract_name, new.name),
            contracts: vec![
                if new.contract.is_empty() {
                    CONTRACT
                } else {
                    new.contract
                }
                .to_vec(),
            ],
            team: new.team.to_owned(),
            description: new.description.to_owned(),
            created_at: now,
            runs: 0,
        };
        project
            .workflows
            .insert(new.name.to_owned(), created.clone());
        created
    }

    /// Gives a workflow's contract another revision, unless the document is the latest one's.
    pub(crate) fn update_contract(
        &mut self,
        project: &str,
        name: &str,
        contract: &[u8],
    ) -> Result<(), Refusal> {
        let workflow = self.workflow_mut(project, name)?;
        if workflow
            .contracts
            .last()
            .is_some_and(|latest| latest == contract)
        {
            return Ok(());
        }
        if workflow.contracts.len() >= MAX_REVISIONS {
            return Err(Refusal::TooManyRevisions);
        }
        workflow.contracts.push(contract.to_vec());
        Ok(())
    }

    /// The workflow of that name.
    pub(crate) fn workflow(&mut self, project: &str, name: &str) -> Result<&Workflow, Refusal> {
        self.workflow_mut(project, name).map(|found| &*found)
    }

    /// Fails unless there is such a project.
    pub(crate) fn project(&self, name: &str) -> Result<(), Refusal> {
        match self.projects.get(name) {
            Some(_) => Ok(()),
            None => Err(Refusal::UnknownProjectNamed(name.to_owned())),
        }
    }

    /// All workflows, by project and name.
    pub(crate) fn workflows(&self) -> impl Iterator<Item = &Workflow> {
        self.projects
            .values()
            .flat_map(|project| project.workflows.values())
    }

    /// Forgets a workflow. Its runs stay, as upstream's do.
    pub(crate) fn delete(&mut self, project: &str, name: &str) -> Result<(), Refusal> {
        self.project(project)?;
        self.workflow(project, name)?;
        if let Some(project) = self.projects.get_mut(project) {
            project.workflows.remove(name);
            let times = project.deleted.entry(name.to_owned()).or_default();
            *times = times.saturating_add(1);
        }
        Ok(())
    }

    fn find(&self, project: &str, name: &str) -> Option<&Workflow> {
        self.projects.get(project)?.workflows.get(name)
    }

    fn workflow_mut(&mut self, project: &str, name: &str) -> Result<&mut Workflow, Refusal> {
        let project = self
            .projects
            .get_mut(project)
            .ok_or(Refusal::UnknownProject)?;
        project
            .workflows
            .get_mut(name)
            .ok_or(Refusal::UnknownWorkflow)
    }
}

impl Workflow {
    /// The contract at a revision, from 1, or at the latest one for 0; with the revision's number.
    pub(crate) fn contract_at(&self, revision: i32) -> Result<(i32, &[u8]), Refusal> {
        let revision = if revision == 0 {
            self.revision()
        } else {
            revision
        };
        let place = revision.checked_sub(1);
        let place = place.and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| self.contracts.get(place)) {
            Some(contract) => Ok((revision, contract)),
            None => Err(Refusal::UnknownContract),
        }
    }

    /// The latest revision of the contract.
    pub(crate) fn revision(&self) -> i32 {
        i32::try_from(self.contracts.len()).unwrap_or(i32::MAX)
    }
}

/// Fails when the value is empty.
pub(crate) fn require(field: &'static str, value: &str) -> Result<(), Refusal> {
    if value.is_empty() {
        return Err(Refusal::Missing(field));
    }
    Ok(())
}

/// DNS-1123 label, as the control plane wants names: 1 to 63 of `a-z0-9-`, no
/// hyphen at either end.
pub(crate) fn check_name(field: &'static str, value: &str) -> Result<(), Refusal> {
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = value.as_bytes();
    let good = bytes.len() <= 63
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|b| alphanumeric(b) || *b == b'-');
    require(field, value)?;
    if good {
        Ok(())
    } else {
        Err(Refusal::BadName {
            field,
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
