//! The calls of the stock client in its own order (init, add, push, verify),
//! each over native gRPC and over gRPC-Web in both forms.

use axum::body::Bytes;
use axum::http::Uri;
use postern_origin::client::{Connection, Wire};
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::attestation_state_service_client::AttestationStateServiceClient;
use postern_origin::proto::cas_credentials_service_client::CasCredentialsServiceClient;
use postern_origin::proto::cas_credentials_service_get_request::Role;
use postern_origin::proto::context_service_client::ContextServiceClient;
use postern_origin::proto::referrer_service_client::ReferrerServiceClient;
use postern_origin::proto::signing_service_client::SigningServiceClient;
use postern_origin::proto::status_service_client::StatusServiceClient;
use postern_origin::proto::workflow_run_service_client::WorkflowRunServiceClient;
use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::proto::{
    AttestationServiceGetContractRequest, AttestationServiceGetPolicyGroupRequest,
    AttestationServiceGetPolicyRequest, AttestationServiceGetUploadCredsRequest,
    AttestationServiceInitRequest, AttestationStateServiceInitializedRequest,
    AttestationStateServiceReadRequest, AttestationStateServiceResetRequest,
    AttestationStateServiceSaveRequest, CasCredentialsServiceGetRequest,
    ContextServiceCurrentRequest, GenerateSigningCertRequest, GetTrustedRootRequest, InfozRequest,
    ReferrerServiceDiscoverPrivateRequest, RunStatus, StatuszRequest,
    WorkflowRunServiceViewRequest,
};
use postern_origin::{attestation, sha256_hex};
use tonic::body::Body as GrpcBody;
use tonic::client::GrpcService;
use tonic::codegen::{Body, StdError};

use crate::support::{Origin, TOKEN, bundle, new_run, signed, workflow};

const FILE: &[u8] = b"\0asm";

async fn everything<T>(channel: T, base: Uri)
where
    T: GrpcService<GrpcBody> + Clone + Send,
    T::Error: Into<StdError>,
    T::ResponseBody: Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as Body>::Error: Into<StdError> + Send,
    T::Future: Send,
{
    let id = init(channel.clone(), base.clone()).await;
    states(channel.clone(), base.clone(), &id).await;
    let digest = push(channel.clone(), base.clone(), &id).await;
    look(channel, base, &id, &digest).await;
}

async fn init<T>(channel: T, base: Uri) -> String
where
    T: GrpcService<GrpcBody> + Clone,
    T::Error: Into<StdError>,
    T::ResponseBody: Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as Body>::Error: Into<StdError> + Send,
{
    let mut context = ContextServiceClient::with_origin(channel.clone(), base.clone());
    let current = context.current(signed(ContextServiceCurrentRequest {}));
    let current = current.await.unwrap().into_inner().result.unwrap();
    assert_eq!(current.current_user.unwrap().email, "API-token@chainloop");
    assert_eq!(current.current_membership, None);
    assert_eq!(current.current_cas_backend.unwrap().name, "sample");

    let mut client = AttestationServiceClient::with_origin(channel, base);
    let found = client.find_or_create_workflow(signed(workflow("demo", "release")));
    let found = found.await.unwrap().into_inner().result.unwrap();
    let contract = client.get_contract(signed(AttestationServiceGetContractRequest {
        project_name: "demo".into(),
        workflow_name: "release".into(),
        ..Default::default()
    }));
    let contract = contract.await.unwrap().into_inner().result.unwrap();
    assert_eq!(contract.workflow.unwrap().id, found.id);
    let contract = contract.contract.unwrap();
    assert_eq!(
        (contract.revision, &*contract.contract_name),
        (1, "release")
    );
    assert!(
        contract
            .raw_contract
            .unwrap()
            .body
            .starts_with(b"schemaVersion")
    );

    let group = client.get_policy_group(signed(AttestationServiceGetPolicyGroupRequest {
        group_name: "slsa".into(),
        ..Default::default()
    }));
    let group = group.await.unwrap().into_inner();
    assert_eq!(group.group.unwrap().metadata.unwrap().name, "slsa");
    assert!(group.reference.unwrap().digest.starts_with("sha256:"));
    let policy = client.get_policy(signed(AttestationServiceGetPolicyRequest {
        policy_name: "signed".into(),
        ..Default::default()
    }));
    let policy = policy.await.unwrap().into_inner();
    assert_eq!(policy.policy.unwrap().kind, "Policy");

    let begun = client.init(signed(AttestationServiceInitRequest {
        project_version: "v1".into(),
        ..new_run("demo", "release")
    }));
    let begun = begun.await.unwrap().into_inner().result.unwrap();
    assert_eq!(begun.organization, "sample");
    assert!(begun.signing_options.is_some());
    let run = begun.workflow_run.unwrap();
    assert_eq!(run.version.unwrap().version, "v1");
    assert_eq!(run.workflow.unwrap().id, found.id);

    let creds = client.get_upload_creds(signed(AttestationServiceGetUploadCredsRequest {
        workflow_run_id: run.id.clone(),
    }));
    let creds = creds.await.unwrap().into_inner().result.unwrap();
    assert!(creds.token.starts_with("sample-uploader-"));
    assert_eq!(creds.backend.unwrap().provider, "SAMPLE");
    run.id
}

