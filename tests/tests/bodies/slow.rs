//! Bodies that come late: whoever is revoked meanwhile is refused (R40).

use std::time::{Duration, Instant};

use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_name, rpc};
use prost::Message as _;
use serde_json::json;

use crate::support::{ATTESTATIONS, PERSONS, PROTO};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r40_a_token_revoked_while_its_body_comes_manages_nothing,
        r40_a_token_revoked_while_its_body_comes_attests_nothing,
        r40_a_session_that_ends_while_its_body_comes_writes_nothing,
        r40_a_body_that_does_not_come_ends_the_call,
        r40_a_route_that_streams_withholds_the_answer_at_least,
        a_message_of_too_many_fields_is_not_read_to_its_end,
    ]
}

const SIGNING_CERT: &str = "/controlplane.v1.SigningService/GenerateSigningCert";

const UPLOADS: &str = "/v1/projects/shop/workflows/release/uploads";

/// How long the gateway waits for a body.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answer to a call whose token is revoked between its head and its body.
async fn revoked_within(
    suite: &Suite,
    organization: &Organization,
    token: &Minted,
    call: Call,
) -> Answer {
    let begun = call.begin(0).await;
    organization.revoke(&suite.gateway, &token.id).await;
    begun.finish().await
}

async fn r40_a_token_revoked_while_its_body_comes_manages_nothing(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let child = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let before = organization.token_ids(gateway, "").await;
    let rotate = format!("/org/tokens/{}/rotate", child.id);
    let rows = [
        ("/org/tokens", json!({ "name": "late", "project": SHOP })),
        (&rotate, json!({ "overlap": "1h" })),
        ("/org/tokens/revoke", json!({ "ids": [child.id] })),
        ("/org/tokens/adopt", json!({ "token": "a.b.c" })),
        ("/explain", json!({ "operation": "token.create" })),
    ];
    for (path, body) in rows {
        let token = organization.mint(gateway, &json!({})).await;
        let call = organization
            .call_as(gateway, &token, "POST", path)
            .json(&body);
        let answer = revoked_within(suite, &organization, &token, call).await;
        answer.problem(401, "credential_refused");
    }
    let token = organization.mint(gateway, &json!({})).await;
    let call = organization
        .call_as(gateway, &token, "POST", "/oauth/introspect")
        .form(&[("token", &child.token)]);
    let answer = revoked_within(suite, &organization, &token, call).await;
    answer.problem(401, "credential_refused");
    assert_eq!(organization.token_ids(gateway, "").await, before);
}

async fn r40_a_token_revoked_while_its_body_comes_attests_nothing(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    suite.origin.reset().await;
    let refused = "the credential was refused";
    for path in [rpc::INIT, SIGNING_CERT, PERSONS] {
        let token = organization.mint_for_release(gateway, "opaque").await;
        let message = match path {
            rpc::INIT => rpc::init(SHOP, RELEASE).encode_to_vec(),
            _ => b"\x0a\x03csr".to_vec(),
        };
        let call = rpc::call(gateway, path, &token.token, &message);
        let answer = revoked_within(suite, &organization, &token, call).await;
        answer.refused(16, refused);

        let token = organization.mint_for_release(gateway, "jwt").await;
        let call = gateway
            .call("POST", path)
            .bearer(&token.token)
            .from("10.9.8.7")
            .header("content-type", PROTO)
            .body(message);
        let answer = revoked_within(suite, &organization, &token, call).await;
        assert_eq!(answer.json(401)["message"], refused, "{path}");
    }
    for path in [ATTESTATIONS, "/v1/runs"] {
        let token = organization.mint_for_release(gateway, "opaque").await;
        let body = json!({ "workflow": { "project": SHOP, "name": RELEASE } });
        let call = organization
            .call_as(gateway, &token, "POST", path)
            .json(&body);
        let answer = revoked_within(suite, &organization, &token, call).await;
        answer.problem(401, "credential_refused");
    }
    suite
        .origin
        .assert_untouched("calls of revoked tokens")
        .await;
}

