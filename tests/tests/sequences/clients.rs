//! The stock client's commands as it makes them of calls, with the generated clients over gRPC-Web, or over native
//! gRPC as it has them.

use postern_origin::client::{Channel, Connection, Wire};
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::attestation_state_service_client::AttestationStateServiceClient;
use postern_origin::proto::context_service_client::ContextServiceClient;
use postern_origin::proto::signing_service_client::SigningServiceClient;
use postern_origin::proto::status_service_client::StatusServiceClient;
use postern_origin::proto::workflow_run_service_client::WorkflowRunServiceClient;
use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::proto::workflow_run_service_view_response as view;
use postern_origin::proto::workflow_service_client::WorkflowServiceClient;
use postern_origin::proto::{
    AttestationServiceGetContractRequest, AttestationServiceGetPolicyGroupRequest,
    AttestationServiceGetPolicyRequest, AttestationServiceGetUploadCredsRequest,
    AttestationStateServiceInitializedRequest, AttestationStateServiceReadRequest,
    AttestationStateServiceResetRequest, AttestationStateServiceSaveRequest,
    ContextServiceCurrentRequest, CraftedAttestation, CraftingState, GenerateSigningCertRequest,
    GetTrustedRootRequest, InfozRequest, StatuszRequest, WorkflowItem, WorkflowMetadata,
    WorkflowRunServiceViewRequest, WorkflowServiceViewRequest,
};
use postern_origin::{attestation, sha256_hex};
use postern_system_tests::rpc;
use prost::Message as _;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Bytes, StdError};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{self, Uri};
use tonic::{Request, Status};

/// What generated clients call through.
pub trait Calls:
    GrpcService<
        Body,
        Error: Into<StdError> + Send,
        Future: Send,
        ResponseBody: http_body::Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
    > + Clone
    + Send
{
}

impl<C> Calls for C where
    C: GrpcService<
            Body,
            Error: Into<StdError> + Send,
            Future: Send,
            ResponseBody: http_body::Body<Data = Bytes, Error: Into<StdError> + Send>
                              + Send
                              + 'static,
        > + Clone
        + Send
{
}

/// Native gRPC, with the token added to each call.
pub type Native = InterceptedService<transport::Channel, Signed>;

/// Adds the token.
#[derive(Clone)]
pub struct Signed(MetadataValue<Ascii>);

impl Interceptor for Signed {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// The clients of one credential.
pub struct Clients<C = Channel> {
    attestations: AttestationServiceClient<C>,
    states: AttestationStateServiceClient<C>,
    signing: SigningServiceClient<C>,
    context: ContextServiceClient<C>,
    status: StatusServiceClient<C>,
    workflows: WorkflowServiceClient<C>,
    runs: WorkflowRunServiceClient<C>,
}

impl Clients {
    /// Over gRPC-Web.
    pub fn new(url: &str, token: &str, wire: Wire) -> Self {
        let connection = Connection::new(url, Some(token), wire).expect("a client");
        Self::with(|| connection.client(|channel, url| (channel, url)))
    }
}

impl Clients<Native> {
    /// Over native gRPC.
    pub async fn native(url: &str, token: &str) -> Self {
        let url: Uri = url.parse().expect("a URL");
        let channel = transport::Channel::builder(url.clone()).connect().await;
        let channel = channel.expect("a connection");
        let value = format!("Bearer {token}").parse().expect("a header value");
        let signed = InterceptedService::new(channel, Signed(value));
        Self::with(|| (signed.clone(), url.clone()))
    }
}

impl<C: Calls> Clients<C> {
    fn with(connection: impl Fn() -> (C, Uri)) -> Self {
        fn of<C, T>(connection: (C, Uri), with_origin: impl FnOnce(C, Uri) -> T) -> T {
            with_origin(connection.0, connection.1)
        }
        Self {
            attestations: of(connection(), AttestationServiceClient::with_origin),
            states: of(connection(), AttestationStateServiceClient::with_origin),
            signing: of(connection(), SigningServiceClient::with_origin),
            context: of(connection(), ContextServiceClient::with_origin),
            status: of(connection(), StatusServiceClient::with_origin),
            workflows: of(connection(), WorkflowServiceClient::with_origin),
            runs: of(connection(), WorkflowRunServiceClient::with_origin),
        }
    }

    /// `init`; gives the run.
    pub async fn init(&mut self, project: &str, workflow: &str) -> String {
        let context = self.context.current(ContextServiceCurrentRequest {}).await;
        let context = context
            .expect("Current")
            .into_inner()
            .result
            .expect("a result");
        assert_eq!(
            context.current_user.expect("a user").email,
            "API-token@chainloop"
        );
        let found = self
            .attestations
            .find_or_create_workflow(rpc::find_or_create(project, workflow));
        let found = found
            .await
            .expect("FindOrCreateWorkflow")
            .into_inner()
            .result
            .expect("a workflow");
        assert_eq!((&*found.project, &*found.name), (project, workflow));
        let contract = self
            .attestations
            .get_contract(AttestationServiceGetContractRequest {
                contract_revision: 0,
                workflow_name: workflow.into(),
                project_name: project.into(),
            });
        let contract = contract
            .await
            .expect("GetContract")
            .into_inner()
            .result
            .expect("a result");
        assert_eq!(contract.workflow.expect("a workflow").id, found.id);
        let group = self
            .attestations
            .get_policy_group(AttestationServiceGetPolicyGroupRequest {
                group_name: "slsa".into(),
                ..Default::default()
            });
        assert!(
            group
                .await
                .expect("GetPolicyGroup")
                .into_inner()
                .group
                .is_some()
        );
        let policy = self
            .attestations
            .get_policy(AttestationServiceGetPolicyRequest {
                policy_name: "signed".into(),
                ..Default::default()
            });
        assert!(
            policy
                .await
                .expect("GetPolicy")
                .into_inner()
                .policy
                .is_some()
        );
        let begun = self.attestations.init(rpc::init(project, workflow));
        let begun = begun
            .await
            .expect("Init")
            .into_inner()
            .result
            .expect("a result");
        let run = begun.workflow_run.expect("a run").id;
        self.upload_creds(&run).await;
        run
    }