async fn states<T>(channel: T, base: Uri, run: &str)
where
    T: GrpcService<GrpcBody>,
    T::Error: Into<StdError>,
    T::ResponseBody: Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as Body>::Error: Into<StdError> + Send,
{
    let mut client = AttestationStateServiceClient::with_origin(channel, base);
    let saved = client.save(signed(AttestationStateServiceSaveRequest {
        workflow_run_id: run.into(),
        attestation_state: b"\x18\x01\xfa\x7f\x03own".into(),
        ..Default::default()
    }));
    let saved = saved.await.unwrap().into_inner().digest;
    let there = client.initialized(signed(AttestationStateServiceInitializedRequest {
        workflow_run_id: run.into(),
    }));
    assert!(
        there
            .await
            .unwrap()
            .into_inner()
            .result
            .unwrap()
            .initialized
    );
    let read = client.read(signed(AttestationStateServiceReadRequest {
        workflow_run_id: run.into(),
    }));
    let read = read.await.unwrap().into_inner().result.unwrap();
    assert_eq!(
        read.attestation_state, b"\x18\x01\xfa\x7f\x03own",
        "with fields of others"
    );
    assert_eq!(read.digest, saved);
    let reset = client.reset(signed(AttestationStateServiceResetRequest {
        workflow_run_id: run.into(),
    }));
    reset.await.unwrap();
}

async fn push<T>(channel: T, base: Uri, run: &str) -> String
where
    T: GrpcService<GrpcBody> + Clone,
    T::Error: Into<StdError>,
    T::ResponseBody: Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as Body>::Error: Into<StdError> + Send,
{
    let mut signing = SigningServiceClient::with_origin(channel.clone(), base.clone());
    let chain = signing.generate_signing_cert(signed(GenerateSigningCertRequest {
        certificate_signing_request: b"a request".into(),
    }));
    let chain = chain.await.unwrap().into_inner().chain.unwrap();
    assert_eq!(chain.certificates.len(), 2);
    let root = signing.get_trusted_root(GetTrustedRootRequest {});
    let root = root.await.unwrap().into_inner();
    assert_eq!(root.keys["sample"].certificates, chain.certificates[1..]);

    let made = attestation::attest("postern.wasm", FILE).unwrap().bundle;
    let mut client = AttestationServiceClient::with_origin(channel, base);
    let stored = client.store(signed(bundle(run, &made)));
    stored.await.unwrap().into_inner().result.unwrap().digest
}

