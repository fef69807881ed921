//! What the origin refuses, with which code and message, and that a refused
//! call changes nothing.

use postern_origin::attestation;
use postern_origin::proto::AttestationServiceCancelRequest;
use postern_origin::proto::attestation_service_cancel_request::TriggerType;
use tonic::{Code, Status};

use crate::support::{Origin, TOKEN, begin, bundle, new_run, signed, workflow};

const NOBODY: &str = "7b0f5a5e-2d57-4b43-8d5c-0d0d2f3f9a11";

#[track_caller]
fn check<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, message: &str) {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), code, "{status:?}");
    assert!(
        status.message().contains(message),
        "`{}` is not about `{message}`",
        status.message()
    );
}

fn cancel(run: &str, trigger: TriggerType) -> AttestationServiceCancelRequest {
    AttestationServiceCancelRequest {
        workflow_run_id: run.into(),
        trigger: trigger.into(),
        reason: String::new(),
    }
}

#[tokio::test]
async fn names() {
    let origin = Origin::start().await;
    let mut client = origin.web();
    let mut refuse = async |project: &str, name: &str, message: &str| {
        let answer = client
            .find_or_create_workflow(workflow(project, name))
            .await;
        check(answer, Code::InvalidArgument, message);
    };
    refuse("", "release", "project_name: value length").await;
    refuse("demo", "", "workflow_name: value length").await;
    refuse(
        "Demo",
        "release",
        "project_name `Demo`: a lowercase RFC 1123 label",
    )
    .await;
    refuse(
        "demo",
        "re_lease",
        "workflow_name `re_lease`: a lowercase RFC 1123 label",
    )
    .await;
    refuse("demo", &"a".repeat(64), "at most 63").await;
    origin.stop().await;
}

#[tokio::test]
async fn unknown_project_workflow_and_run() {
    let origin = Origin::start().await;
    let mut client = origin.web();
    let made = attestation::attest("f", b"x").unwrap().bundle;
    check(
        client.init(new_run("demo", "release")).await,
        Code::NotFound,
        "failed to get workflow: project not found",
    );
    client
        .find_or_create_workflow(workflow("demo", "release"))
        .await
        .unwrap();
    check(
        client.init(new_run("demo", "other")).await,
        Code::NotFound,
        "failed to get workflow: workflow not found",
    );
    check(
        client.init(new_run("", "release")).await,
        Code::InvalidArgument,
        "project_name",
    );
    check(
        client.store(bundle(NOBODY, &made)).await,
        Code::NotFound,
        "workflow run not found",
    );
    check(
        client.store(bundle(NOBODY, b"bad")).await,
        Code::NotFound,
        "workflow run not found",
    );
    check(
        client.store(bundle("", &made)).await,
        Code::InvalidArgument,
        "workflow_run_id",
    );
    check(
        client.store(bundle("42", &made)).await,
        Code::InvalidArgument,
        "invalid UUID",
    );
    check(
        client.cancel(cancel(NOBODY, TriggerType::Failure)).await,
        Code::NotFound,
        "workflow run not found",
    );
    assert!(origin.runs().await.is_empty());
    origin.stop().await;
}

#[tokio::test]
async fn bad_bundles() {
    let origin = Origin::start().await;
    let mut client = origin.web();
    let run = begin(&mut client).await;
    let refused: &[(&[u8], &str)] = &[
        (b"", "is empty"),
        (b"\0asm", "not a JSON object"),
        (b"{}", "neither `dsseEnvelope` nor `payload`"),
        (
            br#"{"payload":"e30=","payloadType":"t","signatures":{}}"#,
            "`signatures`",
        ),
        (
            br#"{"payload":"***","payloadType":"t","signatures":[{"sig":"AAAA"}]}"#,
            "`payload` is not base64",
        ),
    ];
    for (bytes, message) in refused {
        check(
            client.store(bundle(&run, bytes)).await,
            Code::InvalidArgument,
            message,
        );
    }
    assert_eq!(
        origin.runs().await[0]["status"],
        "INITIALIZED",
        "still open"
    );
    let envelope = br#"{"payload":"e30=","payloadType":"t","signatures":[{"sig":"AAAA"}]}"#;
    client.store(bundle(&run, envelope)).await.unwrap();
    origin.stop().await;
}

#[tokio::test]
async fn a_run_ends_once() {
    let origin = Origin::start().await;
    let mut client = origin.web();
    let made = attestation::attest("f", b"x").unwrap().bundle;
    let run = begin(&mut client).await;
    check(
        client.cancel(cancel(&run, TriggerType::Unspecified)).await,
        Code::InvalidArgument,
        "trigger",
    );
    client.store(bundle(&run, &made)).await.unwrap();
    check(
        client.store(bundle(&run, &made)).await,
        Code::FailedPrecondition,
        "RUN_STATUS_SUCCEEDED",
    );
    check(
        client.cancel(cancel(&run, TriggerType::Failure)).await,
        Code::FailedPrecondition,
        "RUN_STATUS_SUCCEEDED",
    );
    origin.stop().await;
}

#[tokio::test]
async fn some_bearer_token_is_needed() {
    let origin = Origin::start().await;
    let mut client = origin.grpc().await;
    for bad in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Basic dTpw"),
        Some(TOKEN),
    ] {
        let mut request = tonic::Request::new(workflow("demo", "release"));
        if let Some(bad) = bad {
            request
                .metadata_mut()
                .insert("authorization", bad.parse().unwrap());
        }
        check(
            client.find_or_create_workflow(request).await,
            Code::Unauthenticated,
            "JWT token is missing",
        );
    }
    // Before anything is read from the message, in every call.
    check(
        client.init(new_run("", "")).await,
        Code::Unauthenticated,
        "JWT token is missing",
    );
    check(
        client.store(bundle("", b"")).await,
        Code::Unauthenticated,
        "JWT token is missing",
    );
    check(
        client.cancel(cancel("", TriggerType::Unspecified)).await,
        Code::Unauthenticated,
        "JWT token is missing",
    );

    let mut request = signed(workflow("demo", "release"));
    request
        .metadata_mut()
        .insert("authorization", "bearer x".parse().unwrap());
    client
        .find_or_create_workflow(request)
        .await
        .expect("the scheme is case-insensitive");
    origin.stop().await;
}

#[tokio::test]
async fn a_message_over_10_mib_is_refused() {
    let origin = Origin::start().await;
    let mut client = origin.web();
    let run = begin(&mut client).await;
    let large = vec![b' '; 10 * 1024 * 1024];
    // The body is refused before it is taken for a message, so no gRPC status says so.
    check(
        client.store(bundle(&run, &large)).await,
        Code::Unknown,
        "HTTP 413 without a gRPC status: body unreadable or too long",
    );
    origin.stop().await;
}

#[tokio::test]
async fn only_loopback() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error = postern_origin::serve(listener, std::future::pending())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
