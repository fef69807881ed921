//! What the sample origin remembers: projects, workflows and runs, in memory.
//! Reads no clock and draws no ids: times and run ids come in as arguments.
//!
//! Ids of projects and workflows follow from their names, so that they are the
//! same after a restart and a gateway that kept them still knows them.

use std::collections::{HashMap, VecDeque};
use std::time::SystemTime;

use uuid::Uuid;

use crate::bundle::Bundle;
use crate::proto::attestation_service_cancel_request::TriggerType;
use crate::proto::{RunStatus, RunnerType};

/// Runs kept: beyond this the oldest run is forgotten, so that a load test
/// does not fill the memory.
pub(crate) const MAX_RUNS: usize = 10_000;

/// Why a call changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A required name is missing or is no DNS-1123 label.
    BadName { field: &'static str, value: String },
    /// The workflow exists with another contract.
    OtherContract,
    /// No such project.
    UnknownProject,
    /// The project has no such workflow.
    UnknownWorkflow,
    /// No run has this id.
    UnknownRun,
    /// The run has ended already.
    Ended(RunStatus),
    /// Cancel without a trigger.
    NoTrigger,
}

/// A workflow of a project.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) project_id: Uuid,
    pub(crate) project: String,
    pub(crate) contract_name: String,
    pub(crate) created_at: SystemTime,
    pub(crate) runs: i32,
}

/// A run of a workflow.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: Uuid,
    pub(crate) workflow: Workflow,
    pub(crate) status: RunStatus,
    pub(crate) reason: String,
    pub(crate) job_url: String,
    pub(crate) runner: RunnerType,
    /// Hash of the credential that started the run: a control plane may derive
    /// keys from it, so tests compare it with the one that ends the run.
    pub(crate) authorization_sha256: String,
    pub(crate) created_at: SystemTime,
    pub(crate) finished_at: Option<SystemTime>,
    pub(crate) bundle: Option<Bundle>,
}

/// What Init says about a run, besides where it belongs.
#[derive(Debug, Clone)]
pub(crate) struct NewRun {
    pub(crate) id: Uuid,
    pub(crate) job_url: String,
    pub(crate) runner: RunnerType,
    pub(crate) authorization_sha256: String,
}

/// All projects, workflows and runs.
#[derive(Debug, Default)]
pub(crate) struct State {
    projects: HashMap<String, HashMap<String, Workflow>>,
    runs: HashMap<Uuid, Run>,
    /// Run ids, oldest first.
    order: VecDeque<Uuid>,
}

impl State {
    /// The workflow of that name, made if it is not there yet.
    pub(crate) fn find_or_create(
        &mut self,
        project: &str,
        workflow: &str,
        contract: &str,
        now: SystemTime,
    ) -> Result<Workflow, Refusal> {
        check_name("project_name", project)?;
        check_name("workflow_name", workflow)?;
        let workflows = self.projects.entry(project.to_owned()).or_default();
        if let Some(found) = workflows.get(workflow) {
            if !contract.is_empty() && contract != found.contract_name {
                return Err(Refusal::OtherContract);
            }
            return Ok(found.clone());
        }
        let project_id = Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("postern-origin:{project}").as_bytes(),
        );
        let created = Workflow {
            id: Uuid::new_v5(&project_id, workflow.as_bytes()),
            name: workflow.to_owned(),
            project_id,
            project: project.to_owned(),
            contract_name: if contract.is_empty() {
                workflow
            } else {
                contract
            }
            .to_owned(),
            created_at: now,
            runs: 0,
        };
        workflows.insert(workflow.to_owned(), created.clone());
        Ok(created)
    }

    /// Starts a run of an existing workflow.
    pub(crate) fn init(
        &mut self,
        project: &str,
        workflow: &str,
        new: NewRun,
        now: SystemTime,
    ) -> Result<Run, Refusal> {
        require("workflow_name", workflow)?;
        require("project_name", project)?;
        let workflows = self
            .projects
            .get_mut(project)
            .ok_or(Refusal::UnknownProject)?;
        let workflow = workflows
            .get_mut(workflow)
            .ok_or(Refusal::UnknownWorkflow)?;
        workflow.runs = workflow.runs.saturating_add(1);
        let run = Run {
            id: new.id,
            workflow: workflow.clone(),
            status: RunStatus::Initialized,
            reason: String::new(),
            job_url: new.job_url,
            runner: new.runner,
            authorization_sha256: new.authorization_sha256,
            created_at: now,
            finished_at: None,
            bundle: None,
        };
        self.runs.insert(run.id, run.clone());
        self.order.push_back(run.id);
        if self.order.len() > MAX_RUNS
            && let Some(oldest) = self.order.pop_front()
        {
            self.runs.remove(&oldest);
        }
        Ok(run)
    }

    /// Ends a run with its attestation.
    pub(crate) fn store(
        &mut self,
        run: Uuid,
        bundle: Bundle,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let run = self.open(run)?;
        run.status = RunStatus::Succeeded;
        run.finished_at = Some(now);
        run.bundle = Some(bundle);
        Ok(())
    }

    /// Ends a run without one.
    pub(crate) fn cancel(
        &mut self,
        run: Uuid,
        trigger: TriggerType,
        reason: &str,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let status = match trigger {
            TriggerType::Unspecified => return Err(Refusal::NoTrigger),
            TriggerType::Failure => RunStatus::Failed,
            TriggerType::Cancellation => RunStatus::Cancelled,
        };
        let run = self.open(run)?;
        run.status = status;
        run.reason = reason.to_owned();
        run.finished_at = Some(now);
        Ok(())
    }

    /// Fails unless the run exists and has not ended.
    pub(crate) fn open(&mut self, id: Uuid) -> Result<&mut Run, Refusal> {
        let run = self.runs.get_mut(&id).ok_or(Refusal::UnknownRun)?;
        match run.status {
            RunStatus::Initialized => Ok(run),
            ended => Err(Refusal::Ended(ended)),
        }
    }

    /// One run.
    pub(crate) fn run(&self, id: Uuid) -> Option<&Run> {
        self.runs.get(&id)
    }

    /// All runs, oldest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.order.iter().filter_map(|id| self.runs.get(id))
    }
}

