//! Refusals reach a client that is still sending, and bodies have a size.

use std::time::{Duration, Instant};

use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, rpc};
use prost::Message as _;
use serde_json::json;

use crate::support::{ATTESTATIONS, PERSONS, PROTO};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        a_refusal_reaches_a_client_that_sends_its_body_late,
        a_refusal_reaches_a_client_that_has_sent_ten_megabytes,
        a_body_that_nobody_wants_is_not_awaited_for_ever,
        bodies_are_as_large_as_what_they_carry,
        compressed_json_and_forms_are_told_so_everywhere,
    ]
}

/// A call on each route, with how it is refused.
async fn refusals(suite: &Suite, size: usize) -> Vec<(Call, &'static str)> {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let token = organization.mint_for_release(gateway, "opaque").await;
    let revoked = organization.mint(gateway, &json!({})).await;
    organization.revoke(gateway, &revoked.id).await;
    let body = vec![b' '; size];
    let call = |method, path: &str| {
        gateway
            .call(method, path)
            .from("10.9.8.7")
            .body(body.clone())
    };
    let json = |method, path: &str| call(method, path).header("content-type", "application/json");
    let grpc = |path: &str| call("POST", path).header("content-type", rpc::BINARY);
    let connect = |path: &str| call("POST", path).header("content-type", PROTO);
    vec![
        (call("POST", "/nowhere"), "404"),
        (call("PUT", "/org/tokens"), "405"),
        (call("POST", "/healthz"), "405"),
        (call("POST", "/dashboard/"), "405"),
        (call("POST", "/openapi.json"), "405"),
        (call("POST", "/.well-known/jwks.json"), "405"),
        (call("GET", "/org/tokens"), "401"),
        (json("POST", "/org/tokens"), "401"),
        (json("POST", "/org/tokens").bearer("nonsense"), "401"),
        (call("POST", "/explain").bearer(&token.token), "415"),
        (json("POST", ATTESTATIONS), "401"),
        (json("POST", ATTESTATIONS).bearer(&revoked.token), "401"),
        (call("DELETE", ATTESTATIONS), "405"),
        (call("POST", "/leaks"), "415"),
        (call("POST", "/oauth/revoke"), "415"),
        (grpc(rpc::INIT), "grpc 16"),
        (
            grpc("/controlplane.v1.None/None").bearer(&token.token),
            "grpc 7",
        ),
        (grpc(PERSONS).bearer(&token.token), "grpc 7"),
        (grpc(PERSONS).bearer(&revoked.token), "grpc 16"),
        (connect(rpc::INIT), "401"),
        (connect(PERSONS).bearer(&token.token), "403"),
        (
            call("POST", rpc::INIT).header("content-type", "application/grpc"),
            "grpc 12",
        ),
    ]
}

#[track_caller]
fn told(answer: &Answer) -> String {
    match answer.header("grpc-status") {
        Some(status) => format!("grpc {status}"),
        None => answer.status.to_string(),
    }
}

async fn a_refusal_reaches_a_client_that_sends_its_body_late(suite: &Suite) {
    let mut waiting = Vec::new();
    for (call, expected) in refusals(suite, 5).await {
        let begun = call.begin(0).await;
        waiting.push((
            expected,
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1500)).await;
                begun.finish().await
            }),
        ));
    }
    for (expected, answer) in waiting {
        let answer = answer.await.expect("the answer");
        assert_eq!(
            told(&answer),
            expected,
            "{}: {}",
            answer.what,
            answer.text()
        );
    }
}

async fn a_refusal_reaches_a_client_that_has_sent_ten_megabytes(suite: &Suite) {
    for (call, expected) in refusals(suite, 9_000_000).await {
        let answer = call.begin(0).await.finish().await;
        // What is read has a limit of its own.
        let expected = match answer.what.ends_with("/oauth/revoke") {
            true => "413",
            false => expected,
        };
        assert_eq!(
            told(&answer),
            expected,
            "{}: {}",
            answer.what,
            answer.text()
        );
    }
}

async fn a_body_that_nobody_wants_is_not_awaited_for_ever(suite: &Suite) {
    let began = Instant::now();
    let call = suite.gateway.call("POST", "/nowhere").from("10.9.8.7");
    let answer = call.body(vec![0; 1000]).begin(10).await.answer().await;
    answer.problem(404, "not_found");
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}

async fn bodies_are_as_large_as_what_they_carry(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let token = organization.mint_for_release(gateway, "opaque").await;
    let run = rpc::begin(gateway, &token.token, SHOP, RELEASE).await;
    let bundle = postern_origin::attestation::attest("file", &vec![7; 200_000]).expect("entropy");
    let message = rpc::store(&run, &bundle.bundle).encode_to_vec();
    let stored = rpc::call(gateway, rpc::STORE, &token.token, &message);
    stored.send().await.accepted();

    suite.origin.reset().await;
    let mut cancel = rpc::cancel(&run);
    cancel.reason = "x".repeat(64 * 1024);
    let large = rpc::call(gateway, rpc::CANCEL, &token.token, &cancel.encode_to_vec());
    let sentence =
        |limit: usize| format!("the body is larger than the {limit} bytes that are read here");
    large.send().await.refused(8, &sentence(64 * 1024));
    // Many fields are no content.
    let many = [
        b"\x08\x00".repeat(10_001),
        rpc::store(&run, b"").encode_to_vec(),
    ]
    .concat();
    let many = rpc::call(gateway, rpc::STORE, &token.token, &many);
    many.send()
        .await
        .refused(3, "the message has more than 10000 fields");
    suite
        .origin
        .assert_untouched("bodies that are too large")
        .await;
}

async fn compressed_json_and_forms_are_told_so_everywhere(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let token = organization.mint_for_release(gateway, "opaque").await;
    let before = organization.token_ids(gateway, "").await;
    let admin = |path: &str| organization.call(gateway, "POST", path);
    let as_token = |path: &str| organization.call_as(gateway, &token, "POST", path);
    let names = json!({ "workflow": { "project": SHOP, "name": RELEASE } });
    let calls = [
        admin("/org/tokens").json(&json!({ "project": SHOP })),
        admin("/org/projects").json(&json!({ "name": "coded" })),
        admin("/explain").json(&json!({ "operation": "token.create" })),
        admin("/leaks").json(&json!({ "tokens": ["x"] })),
        admin("/oauth/introspect").form(&[("token", "x")]),
        admin("/oauth/revoke").form(&[("token", "x")]),
        as_token("/v1/runs").json(&names),
    ];
    for call in &calls {
        for coding in ["gzip", "identity, br"] {
            let answer = call.clone().header("content-encoding", coding).send().await;
            let problem = answer.problem(415, "body_compressed");
            let sentence = format!(
                "the body is compressed with `{coding}`, which is not read here: send it uncompressed"
            );
            assert_eq!(problem["detail"], sentence, "{}", answer.what);
            assert_eq!(answer.header("accept-encoding"), Some("identity"));
        }
    }
    assert_eq!(organization.token_ids(gateway, "").await, before);
    for call in calls {
        let answer = call.header("content-encoding", "identity").send().await;
        assert!(answer.status < 300, "{}: {}", answer.what, answer.text());
    }
    // An empty body has nothing to decompress.
    let empty = admin("/org/tokens").header("content-encoding", "gzip");
    empty.send().await.json(201);
}
