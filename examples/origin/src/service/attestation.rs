//! AttestationService: the calls of a CI job that attests something. Ignores
//! project versions beyond their names, and asks no policy provider.

use std::time::SystemTime;

use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Service, items, run_id};
use crate::bundle::Bundle;
use crate::caller::Caller;
use crate::digest::sha256_hex;
use crate::proto::attestation_service_server::AttestationService;
use crate::proto::{
    AttestationServiceCancelRequest, AttestationServiceCancelResponse,
    AttestationServiceGetContractRequest, AttestationServiceGetContractResponse,
    AttestationServiceGetPolicyGroupRequest, AttestationServiceGetPolicyGroupResponse,
    AttestationServiceGetPolicyRequest, AttestationServiceGetPolicyResponse,
    AttestationServiceGetUploadCredsRequest, AttestationServiceGetUploadCredsResponse,
    AttestationServiceInitRequest, AttestationServiceInitResponse, AttestationServiceStoreRequest,
    AttestationServiceStoreResponse, FindOrCreateWorkflowRequest, FindOrCreateWorkflowResponse,
    Policy, PolicyGroup, PolicyMetadata, RemotePolicyReference,
    attestation_service_get_contract_response as get_contract,
    attestation_service_get_upload_creds_response as get_upload_creds,
    attestation_service_init_response as init, attestation_service_store_response as store,
};
use crate::state::{NewRun, NewWorkflow, Refusal, require};

const POLICY_VERSION: &str = "workflowcontract.chainloop.dev/v1";

#[tonic::async_trait]
impl AttestationService for Service {
    async fn find_or_create_workflow(
        &self,
        request: Request<FindOrCreateWorkflowRequest>,
    ) -> Result<Response<FindOrCreateWorkflowResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        let new = NewWorkflow {
            project: &asked.project_name,
            name: &asked.workflow_name,
            contract_name: &asked.contract_name,
            contract: &asked.contract_bytes,
            ..NewWorkflow::default()
        };
        let workflow = self.0.lock().find_or_create(&new, SystemTime::now())?;
        Ok(Response::new(FindOrCreateWorkflowResponse {
            result: Some(items::workflow(&workflow)),
        }))
    }

    async fn get_contract(
        &self,
        request: Request<AttestationServiceGetContractRequest>,
    ) -> Result<Response<AttestationServiceGetContractResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        require("workflow_name", &asked.workflow_name)?;
        require("project_name", &asked.project_name)?;
        let mut state = self.0.lock();
        let workflow = state.workflow(&asked.project_name, &asked.workflow_name)?;
        let (revision, contract) = workflow.contract_at(asked.contract_revision)?;
        Ok(Response::new(AttestationServiceGetContractResponse {
            result: Some(get_contract::Result {
                workflow: Some(items::workflow(workflow)),
                contract: Some(items::contract(workflow, revision, contract)),
            }),
        }))
    }

    async fn init(
        &self,
        request: Request<AttestationServiceInitRequest>,
    ) -> Result<Response<AttestationServiceInitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let new = NewRun {
            id: Uuid::new_v4(),
            runner: asked.runner(),
            job_url: asked.job_url,
            version: asked.project_version,
            contract_revision: asked.contract_revision,
        };
        let run = self.0.lock().init(
            &asked.project_name,
            &asked.workflow_name,
            new,
            &caller,
            SystemTime::now(),
        )?;
        let result = init::Result {
            workflow_run: Some(items::run(&run)),
            organization: run.organization.name,
            signing_options: Some(init::SigningOptions::default()),
            ..init::Result::default()
        };
        Ok(Response::new(AttestationServiceInitResponse {
            result: Some(result),
        }))
    }

    async fn store(
        &self,
        request: Request<AttestationServiceStoreRequest>,
    ) -> Result<Response<AttestationServiceStoreResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let run = run_id(&asked.workflow_run_id)?;
        let mut state = self.0.lock();
        // The run comes first: what is wrong with a bundle for nobody's run
        // does not matter.
        state.open(run, &caller)?;
        let bundle = Bundle::parse(asked.attestation_bundle)?;
        let digest = bundle.digest();
        state.store(run, bundle, &caller, SystemTime::now())?;
        Ok(Response::new(AttestationServiceStoreResponse {
            result: Some(store::Result { digest }),
        }))
    }

    async fn get_upload_creds(
        &self,
        request: Request<AttestationServiceGetUploadCredsRequest>,
    ) -> Result<Response<AttestationServiceGetUploadCredsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let run = run_id(&request.get_ref().workflow_run_id)?;
        let state = self.0.lock();
        state.run_of(run, &caller).ok_or(Refusal::UnknownRunAlone)?;
        Ok(Response::new(AttestationServiceGetUploadCredsResponse {
            result: Some(get_upload_creds::Result {
                token: items::store_credential("uploader"),
                backend: Some(items::store()),
            }),
        }))
    }

    async fn cancel(
        &self,
        request: Request<AttestationServiceCancelRequest>,
    ) -> Result<Response<AttestationServiceCancelResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let run = run_id(&asked.workflow_run_id)?;
        self.0.lock().cancel(
            run,
            asked.trigger(),
            &asked.reason,
            &caller,
            SystemTime::now(),
        )?;
        Ok(Response::new(AttestationServiceCancelResponse {}))
    }

    async fn get_policy(
        &self,
        request: Request<AttestationServiceGetPolicyRequest>,
    ) -> Result<Response<AttestationServiceGetPolicyResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        require("policy_name", &asked.policy_name)?;
        Ok(Response::new(AttestationServiceGetPolicyResponse {
            reference: Some(reference(&asked.policy_name)),
            policy: Some(Policy {
                api_version: POLICY_VERSION.to_owned(),
                kind: "Policy".to_owned(),
                metadata: Some(PolicyMetadata {
                    name: asked.policy_name,
                }),
            }),
        }))
    }

    async fn get_policy_group(
        &self,
        request: Request<AttestationServiceGetPolicyGroupRequest>,
    ) -> Result<Response<AttestationServiceGetPolicyGroupResponse>, Status> {
        Caller::of(&request)?;
        let asked = request.into_inner();
        require("group_name", &asked.group_name)?;
        Ok(Response::new(AttestationServiceGetPolicyGroupResponse {
            reference: Some(reference(&asked.group_name)),
            group: Some(PolicyGroup {
                api_version: POLICY_VERSION.to_owned(),
                kind: "PolicyGroup".to_owned(),
                metadata: Some(PolicyMetadata {
                    name: asked.group_name,
                }),
            }),
        }))
    }
}

/// Where a policy of that name is said to come from: the sample knows them all,
/// and they ask for nothing.
fn reference(name: &str) -> RemotePolicyReference {
    RemotePolicyReference {
        url: format!("chainloop://sample/{name}"),
        digest: format!("sha256:{}", sha256_hex(name.as_bytes())),
    }
}