fn require(field: &'static str, value: &str) -> Result<(), Refusal> {
    if value.is_empty() {
        return Err(Refusal::BadName {
            field,
            value: String::new(),
        });
    }
    Ok(())
}

/// DNS-1123 label, as the control plane wants names: 1 to 63 of `a-z0-9-`, no
/// hyphen at either end.
fn check_name(field: &'static str, value: &str) -> Result<(), Refusal> {
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = value.as_bytes();
    let good = bytes.len() <= 63
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|b| alphanumeric(b) || *b == b'-');
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
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn new_run(id: u128) -> NewRun {
        NewRun {
            id: Uuid::from_u128(id),
            job_url: String::new(),
            runner: RunnerType::Unspecified,
            authorization_sha256: String::new(),
        }
    }

    #[test]
    fn names_are_dns_labels() {
        let check =
            |name: &str, good: bool| assert_eq!(check_name("n", name).is_ok(), good, "{name:?}");
        check("a", true);
        check("release-2", true);
        check("0", true);
        check(&"a".repeat(63), true);
        check(&"a".repeat(64), false);
        check("", false);
        check("-a", false);
        check("a-", false);
        check("A", false);
        check("a.b", false);
        check("a b", false);
        check("é", false);
    }

    #[test]
    fn ids_do_not_change() {
        // A gateway keeps these ids across restarts of the origin.
        let workflow = State::default()
            .find_or_create("demo", "release", "", NOW)
            .unwrap();
        let again = State::default()
            .find_or_create("demo", "release", "", NOW)
            .unwrap();
        assert_eq!(
            (workflow.id, workflow.project_id),
            (again.id, again.project_id)
        );
        let elsewhere = State::default()
            .find_or_create("other", "release", "", NOW)
            .unwrap();
        assert_ne!(workflow.id, elsewhere.id);
    }

    #[test]
    fn a_refused_call_creates_nothing() {
        let mut state = State::default();
        assert!(state.find_or_create("demo", "Bad", "", NOW).is_err());
        assert_eq!(
            state.init("demo", "Bad", new_run(1), NOW).unwrap_err(),
            Refusal::UnknownProject
        );
        assert_eq!(state.runs().count(), 0);
    }

    #[test]
    fn another_contract_is_refused() {
        let mut state = State::default();
        state
            .find_or_create("demo", "release", "mine", NOW)
            .unwrap();
        assert!(state.find_or_create("demo", "release", "mine", NOW).is_ok());
        let refused = state.find_or_create("demo", "release", "other", NOW);
        assert_eq!(refused.unwrap_err(), Refusal::OtherContract);
    }

    #[test]
    fn the_oldest_run_is_forgotten() {
        let mut state = State::default();
        state.find_or_create("demo", "release", "", NOW).unwrap();
        for id in 0..=MAX_RUNS as u128 {
            state.init("demo", "release", new_run(id), NOW).unwrap();
        }
        assert_eq!(state.runs().count(), MAX_RUNS);
        assert!(state.run(Uuid::from_u128(0)).is_none());
        assert!(state.run(Uuid::from_u128(1)).is_some());
    }
}