    async fn upload_creds(&mut self, run: &str) {
        let creds = self
            .attestations
            .get_upload_creds(AttestationServiceGetUploadCredsRequest {
                workflow_run_id: run.into(),
            });
        let creds = creds
            .await
            .expect("GetUploadCreds")
            .into_inner()
            .result
            .expect("a result");
        assert!(
            creds.token.starts_with("sample-uploader-"),
            "{}",
            creds.token
        );
    }

    /// `add`, onto the state with this digest, or onto none; gives the digest of the new one.
    pub async fn add(&mut self, run: &str, base: &str) -> String {
        if !base.is_empty() {
            self.status(run).await;
        }
        self.upload_creds(run).await;
        self.save(run, base).await.expect("Save")
    }

    /// The call Save alone.
    pub async fn save(&mut self, run: &str, base: &str) -> Result<String, Status> {
        let saved = self.states.save(AttestationStateServiceSaveRequest {
            workflow_run_id: run.into(),
            attestation_state: state(run),
            base_digest: base.into(),
        });
        Ok(saved.await?.into_inner().digest)
    }

    /// `status`.
    pub async fn status(&mut self, run: &str) {
        let there = self
            .states
            .initialized(AttestationStateServiceInitializedRequest {
                workflow_run_id: run.into(),
            });
        let there = there
            .await
            .expect("Initialized")
            .into_inner()
            .result
            .expect("a result");
        assert!(there.initialized);
        let read = self.states.read(AttestationStateServiceReadRequest {
            workflow_run_id: run.into(),
        });
        let read = read
            .await
            .expect("Read")
            .into_inner()
            .result
            .expect("a result");
        assert_eq!(read.attestation_state, state(run));
    }

    /// `push`; gives the digest.
    pub async fn push(&mut self, run: &str) -> String {
        let chain = self
            .signing
            .generate_signing_cert(GenerateSigningCertRequest {
                certificate_signing_request: b"a request".into(),
            });
        assert!(
            chain
                .await
                .expect("GenerateSigningCert")
                .into_inner()
                .chain
                .is_some()
        );
        let bundle = attestation::attest("file", run.as_bytes())
            .expect("entropy")
            .bundle;
        let stored = self
            .attestations
            .store(rpc::store(run, &bundle))
            .await
            .expect("Store");
        let stored = stored.into_inner().result.expect("a result").digest;
        assert_eq!(stored, format!("sha256:{}", sha256_hex(&bundle)));
        self.forget(run).await;
        stored
    }

    /// `reset`.
    pub async fn reset(&mut self, run: &str) {
        self.attestations
            .cancel(rpc::cancel(run))
            .await
            .expect("Cancel");
        self.forget(run).await;
    }

    async fn forget(&mut self, run: &str) {
        let reset = self.states.reset(AttestationStateServiceResetRequest {
            workflow_run_id: run.into(),
        });
        reset.await.expect("Reset");
    }

    /// `verify`, and what the client asks to see whether the server is there.
    pub async fn verify(&mut self) {
        let root = self.signing.get_trusted_root(GetTrustedRootRequest {});
        assert!(
            !root
                .await
                .expect("GetTrustedRoot")
                .into_inner()
                .keys
                .is_empty()
        );
        let info = self
            .status
            .infoz(InfozRequest {})
            .await
            .expect("Infoz")
            .into_inner();
        assert!(info.version.starts_with("postern-origin-"));
        self.status
            .statusz(StatuszRequest { readiness: true })
            .await
            .expect("Statusz");
    }

    pub async fn view_run(&mut self, reference: Ref) -> Result<view::Result, Status> {
        let seen = self.runs.view(WorkflowRunServiceViewRequest {
            r#ref: Some(reference),
            verify: false,
        });
        Ok(seen.await?.into_inner().result.expect("a result"))
    }

    pub async fn view_workflow(
        &mut self,
        project: &str,
        workflow: &str,
    ) -> Result<WorkflowItem, Status> {
        let seen = self.workflows.view(WorkflowServiceViewRequest {
            name: workflow.into(),
            project_name: project.into(),
        });
        Ok(seen.await?.into_inner().result.expect("a workflow"))
    }
}

/// What a client keeps of an attestation. That it claims another workflow changes nothing.
fn state(run: &str) -> Vec<u8> {
    let state = CraftingState {
        attestation: Some(CraftedAttestation {
            workflow: Some(WorkflowMetadata {
                name: "claimed".into(),
                project: "claimed".into(),
                workflow_run_id: run.into(),
                ..Default::default()
            }),
        }),
        ..Default::default()
    };
    state.encode_to_vec()
}