async fn look<T>(channel: T, base: Uri, run: &str, digest: &str)
where
    T: GrpcService<GrpcBody> + Clone,
    T::Error: Into<StdError>,
    T::ResponseBody: Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as Body>::Error: Into<StdError> + Send,
{
    let mut runs = WorkflowRunServiceClient::with_origin(channel.clone(), base.clone());
    for reference in [Ref::Id(run.into()), Ref::Digest(digest.into())] {
        let seen = runs.view(signed(WorkflowRunServiceViewRequest {
            r#ref: Some(reference),
            verify: false,
        }));
        let seen = seen.await.unwrap().into_inner().result.unwrap();
        assert_eq!(seen.org_name, "sample");
        assert_eq!(seen.attestation.unwrap().digest_in_cas_backend, digest);
        assert_eq!(seen.verification, None);
        let seen = seen.workflow_run.unwrap();
        assert_eq!((&*seen.id, seen.status()), (run, RunStatus::Succeeded));
    }

    let artifact = format!("sha256:{}", sha256_hex(FILE));
    let mut referrers = ReferrerServiceClient::with_origin(channel.clone(), base.clone());
    let item = referrers.discover_private(signed(ReferrerServiceDiscoverPrivateRequest {
        digest: artifact.clone(),
        ..Default::default()
    }));
    let item = item.await.unwrap().into_inner().result.unwrap();
    assert_eq!(
        (&*item.kind, &*item.references[0].digest),
        ("ARTIFACT", digest)
    );

    let mut creds = CasCredentialsServiceClient::with_origin(channel.clone(), base.clone());
    for (role, word) in [
        (Role::Downloader, "downloader"),
        (Role::Uploader, "uploader"),
    ] {
        let got = creds.get(signed(CasCredentialsServiceGetRequest {
            role: role.into(),
            digest: artifact.clone(),
            ..Default::default()
        }));
        let got = got.await.unwrap().into_inner().result.unwrap();
        assert!(
            got.token.starts_with(&format!("sample-{word}-")),
            "{}",
            got.token
        );
    }

    let mut status = StatusServiceClient::with_origin(channel, base);
    let info = status.infoz(InfozRequest {}).await.unwrap().into_inner();
    assert!(info.version.starts_with("postern-origin-"));
    status
        .statusz(StatuszRequest { readiness: true })
        .await
        .unwrap();
}

#[tokio::test]
async fn grpc() {
    let origin = Origin::start().await;
    let base: Uri = origin.url.parse().unwrap();
    everything(origin.native().await, base).await;
    assert!(
        origin
            .calls()
            .await
            .iter()
            .all(|call| call["protocol"] == "grpc")
    );
    origin.stop().await;
}

#[tokio::test]
async fn grpc_web() {
    for (wire, protocol) in [(Wire::Binary, "grpc-web"), (Wire::Text, "grpc-web-text")] {
        let origin = Origin::start().await;
        let connection = Connection::new(&origin.url, Some(TOKEN), wire).unwrap();
        let (channel, base) = connection.client(|channel, base| (channel, base));
        everything(channel, base).await;
        assert!(
            origin
                .calls()
                .await
                .iter()
                .all(|call| call["protocol"] == protocol)
        );
        origin.stop().await;
    }
}

#[tokio::test]
async fn some_calls_need_no_credential() {
    let origin = Origin::start().await;
    let anonymous = Connection::new(&origin.url, None, Wire::Binary).unwrap();
    let mut signing = anonymous.client(SigningServiceClient::with_origin);
    signing
        .get_trusted_root(GetTrustedRootRequest {})
        .await
        .unwrap();
    let refused = signing.generate_signing_cert(GenerateSigningCertRequest::default());
    let refused = refused.await;
    crate::support::refused(
        refused,
        tonic::Code::Unauthenticated,
        "JWT token is missing",
        "UNAUTHORIZED",
    );
    let mut status = anonymous.client(StatusServiceClient::with_origin);
    status.infoz(InfozRequest {}).await.unwrap();
    status.statusz(StatuszRequest::default()).await.unwrap();
    for call in origin.calls().await {
        assert!(
            call["headers"].get("authorization_sha256").is_none(),
            "{call}"
        );
    }
    origin.stop().await;
}
