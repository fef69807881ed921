//! Whole calls through the bridge to the sample origin, which speaks gRPC-Web itself.

use postern_origin::attestation::attest;
use postern_origin::proto::{
    AttestationServiceCancelRequest, AttestationServiceInitRequest, AttestationServiceStoreRequest,
};
use serde_json::Value;
use tonic::Code;

use crate::support::{Bridge, Client, TOKEN, find, get, origin, signed, workflow};

async fn begin(client: &mut Client) -> String {
    find(client).await.unwrap();
    let begun = client
        .init(signed(AttestationServiceInitRequest {
            project_name: "demo".into(),
            workflow_name: "release".into(),
            ..Default::default()
        }))
        .await
        .unwrap()
        .into_inner();
    begun.result.unwrap().workflow_run.unwrap().id
}

/// What the origin has noted of its calls.
async fn calls(origin: &str) -> Vec<Value> {
    let address = origin.strip_prefix("http://").unwrap();
    let answer = get(address, "/debug/calls").await;
    let calls: Value = serde_json::from_str(&answer).unwrap();
    calls.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_whole_attestation_with_a_bundle_of_1_mib() {
    let origin = origin().await;
    let bridge = Bridge::start(&origin, &[]).await;
    let mut client = bridge.client().await;
    let run = begin(&mut client).await;

    let mut bundle = attest("module.wasm", b"content").unwrap().bundle;
    bundle.resize(1 << 20, b' ');
    let stored = client
        .store(signed(AttestationServiceStoreRequest {
            workflow_run_id: run.clone(),
            attestation_bundle: bundle.clone(),
            ..Default::default()
        }))
        .await
        .unwrap()
        .into_inner();
    let digest = format!("sha256:{}", postern_origin::sha256_hex(&bundle));
    assert_eq!(stored.result.unwrap().digest, digest);

    // The same run again: an error of the origin.
    let status = client
        .cancel(signed(AttestationServiceCancelRequest {
            workflow_run_id: run,
            trigger: 1,
            ..Default::default()
        }))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");

    let log = bridge.log(4).await;
    for (line, (method, status)) in log.iter().zip([
        ("FindOrCreateWorkflow", "OK (0)"),
        ("Init", "OK (0)"),
        ("Store", "OK (0)"),
        ("Cancel", "FAILED_PRECONDITION (9)"),
    ]) {
        let expected = format!("Z /controlplane.v1.AttestationService/{method} {status} ");
        assert!(line.contains(&expected), "{line}");
        assert!(line.ends_with(" ms"), "{line}");
        assert!(!line.contains(TOKEN), "{line}");
    }
}

#[tokio::test]
async fn an_error_of_the_origin_comes_as_it_is() {
    let bridge = Bridge::start(&origin().await, &[]).await;
    let mut client = bridge.client().await;
    let mut request = workflow();
    request.metadata_mut().remove("authorization");
    let status = client.find_or_create_workflow(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "JWT token is missing");
}

#[tokio::test]
async fn metadata_reaches_the_origin_and_hops_do_not() {
    let origin = origin().await;
    let bridge = Bridge::start(&origin, &[]).await;
    let mut client = bridge.client().await;
    let mut request = workflow();
    let metadata = request.metadata_mut();
    metadata.insert("chainloop-organization", "acme".parse().unwrap());
    metadata.insert("x-custom", "one".parse().unwrap());
    metadata.append("x-custom", "two".parse().unwrap());
    let bytes = tonic::metadata::MetadataValue::from_bytes(b"\x00\x01\xff");
    metadata.insert_bin("x-custom-bin", bytes);
    request.set_timeout(std::time::Duration::from_secs(50));
    client.find_or_create_workflow(request).await.unwrap();

    let calls = calls(&origin).await;
    let [call] = &calls[..] else {
        panic!("{calls:#?}");
    };
    assert_eq!(call["protocol"], "grpc-web");
    assert_eq!(call["http_version"], "HTTP/1.1");
    let headers = call["headers"].as_object().unwrap();
    let credential = postern_origin::sha256_hex(format!("Bearer {TOKEN}").as_bytes());
    for (name, values) in [
        ("authorization_sha256", vec![credential.as_str()]),
        ("chainloop-organization", vec!["acme"]),
        ("x-custom", vec!["one", "two"]),
        ("x-custom-bin", vec!["AAH/"]),
        ("grpc-timeout", vec!["50000000u"]),
        ("content-type", vec!["application/grpc-web+proto"]),
        ("x-grpc-web", vec!["1"]),
    ] {
        assert_eq!(headers[name], Value::from(values), "{name}");
    }
    assert!(headers["user-agent"][0].as_str().unwrap().contains("tonic"));
    for name in ["te", "connection", "trailer"] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn many_calls_at_once() {
    let bridge = Bridge::start(&origin().await, &[]).await;
    let client = bridge.client().await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let mut client = client.clone();
        calls.spawn(async move { find(&mut client).await.unwrap() });
    }
    while let Some(name) = calls.join_next().await {
        assert_eq!(name.unwrap(), "release");
    }
    bridge.log(200).await;
}
