//! Calls byte by byte, for those that must be refused: every call that carries a run, and every one that carries the
//! names of a project and a workflow.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_origin::attestation;
use postern_origin::client::Wire;
use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::proto::{
    AttestationServiceGetContractRequest, AttestationServiceGetUploadCredsRequest,
    AttestationStateServiceInitializedRequest, AttestationStateServiceReadRequest,
    AttestationStateServiceResetRequest, AttestationStateServiceSaveRequest,
    WorkflowRunServiceViewRequest, WorkflowServiceCreateRequest, WorkflowServiceViewRequest,
};
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::rpc::{self, BINARY, CANCEL, FIND_OR_CREATE, INIT, STORE, TEXT};
use prost::Message as _;

/// The eight calls that carry a run.
pub fn on_a_run(run: &str) -> [(&'static str, Vec<u8>); 8] {
    let bundle = attestation::attest("file", b"content")
        .expect("entropy")
        .bundle;
    let workflow_run_id = run.to_owned();
    [
        (STORE, rpc::store(run, &bundle).encode_to_vec()),
        (CANCEL, rpc::cancel(run).encode_to_vec()),
        (
            "/controlplane.v1.AttestationService/GetUploadCreds",
            AttestationServiceGetUploadCredsRequest {
                workflow_run_id: workflow_run_id.clone(),
            }
            .encode_to_vec(),
        ),
        (
            "/controlplane.v1.AttestationStateService/Initialized",
            AttestationStateServiceInitializedRequest {
                workflow_run_id: workflow_run_id.clone(),
            }
            .encode_to_vec(),
        ),
        (
            "/controlplane.v1.AttestationStateService/Save",
            AttestationStateServiceSaveRequest {
                workflow_run_id: workflow_run_id.clone(),
                attestation_state: b"\x18\x01".to_vec(),
                base_digest: String::new(),
            }
            .encode_to_vec(),
        ),
        (
            "/controlplane.v1.AttestationStateService/Read",
            AttestationStateServiceReadRequest {
                workflow_run_id: workflow_run_id.clone(),
            }
            .encode_to_vec(),
        ),
        (
            "/controlplane.v1.AttestationStateService/Reset",
            AttestationStateServiceResetRequest { workflow_run_id }.encode_to_vec(),
        ),
        (
            "/controlplane.v1.WorkflowRunService/View",
            WorkflowRunServiceViewRequest {
                r#ref: Some(Ref::Id(run.to_owned())),
                verify: false,
            }
            .encode_to_vec(),
        ),
    ]
}

/// Calls that carry the names of a project and a workflow.
pub fn names(project: &str, workflow: &str) -> [(&'static str, Vec<u8>); 5] {
    let (project_name, name) = (project.to_owned(), workflow.to_owned());
    [
        (
            FIND_OR_CREATE,
            rpc::find_or_create(project, workflow).encode_to_vec(),
        ),
        (
            "/controlplane.v1.AttestationService/GetContract",
            AttestationServiceGetContractRequest {
                contract_revision: 0,
                workflow_name: name.clone(),
                project_name: project_name.clone(),
            }
            .encode_to_vec(),
        ),
        (INIT, rpc::init(project, workflow).encode_to_vec()),
        (
            "/controlplane.v1.WorkflowService/View",
            WorkflowServiceViewRequest {
                name: name.clone(),
                project_name: project_name.clone(),
            }
            .encode_to_vec(),
        ),
        (
            "/controlplane.v1.WorkflowService/Create",
            WorkflowServiceCreateRequest {
                name,
                project_name,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
    ]
}

/// A call through the gate.
pub async fn send(
    gateway: &Gateway,
    wire: Wire,
    path: &str,
    token: &str,
    message: &[u8],
) -> Answer {
    let frame = rpc::frame(0, message);
    let (media, body) = match wire {
        Wire::Binary => (BINARY, frame),
        Wire::Text => (TEXT, STANDARD.encode(frame).into_bytes()),
    };
    let call = gateway
        .call("POST", path)
        .header("content-type", media)
        .header("x-grpc-web", "1");
    call.bearer(token).from("10.9.8.7").body(body).send().await
}