async fn r40_a_session_that_ends_while_its_body_comes_writes_nothing(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let before = organization.token_ids(gateway, "").await;
    let cookie = format!("session={}", random_name("s"));
    let memberships = [(organization.name.as_str(), "owner")];
    suite
        .origin
        .sign_in(&cookie, "kim@example.com", &memberships)
        .await;
    let begun = gateway
        .call("POST", "/org/tokens")
        .header("cookie", &cookie)
        .header("sec-fetch-site", "same-origin")
        .from(&organization.address)
        .json(&json!({ "project": SHOP }))
        .begin(1)
        .await;
    suite.origin.sign_out().await;
    begun.finish().await.problem(401, "credential_refused");
    assert_eq!(organization.token_ids(gateway, "").await, before);
}

async fn r40_a_body_that_does_not_come_ends_the_call(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let token = organization.mint(gateway, &json!({})).await;
    suite.origin.reset().await;
    let began = Instant::now();
    let post = |path: &str| organization.call_as(gateway, &token, "POST", path);
    let json = |path: &str| post(path).json(&json!({ "project": SHOP }));
    let form = |path: &str| post(path).form(&[("token", &token.token)]);
    // All of them wait at the same time.
    let mut waiting = Vec::new();
    for call in [
        json("/org/tokens"),
        json("/explain"),
        json("/leaks"),
        json(ATTESTATIONS),
        form("/oauth/introspect"),
        form("/oauth/revoke"),
    ] {
        waiting.push(tokio::spawn(call.begin(2).await.answer()));
    }
    let message = rpc::init(SHOP, RELEASE).encode_to_vec();
    let call = rpc::call(gateway, rpc::INIT, &token.token, &message);
    let grpc = tokio::spawn(call.begin(6).await.answer());
    for answer in waiting {
        let answer = answer.await.expect("an answer");
        answer.problem(408, "body_timeout");
    }
    let sentence = "the body had not arrived after 10 s: send it again, without a pause";
    grpc.await.expect("an answer").refused(4, sentence);
    let took = began.elapsed();
    assert!(took >= PATIENCE && took < PATIENCE * 2, "{took:?}");
    suite
        .origin
        .assert_untouched("bodies that did not come")
        .await;
}

async fn r40_a_route_that_streams_withholds_the_answer_at_least(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let upload = |token: &Minted| {
        organization
            .call_as(gateway, token, "PUT", UPLOADS)
            .body(vec![7; 100_000])
    };
    let token = organization.mint_for_release(gateway, "opaque").await;
    // Unlike the others it goes on before it has arrived, and may take its time.
    suite.origin.reset().await;
    let begun = upload(&token).begin(50_000).await;
    let answer = begun.finish().await;
    assert_eq!(answer.json(201)["bytes"], 100_000);
    let answer = revoked_within(suite, &organization, &token, upload(&token)).await;
    answer.problem(401, "credential_refused");
    // One that is revoked before is not forwarded at all.
    suite.origin.reset().await;
    upload(&token)
        .send()
        .await
        .problem(401, "credential_refused");
    suite.origin.assert_untouched("a revoked token").await;
}

/// Five million small fields cost no more than ten thousand: what comes after those is not looked at.
async fn a_message_of_too_many_fields_is_not_read_to_its_end(suite: &Suite) {
    let (organization, gateway) = (suite.organization().await, &suite.gateway);
    let revoked = organization.mint_for_release(gateway, "opaque").await;
    let live = organization.mint_for_release(gateway, "opaque").await;
    organization.revoke(gateway, &revoked.id).await;
    let ended = async |fields: usize, token: &Minted| {
        let mut message = rpc::names(SHOP, RELEASE);
        message.extend(b"\x08\x00".repeat(fields));
        message.extend(vec![0xff; 9_000_000]);
        let call = rpc::call(gateway, rpc::FIND_OR_CREATE, &token.token, &message);
        let (ending, _) = call.send().await.ending();
        (ending.code, ending.message)
    };
    for (fields, sentence) in [
        (9_000, "the message has an integer of more than 64 bits"),
        (10_001, "the message has more than 10000 fields"),
    ] {
        assert_eq!(ended(fields, &live).await, (3, sentence.to_owned()));
        let refused = (16, "the credential was refused".to_owned());
        assert_eq!(ended(fields, &revoked).await, refused);
    }
}
