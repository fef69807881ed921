//! The four calls as tonic sees them: reads messages, asks `state`, and turns
//! each refusal into one gRPC status. Verifies no token: it wants to see one,
//! as the control plane would, and keeps its hash.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::bundle::{Bundle, BundleError};
use crate::digest::sha256_hex;
use crate::proto::attestation_service_server::AttestationService;
use crate::proto::{
    AttestationServiceCancelRequest, AttestationServiceCancelResponse,
    AttestationServiceInitRequest, AttestationServiceInitResponse, AttestationServiceStoreRequest,
    AttestationServiceStoreResponse, FindOrCreateWorkflowRequest, FindOrCreateWorkflowResponse,
    WorkflowItem, WorkflowRunItem, attestation_service_init_response as init,
    attestation_service_store_response as store,
};
use crate::state::{NewRun, Refusal, Run, State, Workflow};

/// The organization every caller belongs to: a sample reads no claims.
const ORGANIZATION: &str = "sample";

/// What the calls and the `/debug` routes share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    /// The state, for as long as the guard lives: never across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock leaves a half-made change behind, so a
        // panic elsewhere does not spoil the state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// AttestationService over the shared state.
#[derive(Debug)]
pub(crate) struct Attestations {
    state: Shared,
}

impl Attestations {
    pub(crate) fn new(state: Shared) -> Self {
        Self { state }
    }
}

#[tonic::async_trait]
impl AttestationService for Attestations {
    async fn find_or_create_workflow(
        &self,
        request: Request<FindOrCreateWorkflowRequest>,
    ) -> Result<Response<FindOrCreateWorkflowResponse>, Status> {
        credential(request.metadata())?;
        let asked = request.into_inner();
        let workflow = self.state.lock().find_or_create(
            &asked.project_name,
            &asked.workflow_name,
            &asked.contract_name,
            SystemTime::now(),
        )?;
        Ok(Response::new(FindOrCreateWorkflowResponse {
            result: Some(workflow_item(&workflow)),
        }))
    }

    async fn init(
        &self,
        request: Request<AttestationServiceInitRequest>,
    ) -> Result<Response<AttestationServiceInitResponse>, Status> {
        let authorization_sha256 = credential(request.metadata())?;
        let asked = request.into_inner();
        let new = NewRun {
            id: Uuid::new_v4(),
            runner: asked.runner(),
            job_url: asked.job_url,
            authorization_sha256,
        };
        let run = self.state.lock().init(
            &asked.project_name,
            &asked.workflow_name,
            new,
            SystemTime::now(),
        )?;
        let result = init::Result {
            workflow_run: Some(run_item(&run)),
            organization: ORGANIZATION.to_owned(),
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
        credential(request.metadata())?;
        let asked = request.into_inner();
        let run = run_id(&asked.workflow_run_id)?;
        let mut state = self.state.lock();
        // The run comes first: what is wrong with a bundle for nobody's run
        // does not matter.
        state.open(run)?;
        let bundle = Bundle::parse(asked.attestation_bundle)?;
        let digest = bundle.digest();
        state.store(run, bundle, SystemTime::now())?;
        Ok(Response::new(AttestationServiceStoreResponse {
            result: Some(store::Result { digest }),
        }))
    }

    async fn cancel(
        &self,
        request: Request<AttestationServiceCancelRequest>,
    ) -> Result<Response<AttestationServiceCancelResponse>, Status> {
        credential(request.metadata())?;
        let asked = request.into_inner();
        let run = run_id(&asked.workflow_run_id)?;
        self.state
            .lock()
            .cancel(run, asked.trigger(), &asked.reason, SystemTime::now())?;
        Ok(Response::new(AttestationServiceCancelResponse {}))
    }
}

/// Hash of the Authorization value. The first of several wins, as upstream.
fn credential(metadata: &MetadataMap) -> Result<String, Status> {
    let value = metadata.get("authorization").map(|value| value.as_bytes());
    let bearer = value
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|value| value.split_once(' '));
    match (value, bearer) {
        (Some(value), Some((scheme, token)))
            if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() =>
        {
            Ok(sha256_hex(value))
        }
        _ => Err(Status::unauthenticated("JWT token is missing")),
    }
}

/// Accepts what the control plane's parser accepts: upper case, no hyphens,
/// braces and `urn:uuid:` included. A gateway has to agree with that.
fn run_id(text: &str) -> Result<Uuid, Status> {
    if text.is_empty() {
        return Err(Refusal::BadName {
            field: "workflow_run_id",
            value: String::new(),
        }
        .into());
    }
    Uuid::parse_str(text).map_err(|e| Status::invalid_argument(format!("invalid UUID: {e}")))
}

fn workflow_item(workflow: &Workflow) -> WorkflowItem {
    WorkflowItem {
        id: workflow.id.to_string(),
        name: workflow.name.clone(),
        project: workflow.project.clone(),
        project_id: workflow.project_id.to_string(),
        created_at: Some(workflow.created_at.into()),
        runs_count: workflow.runs,
        contract_name: workflow.contract_name.clone(),
        contract_revision_latest: 1,
        ..WorkflowItem::default()
    }
}

fn run_item(run: &Run) -> WorkflowRunItem {
    WorkflowRunItem {
        id: run.id.to_string(),
        created_at: Some(run.created_at.into()),
        finished_at: run.finished_at.map(Into::into),
        reason: run.reason.clone(),
        workflow: Some(Box::new(workflow_item(&run.workflow))),
        job_url: run.job_url.clone(),
        runner_type: run.runner.into(),
        contract_revision_used: 1,
        contract_revision_latest: 1,
        status: run.status.into(),
        ..WorkflowRunItem::default()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName { field, value } if value.is_empty() => {
                write!(f, "validation error: {field}: value length must be at least 1 characters")
            }
            Self::BadName { field, value } => write!(
                f,
                "validation error: {field} `{value}`: a lowercase RFC 1123 label must consist of lower case \
                 alphanumeric characters or '-', and must start and end with an alphanumeric character, and be \
                 at most 63 characters long"
            ),
            Self::OtherContract => f.write_str(
                "you can't change to another contract during the attestation process, please update the workflow",
            ),
            Self::UnknownProject => f.write_str("failed to get workflow: project not found"),
            Self::UnknownWorkflow => f.write_str("failed to get workflow: workflow not found"),
            Self::UnknownRun => {
                f.write_str("error retrieving the workflow run: finding workflow run: workflow run not found")
            }
            Self::Ended(status) => write!(f, "workflow run has ended already: {}", status.as_str_name()),
            Self::NoTrigger => f.write_str("validation error: trigger: value must not be TRIGGER_TYPE_UNSPECIFIED"),
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::BadName { .. } | Refusal::OtherContract | Refusal::NoTrigger => {
                Code::InvalidArgument
            }
            Refusal::UnknownProject | Refusal::UnknownWorkflow | Refusal::UnknownRun => {
                Code::NotFound
            }
            Refusal::Ended(_) => Code::FailedPrecondition,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<BundleError> for Status {
    fn from(error: BundleError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}
