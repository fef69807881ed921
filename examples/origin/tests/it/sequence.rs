//! A whole attestation, FindOrCreateWorkflow, Init, Store, in each protocol,
//! and what is left of it in the origin.

use postern_origin::proto::attestation_service_cancel_request::TriggerType;
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::{AttestationServiceCancelRequest, RunStatus};
use postern_origin::{attestation, sha256_hex};

use crate::support::{Origin, TOKEN, begin, bundle, new_run, signed, workflow};

/// The calls in order, for whatever transport the client has.
macro_rules! attest {
    ($client:expr, $bundle:expr) => {{
        let client: &mut AttestationServiceClient<_> = $client;
        let found = client
            .find_or_create_workflow(signed(workflow("demo", "release")))
            .await
            .unwrap();
        let found = found.into_inner().result.unwrap();
        assert_eq!(
            (found.name.as_str(), found.project.as_str()),
            ("release", "demo")
        );

        let begun = client
            .init(signed(new_run("demo", "release")))
            .await
            .unwrap()
            .into_inner()
            .result
            .unwrap();
        assert_eq!(begun.organization, "sample");
        let run = begun.workflow_run.unwrap();
        assert_eq!(run.status(), RunStatus::Initialized);
        assert!(run.created_at.is_some() && run.finished_at.is_none());
        let inside = run.workflow.unwrap();
        assert_eq!(
            (&inside.id, &inside.project_id),
            (&found.id, &found.project_id)
        );

        let stored = client
            .store(signed(bundle(&run.id, $bundle)))
            .await
            .unwrap()
            .into_inner()
            .result
            .unwrap();
        assert_eq!(stored.digest, format!("sha256:{}", sha256_hex($bundle)));
        run.id
    }};
}

async fn check_kept(origin: &Origin, run: &str, bundle: &[u8], protocol: &str) {
    let kept = origin.get(&format!("/debug/bundles/{run}")).await;
    assert_eq!(kept.body, bundle, "byte for byte");

    let runs = origin.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["id"], run);
    assert_eq!(runs[0]["status"], "SUCCEEDED");
    assert_eq!(runs[0]["digest"], format!("sha256:{}", sha256_hex(bundle)));

    let authorization = sha256_hex(format!("Bearer {TOKEN}").as_bytes());
    assert_eq!(runs[0]["authorization_sha256"], authorization);
    let calls = origin.calls().await;
    let methods: Vec<_> = calls
        .iter()
        .map(|call| call["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        methods,
        ["FindOrCreateWorkflow", "Init", "Store"]
            .map(|m| format!("/controlplane.v1.AttestationService/{m}"))
    );
    for call in &calls {
        assert_eq!(call["protocol"], protocol);
        assert_eq!(
            call["headers"]["authorization_sha256"],
            serde_json::json!([authorization])
        );
        assert!(call["headers"].get("authorization").is_none());
    }
}

#[tokio::test]
async fn grpc() {
    let origin = Origin::start().await;
    let made = attestation::attest("postern.wasm", b"\0asm")
        .unwrap()
        .bundle;
    let run = attest!(&mut origin.grpc().await, &made);
    check_kept(&origin, &run, &made, "grpc").await;
    assert_eq!(origin.calls().await[0]["http_version"], "HTTP/2.0");
    origin.stop().await;
}

#[tokio::test]
async fn grpc_web() {
    let origin = Origin::start().await;
    let made = attestation::attest("postern.wasm", b"\0asm")
        .unwrap()
        .bundle;
    let run = attest!(&mut origin.web(), &made);
    check_kept(&origin, &run, &made, "grpc-web").await;
    let call = &origin.calls().await[0];
    assert_eq!(call["http_version"], "HTTP/1.1");
    assert_eq!(
        call["headers"]["content-type"][0],
        "application/grpc-web+proto"
    );
    assert!(
        call["headers"].get("te").is_none(),
        "a header for HTTP/2 only"
    );
    origin.stop().await;
}

#[tokio::test]
async fn grpc_web_text() {
    let origin = Origin::start().await;
    let made = attestation::attest("postern.wasm", b"\0asm")
        .unwrap()
        .bundle;
    let run = attest!(&mut origin.web_text(), &made);
    check_kept(&origin, &run, &made, "grpc-web-text").await;
    origin.stop().await;
}

#[tokio::test]
async fn a_large_bundle_survives_in_either_form() {
    let origin = Origin::start().await;
    // About 2.7 MB on the wire: many reads and writes.
    let mut large = attestation::attest("large", b"x").unwrap().bundle;
    large.extend(std::iter::repeat_n(b'\n', 2_700_000));
    for mut client in [origin.web(), origin.web_text()] {
        let run = begin(&mut client).await;
        client.store(bundle(&run, &large)).await.unwrap();
        assert!(origin.get(&format!("/debug/bundles/{run}")).await.body == large);
    }
    origin.stop().await;
}

#[tokio::test]
async fn a_workflow_is_made_once() {
    let origin = Origin::start().await;
    let mut client = origin.web();
    let mut ids = Vec::new();
    for project in ["demo", "demo", "other"] {
        let found = client
            .find_or_create_workflow(workflow(project, "release"))
            .await
            .unwrap()
            .into_inner();
        ids.push(found.result.unwrap().id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2], "same name in another project");
    origin.stop().await;
}

#[tokio::test]
async fn cancel_ends_a_run() {
    let origin = Origin::start().await;
    let mut client = origin.web();
    for (trigger, status) in [
        (TriggerType::Failure, "FAILED"),
        (TriggerType::Cancellation, "CANCELLED"),
    ] {
        let run = begin(&mut client).await;
        let request = AttestationServiceCancelRequest {
            workflow_run_id: run.clone(),
            trigger: trigger.into(),
            reason: "because".into(),
        };
        client.cancel(request).await.unwrap();
        let runs = origin.runs().await;
        let kept = runs.iter().find(|kept| kept["id"] == run.as_str()).unwrap();
        assert_eq!(
            (&kept["status"], &kept["reason"]),
            (&status.into(), &"because".into())
        );
        assert_eq!(kept["digest"], serde_json::Value::Null);
        assert!(kept["finished_at_ms"].is_u64());
    }
    origin.stop().await;
}

#[tokio::test]
async fn any_spelling_of_a_run_id_is_the_same_run() {
    // As upstream's parser has it: a gateway that compares text would be fooled.
    let origin = Origin::start().await;
    let mut client = origin.web();
    let made = attestation::attest("f", b"x").unwrap().bundle;
    let spellings: [fn(&str) -> String; 4] = [
        |id| id.to_uppercase(),
        |id| id.replace('-', ""),
        |id| format!("{{{id}}}"),
        |id| format!("urn:uuid:{id}"),
    ];
    for spell in spellings {
        let run = begin(&mut client).await;
        client.store(bundle(&spell(&run), &made)).await.unwrap();
    }
    assert!(
        origin
            .runs()
            .await
            .iter()
            .all(|run| run["status"] == "SUCCEEDED")
    );
    origin.stop().await;
}
