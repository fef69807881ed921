//! Runs of workflows, and the attestation states that clients keep with them.
//! A run of an organization that the caller does not see is as unknown as one
//! that never was. Reads no clock and draws no ids.

use std::time::SystemTime;

use uuid::Uuid;

use super::{MAX_RUNS, Refusal, State, Workflow, require};
use crate::bundle::Bundle;
use crate::caller::{Caller, Organization};
use crate::digest::sha256_hex;
use crate::proto::attestation_service_cancel_request::TriggerType;
use crate::proto::{RunStatus, RunnerType};

/// A run of a workflow.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: Uuid,
    pub(crate) workflow: Workflow,
    /// Whose it is: that of the caller who began it.
    pub(crate) organization: Organization,
    pub(crate) status: RunStatus,
    pub(crate) reason: String,
    pub(crate) job_url: String,
    pub(crate) runner: RunnerType,
    /// Of the workflow's contract, when it began.
    pub(crate) contract_revision: i32,
    /// Version of the project; empty: none was said.
    pub(crate) version: String,
    /// Hash of the credential that started the run: a control plane may derive
    /// keys from it, so tests compare it with the one that ends the run.
    pub(crate) authorization_sha256: String,
    pub(crate) created_at: SystemTime,
    pub(crate) finished_at: Option<SystemTime>,
    pub(crate) bundle: Option<Bundle>,
    crafting: Option<CraftingState>,
    /// The attestation state in strict mode: nobody but its bearer can read it.
    pub(crate) sealed: Option<Vec<u8>>,
    /// States kept so far, so that no two have one digest.
    saves: u64,
}

/// An attestation state. Upstream encrypts it with a key made from the token;
/// here the hash of that token has to be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CraftingState {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
    token_sha256: String,
}

/// What Init says about a run, besides where it belongs.
#[derive(Debug, Clone)]
pub(crate) struct NewRun {
    pub(crate) id: Uuid,
    pub(crate) job_url: String,
    pub(crate) runner: RunnerType,
    pub(crate) version: String,
    /// 0: the latest.
    pub(crate) contract_revision: i32,
}

impl State {
    /// Starts a run of an existing workflow.
    pub(crate) fn init(
        &mut self,
        project: &str,
        workflow: &str,
        new: NewRun,
        caller: &Caller,
        now: SystemTime,
    ) -> Result<Run, Refusal> {
        require("workflow_name", workflow)?;
        require("project_name", project)?;
        let workflow = self.workflow_mut(project, workflow)?;
        let (contract_revision, _) = workflow.contract_at(new.contract_revision)?;
        workflow.runs = workflow.runs.saturating_add(1);
        let run = Run {
            id: new.id,
            workflow: workflow.clone(),
            organization: caller.organization.clone(),
            status: RunStatus::Initialized,
            reason: String::new(),
            job_url: new.job_url,
            runner: new.runner,
            contract_revision,
            version: new.version,
            authorization_sha256: caller.authorization_sha256.clone(),
            created_at: now,
            finished_at: None,
            bundle: None,
            crafting: None,
            sealed: None,
            saves: 0,
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
        caller: &Caller,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let run = self.open(run, caller)?;
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
        caller: &Caller,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let status = match trigger {
            TriggerType::Unspecified => return Err(Refusal::NoTrigger),
            TriggerType::Failure => RunStatus::Failed,
            TriggerType::Cancellation => RunStatus::Cancelled,
        };
        let run = self.open(run, caller)?;
        run.status = status;
        run.reason = reason.to_owned();
        run.finished_at = Some(now);
        Ok(())
    }

    /// Fails unless the run exists and has not ended.
    pub(crate) fn open(&mut self, id: Uuid, caller: &Caller) -> Result<&mut Run, Refusal> {
        let run = self.run_mut(id, caller)?;
        match run.status {
            RunStatus::Initialized => Ok(run),
            ended => Err(Refusal::Ended(ended)),
        }
    }

    /// One run that the caller sees.
    pub(crate) fn run_of(&self, id: Uuid, caller: &Caller) -> Option<&Run> {
        self.runs
            .get(&id)
            .filter(|run| caller.sees(&run.organization))
    }

    /// The run with that attestation, if the caller sees it. The digest is
    /// `sha256:<hex>`.
    pub(crate) fn run_with_digest(&self, digest: &str, caller: &Caller) -> Option<&Run> {
        self.runs_of(caller).find(|run| {
            run.bundle
                .as_ref()
                .is_some_and(|bundle| bundle.digest() == digest)
        })
    }

    /// The runs that the caller sees, oldest first.
    pub(crate) fn runs_of(&self, caller: &Caller) -> impl DoubleEndedIterator<Item = &Run> {
        self.runs().filter(|run| caller.sees(&run.organization))
    }

    /// One run, whoever asks.
    pub(crate) fn run(&self, id: Uuid) -> Option<&Run> {
        self.runs.get(&id)
    }

    /// One run to change, whoever asks.
    pub(crate) fn run_to_change(&mut self, id: Uuid) -> Option<&mut Run> {
        self.runs.get_mut(&id)
    }

    /// All runs, oldest first.
    pub(crate) fn runs(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.order.iter().filter_map(|id| self.runs.get(id))
    }

    /// Keeps an attestation state over the one that is there; answers with its
    /// digest. An empty `base` matches any.
    pub(crate) fn save_state(
        &mut self,
        run: Uuid,
        bytes: Vec<u8>,
        base: &str,
        caller: &Caller,
    ) -> Result<String, Refusal> {
        let run = self.run_mut(run, caller)?;
        if !base.is_empty() {
            let stored = &run
                .crafting
                .as_ref()
                .ok_or(Refusal::NoState("save"))?
                .digest;
            if stored != base {
                return Err(Refusal::StateConflict {
                    stored: stored.clone(),
                    given: base.to_owned(),
                });
            }
        }
        run.saves = run.saves.saturating_add(1);
        // Upstream's digest is of the encrypted state, which never repeats.
        let digest = sha256_hex(&[&run.saves.to_be_bytes()[..], &bytes].concat());
        run.crafting = Some(CraftingState {
            bytes,
            digest: digest.clone(),
            token_sha256: caller.token_sha256.clone(),
        });
        Ok(digest)
    }

    /// Whether a run has an attestation state.
    pub(crate) fn has_state(&mut self, run: Uuid, caller: &Caller) -> Result<bool, Refusal> {
        Ok(self.run_mut(run, caller)?.crafting.is_some())
    }

    /// The attestation state of a run, for the credential that put it.
    pub(crate) fn read_state(
        &mut self,
        run: Uuid,
        caller: &Caller,
    ) -> Result<CraftingState, Refusal> {
        let kept = self.run_mut(run, caller)?.crafting.clone();
        let kept = kept.ok_or(Refusal::NoState("read"))?;
        if kept.token_sha256 == caller.token_sha256 {
            Ok(kept)
        } else {
            Err(Refusal::StateLocked)
        }
    }

    /// Forgets the attestation state of a run.
    pub(crate) fn reset_state(&mut self, run: Uuid, caller: &Caller) -> Result<(), Refusal> {
        self.run_mut(run, caller)?.crafting = None;
        Ok(())
    }

    fn run_mut(&mut self, id: Uuid, caller: &Caller) -> Result<&mut Run, Refusal> {
        self.runs
            .get_mut(&id)
            .filter(|run| caller.sees(&run.organization))
            .ok_or(Refusal::UnknownRun)
    }
}
