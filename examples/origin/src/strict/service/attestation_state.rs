//! AttestationStateService: states sealed under the bearer (`internal/service/attestationstate.go`).
//! Asks for the project, as the control plane does, and not for the workflow.

use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::attestation::workflow_of;
use super::{StrictService, subject};
use crate::proto::attestation_state_service_server::AttestationStateService;
use crate::proto::{
    AttestationStateServiceInitializedRequest, AttestationStateServiceInitializedResponse,
    AttestationStateServiceReadRequest, AttestationStateServiceReadResponse,
    AttestationStateServiceResetRequest, AttestationStateServiceResetResponse,
    AttestationStateServiceSaveRequest, AttestationStateServiceSaveResponse,
    attestation_state_service_initialized_response as initialized,
    attestation_state_service_read_response as read,
};
use crate::service::run_id;
use crate::state::Refusal;
use crate::strict::denied::Denied;
use crate::strict::subject::Subject;
use crate::strict::{random, sealed};

#[tonic::async_trait]
impl AttestationStateService for StrictService {
    async fn initialized(
        &self,
        request: Request<AttestationStateServiceInitializedRequest>,
    ) -> Result<Response<AttestationStateServiceInitializedResponse>, Status> {
        let subject = subject(&request)?;
        let run = enter(&subject, &request.get_ref().workflow_run_id)?;
        let initialized = kept(&subject, run)?.is_some();
        Ok(Response::new(AttestationStateServiceInitializedResponse {
            result: Some(initialized::Result { initialized }),
        }))
    }

    async fn save(
        &self,
        request: Request<AttestationStateServiceSaveRequest>,
    ) -> Result<Response<AttestationStateServiceSaveResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.into_inner();
        let run = enter(&subject, &asked.workflow_run_id)?;
        let salt = random().map_err(|_| Denied::Masked)?;
        let sealed = sealed::seal(&asked.attestation_state, &subject.passphrase, salt);
        let sealed = sealed.ok_or(Denied::Masked)?;
        let digest = sealed::digest(&sealed);
        put(&subject, run, sealed, &asked.base_digest)?;
        Ok(Response::new(AttestationStateServiceSaveResponse {
            digest,
        }))
    }

    async fn read(
        &self,
        request: Request<AttestationStateServiceReadRequest>,
    ) -> Result<Response<AttestationStateServiceReadResponse>, Status> {
        let subject = subject(&request)?;
        let run = enter(&subject, &request.get_ref().workflow_run_id)?;
        let kept = kept(&subject, run)?.ok_or(Refusal::NoState("read"))?;
        // "incorrect passphrase" there, which the service masks.
        let state = sealed::open(&kept, &subject.passphrase).ok_or(Denied::Masked)?;
        Ok(Response::new(AttestationStateServiceReadResponse {
            result: Some(read::Result {
                attestation_state: state,
                digest: sealed::digest(&kept),
            }),
        }))
    }

    async fn reset(
        &self,
        request: Request<AttestationStateServiceResetRequest>,
    ) -> Result<Response<AttestationStateServiceResetResponse>, Status> {
        let subject = subject(&request)?;
        let run = enter(&subject, &request.get_ref().workflow_run_id)?;
        let mut state = subject.state.lock();
        state.run_to_change(run).ok_or(Refusal::UnknownRun)?.sealed = None;
        Ok(Response::new(AttestationStateServiceResetResponse {}))
    }
}

/// The run, if the caller may enter its project.
fn enter(subject: &Subject, run: &str) -> Result<Uuid, Status> {
    let workflow = workflow_of(subject, run, Refusal::UnknownRun)?;
    subject.may_enter(workflow.project_id)?;
    Ok(run_id(run)?)
}

/// What is kept of a run's state.
fn kept(subject: &Subject, run: Uuid) -> Result<Option<Vec<u8>>, Status> {
    let state = subject.state.lock();
    Ok(state.run(run).ok_or(Refusal::UnknownRun)?.sealed.clone())
}

/// Keeps a state, if the one that it follows is still there. Looks and writes under one lock.
fn put(subject: &Subject, run: Uuid, sealed: Vec<u8>, base: &str) -> Result<(), Status> {
    let mut state = subject.state.lock();
    let run = state.run_to_change(run).ok_or(Refusal::UnknownRun)?;
    if !base.is_empty() {
        let kept = run.sealed.as_ref().ok_or(Refusal::NoState("save"))?;
        let stored = sealed::digest(kept);
        if stored != base {
            let given = base.to_owned();
            return Err(Refusal::StateConflict { stored, given }.into());
        }
    }
    run.sealed = Some(sealed);
    Ok(())
}
