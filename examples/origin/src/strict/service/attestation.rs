//! AttestationService: scope is checked here where the control plane checks it
//! (`internal/service/attestation.go`), and only there: GetUploadCreds asks for the project alone,
//! GetContract for the workflow alone.

use tonic::{Request, Response, Status};

use super::{StrictService, sample, subject};
use crate::bundle::Bundle;
use crate::proto::attestation_service_server::AttestationService;
use crate::proto::{
    AttestationServiceCancelRequest, AttestationServiceCancelResponse,
    AttestationServiceGetContractRequest, AttestationServiceGetContractResponse,
    AttestationServiceGetPolicyGroupRequest, AttestationServiceGetPolicyGroupResponse,
    AttestationServiceGetPolicyRequest, AttestationServiceGetPolicyResponse,
    AttestationServiceGetUploadCredsRequest, AttestationServiceGetUploadCredsResponse,
    AttestationServiceInitRequest, AttestationServiceInitResponse, AttestationServiceStoreRequest,
    AttestationServiceStoreResponse, FindOrCreateWorkflowRequest, FindOrCreateWorkflowResponse,
};
use crate::service::run_id;
use crate::state::{Refusal, Workflow, require};
use crate::strict::cas::Credential;
use crate::strict::denied::Denied;
use crate::strict::subject::Subject;

#[tonic::async_trait]
impl AttestationService for StrictService {
    async fn find_or_create_workflow(
        &self,
        request: Request<FindOrCreateWorkflowRequest>,
    ) -> Result<Response<FindOrCreateWorkflowResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        require("workflow_name", &asked.workflow_name)?;
        require("project_name", &asked.project_name)?;
        subject.is_named(&asked.workflow_name)?;
        match subject.enter(&asked.project_name) {
            Ok(_) => {}
            Err(Denied::NoProject(_)) => subject.may_make_projects()?,
            Err(denied) => return Err(denied.into()),
        }
        let mut request = request;
        let asked = request.get_mut();
        let (project, workflow) = (&asked.project_name, &asked.workflow_name);
        if !asked.contract_bytes.is_empty() {
            let mut state = subject.state.lock();
            if state.workflow(project, workflow).is_ok() {
                // Nobody asks whether the caller may change contracts, nor for the contract's name.
                state.update_contract(project, workflow, &asked.contract_bytes)?;
                asked.contract_name.clear();
            }
        }
        sample(&subject).find_or_create_workflow(request).await
    }

    async fn get_contract(
        &self,
        request: Request<AttestationServiceGetContractRequest>,
    ) -> Result<Response<AttestationServiceGetContractResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        named(&subject, &asked.project_name, &asked.workflow_name)?;
        sample(&subject).get_contract(request).await
    }

    async fn init(
        &self,
        request: Request<AttestationServiceInitRequest>,
    ) -> Result<Response<AttestationServiceInitResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        named(&subject, &asked.project_name, &asked.workflow_name)?;
        subject.enter(&asked.project_name)?;
        sample(&subject).init(request).await
    }

    async fn store(
        &self,
        request: Request<AttestationServiceStoreRequest>,
    ) -> Result<Response<AttestationServiceStoreResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        require("workflow_run_id", &asked.workflow_run_id)?;
        if asked.attestation_bundle.is_empty() {
            return Err(Denied::NoBundle.into());
        }
        let workflow = workflow_of(&subject, &asked.workflow_run_id, Refusal::UnknownRun)?;
        subject.is_for(&workflow)?;
        subject.may_enter(workflow.project_id)?;
        Bundle::parse_signed(asked.attestation_bundle.clone())?;
        sample(&subject).store(request).await
    }

    async fn get_upload_creds(
        &self,
        request: Request<AttestationServiceGetUploadCredsRequest>,
    ) -> Result<Response<AttestationServiceGetUploadCredsResponse>, Status> {
        let subject = subject(&request)?;
        let run = &request.get_ref().workflow_run_id;
        let workflow = workflow_of(&subject, run, Refusal::UnknownRunAlone)?;
        subject.may_enter(workflow.project_id)?;
        let answer = sample(&subject).get_upload_creds(request).await?;
        let mut answer = answer.into_inner();
        if let Some(result) = &mut answer.result {
            result.token = self.credential(&Credential::uploader(&subject.organization.id));
        }
        Ok(Response::new(answer))
    }

    async fn cancel(
        &self,
        request: Request<AttestationServiceCancelRequest>,
    ) -> Result<Response<AttestationServiceCancelResponse>, Status> {
        let subject = subject(&request)?;
        let workflow = workflow_of(
            &subject,
            &request.get_ref().workflow_run_id,
            Refusal::UnknownRun,
        )?;
        subject.is_for(&workflow)?;
        subject.may_enter(workflow.project_id)?;
        sample(&subject).cancel(request).await
    }

    async fn get_policy(
        &self,
        request: Request<AttestationServiceGetPolicyRequest>,
    ) -> Result<Response<AttestationServiceGetPolicyResponse>, Status> {
        let subject = subject(&request)?;
        sample(&subject).get_policy(request).await
    }

    async fn get_policy_group(
        &self,
        request: Request<AttestationServiceGetPolicyGroupRequest>,
    ) -> Result<Response<AttestationServiceGetPolicyGroupResponse>, Status> {
        let subject = subject(&request)?;
        sample(&subject).get_policy_group(request).await
    }
}

/// Fails for a workflow that is not there, then for one that the token is not for: who asks can
/// tell one from the other.
fn named(subject: &Subject, project: &str, workflow: &str) -> Result<(), Status> {
    require("workflow_name", workflow)?;
    require("project_name", project)?;
    let mut state = subject.state.lock();
    let found = state.workflow(project, workflow)?.clone();
    drop(state);
    Ok(subject.is_for(&found)?)
}

/// The workflow of a run of the caller's organization.
pub(super) fn workflow_of(
    subject: &Subject,
    run: &str,
    unknown: Refusal,
) -> Result<Workflow, Status> {
    let id = run_id(run)?;
    let state = subject.state.lock();
    let run = state.run(id).ok_or(unknown)?;
    Ok(run.workflow.clone())
}
