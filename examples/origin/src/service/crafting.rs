//! AttestationStateService: keeps attestation states as bytes. Does not look
//! into them, as upstream does not.

use tonic::{Request, Response, Status};

use super::{Service, run_id};
use crate::caller::Caller;
use crate::proto::attestation_state_service_server::AttestationStateService;
use crate::proto::{
    AttestationStateServiceInitializedRequest, AttestationStateServiceInitializedResponse,
    AttestationStateServiceReadRequest, AttestationStateServiceReadResponse,
    AttestationStateServiceResetRequest, AttestationStateServiceResetResponse,
    AttestationStateServiceSaveRequest, AttestationStateServiceSaveResponse,
    attestation_state_service_initialized_response as initialized,
    attestation_state_service_read_response as read,
};

#[tonic::async_trait]
impl AttestationStateService for Service {
    async fn initialized(
        &self,
        request: Request<AttestationStateServiceInitializedRequest>,
    ) -> Result<Response<AttestationStateServiceInitializedResponse>, Status> {
        let caller = Caller::of(&request)?;
        let run = run_id(&request.get_ref().workflow_run_id)?;
        let initialized = self.0.lock().has_state(run, &caller)?;
        Ok(Response::new(AttestationStateServiceInitializedResponse {
            result: Some(initialized::Result { initialized }),
        }))
    }

    async fn save(
        &self,
        request: Request<AttestationStateServiceSaveRequest>,
    ) -> Result<Response<AttestationStateServiceSaveResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let run = run_id(&asked.workflow_run_id)?;
        let (bytes, base) = (asked.attestation_state, &asked.base_digest);
        let digest = self.0.lock().save_state(run, bytes, base, &caller)?;
        Ok(Response::new(AttestationStateServiceSaveResponse {
            digest,
        }))
    }

    async fn read(
        &self,
        request: Request<AttestationStateServiceReadRequest>,
    ) -> Result<Response<AttestationStateServiceReadResponse>, Status> {
        let caller = Caller::of(&request)?;
        let run = run_id(&request.get_ref().workflow_run_id)?;
        let kept = self.0.lock().read_state(run, &caller)?;
        Ok(Response::new(AttestationStateServiceReadResponse {
            result: Some(read::Result {
                attestation_state: kept.bytes,
                digest: kept.digest,
            }),
        }))
    }

    async fn reset(
        &self,
        request: Request<AttestationStateServiceResetRequest>,
    ) -> Result<Response<AttestationStateServiceResetResponse>, Status> {
        let caller = Caller::of(&request)?;
        let run = run_id(&request.get_ref().workflow_run_id)?;
        self.0.lock().reset_state(run, &caller)?;
        Ok(Response::new(AttestationStateServiceResetResponse {}))
    }
}
