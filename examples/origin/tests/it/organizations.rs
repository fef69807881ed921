//! Runs belong to organizations, which the origin reads from JWTs without
//! verifying them.

use postern_origin::attestation;
use postern_origin::proto::attestation_service_cancel_request::TriggerType;
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::attestation_state_service_client::AttestationStateServiceClient;
use postern_origin::proto::context_service_client::ContextServiceClient;
use postern_origin::proto::workflow_run_service_client::WorkflowRunServiceClient;
use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::proto::{
    AttestationServiceCancelRequest, AttestationServiceGetUploadCredsRequest,
    AttestationStateServiceReadRequest, ContextServiceCurrentRequest,
    WorkflowRunServiceListRequest, WorkflowRunServiceViewRequest, WorkflowRunServiceViewResponse,
};
use tonic::{Code, Response, Status};

use crate::support::{Origin, TOKEN, begin, bundle, member, refused};

async fn view(
    origin: &Origin,
    token: &str,
    reference: Ref,
) -> Result<Response<WorkflowRunServiceViewResponse>, Status> {
    let connection = origin.connection(token);
    let mut runs = connection.client(WorkflowRunServiceClient::with_origin);
    let request = WorkflowRunServiceViewRequest {
        r#ref: Some(reference),
        verify: false,
    };
    runs.view(request).await
}

#[tokio::test]
async fn a_run_of_another_organization_is_unknown() {
    let origin = Origin::start().await;
    let (acme, rival) = (member("acme"), member("rival"));
    let mut client = origin
        .connection(&acme)
        .client(AttestationServiceClient::with_origin);
    let run = begin(&mut client).await;
    let made = attestation::attest("f", b"x").unwrap().bundle;
    let connection = origin.connection(&rival);
    let mut stranger = connection.client(AttestationServiceClient::with_origin);

    let (code, why) = (Code::NotFound, "not found");
    let unknown = "error retrieving the workflow run: finding workflow run: workflow run not found";
    refused(
        stranger.store(bundle(&run, &made)).await,
        code,
        unknown,
        why,
    );
    let cancel = AttestationServiceCancelRequest {
        workflow_run_id: run.clone(),
        trigger: TriggerType::Failure.into(),
        reason: String::new(),
    };
    refused(stranger.cancel(cancel).await, code, unknown, why);
    let mut states = connection.client(AttestationStateServiceClient::with_origin);
    let read = AttestationStateServiceReadRequest {
        workflow_run_id: run.clone(),
    };
    refused(states.read(read).await, code, unknown, why);
    let alone = "finding workflow run: workflow run not found";
    let creds = AttestationServiceGetUploadCredsRequest {
        workflow_run_id: run.clone(),
    };
    refused(stranger.get_upload_creds(creds).await, code, alone, why);
    refused(
        view(&origin, &rival, Ref::Id(run.clone())).await,
        code,
        alone,
        why,
    );

    // Nothing of that changed it.
    let stored = client.store(bundle(&run, &made)).await.unwrap();
    let digest = stored.into_inner().result.unwrap().digest;
    let seen = view(&origin, &acme, Ref::Digest(digest.clone()))
        .await
        .unwrap();
    assert_eq!(seen.into_inner().result.unwrap().org_name, "acme");
    refused(
        view(&origin, &rival, Ref::Digest(digest.clone())).await,
        code,
        "workflow run not found",
        why,
    );
    let mut runs = connection.client(WorkflowRunServiceClient::with_origin);
    let listed = runs
        .list(WorkflowRunServiceListRequest::default())
        .await
        .unwrap();
    assert!(listed.into_inner().result.is_empty());
    assert_eq!(origin.runs().await[0]["organization"], "acme");
    origin.stop().await;
}

#[tokio::test]
async fn opaque_tokens_share_the_sample_organization() {
    let origin = Origin::start().await;
    let shared = begin(&mut origin.web()).await;
    let acme = member("acme");
    let mut client = origin
        .connection(&acme)
        .client(AttestationServiceClient::with_origin);
    let own = begin(&mut client).await;
    for (token, run, name) in [
        (TOKEN, &shared, "sample"),
        (TOKEN, &own, "acme"),
        (&acme, &shared, "sample"),
    ] {
        let seen = view(&origin, token, Ref::Id(run.clone())).await.unwrap();
        assert_eq!(seen.into_inner().result.unwrap().org_name, name);
    }
    origin.stop().await;
}

#[tokio::test]
async fn the_caller_is_the_token() {
    let origin = Origin::start().await;
    let current = async |token: &str| {
        let connection = origin.connection(token);
        let mut context = connection.client(ContextServiceClient::with_origin);
        let current = context
            .current(ContextServiceCurrentRequest {})
            .await
            .unwrap();
        current
            .into_inner()
            .result
            .unwrap()
            .current_user
            .unwrap()
            .id
    };
    assert_eq!(current(&member("acme")).await, "token-of-acme");
    assert_eq!(current(TOKEN).await, current(TOKEN).await);
    assert_ne!(current(TOKEN).await, current("another").await);
    origin.stop().await;
}
