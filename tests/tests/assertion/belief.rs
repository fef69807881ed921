//! What an origin that demands assertions believes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use postern_origin::assertion::Verifier;
use postern_origin::attestation;
use postern_origin::client::{self, Wire};
use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT};
use postern_system_tests::runner::Case;
use serde_json::{Value, json};
use tonic::Request;

use crate::support::{AUDIENCE, JWKS, Signing, asserting, capture, demanding, direct, seed};

pub fn cases() -> Vec<Case<Signing>> {
    cases![
        an_origin_that_demands_assertions_takes_calls_through_the_gate_only,
        an_assertion_is_good_for_one_call_of_its_own_kind,
        an_old_assertion_is_refused,
        keys_overlap_while_they_rotate,
    ]
}

/// A message from an address, as the platform tells it.
fn from<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let address = "10.9.8.7".parse().expect("an address");
    request.metadata_mut().insert("cf-connecting-ip", address);
    request
}

async fn an_origin_that_demands_assertions_takes_calls_through_the_gate_only(signing: &Signing) {
    let seeds = seed("a1");
    // The origin's address is known before the gate's, whose keys it needs: it takes them from another gate of the
    // same keys.
    let keys_only = asserting(&signing.open, &signing.keys, &seeds)
        .start()
        .await;
    let (origin, _) = demanding(&keys_only).await;
    let gateway = asserting(&origin, &signing.keys, &seeds).start().await;
    let organization = Organization::new(&gateway, &signing.keys.admin).await;
    for (format, wire) in [("opaque", Wire::Binary), ("jwt", Wire::Text)] {
        let token = organization.mint_for_release(&gateway, format).await;
        let mut client = client::connect_as(&gateway.url(0), &token.token, wire).expect("a client");
        let made = client.find_or_create_workflow(from(rpc::find_or_create(SHOP, RELEASE)));
        made.await.expect("FindOrCreateWorkflow");
        let made = client.init(from(rpc::init(SHOP, RELEASE))).await;
        let run = made.expect("Init").into_inner().result;
        let run = run.and_then(|made| made.workflow_run).expect("a run").id;
        let bundle = attestation::attest("file", b"content")
            .expect("entropy")
            .bundle;
        let stored = client.store(from(rpc::store(&run, &bundle))).await;
        stored.expect("Store");
        assert_eq!(origin.bundle(&run).await, bundle);

        // The same credential around the gate.
        let message = rpc::frame(0, &rpc::names(SHOP, RELEASE));
        let around = direct(&origin, FIND_OR_CREATE, &message)
            .without("authorization")
            .bearer(&token.token);
        around.send().await.refused(
            16,
            "assertion: there is none: the call did not come through the gateway",
        );
    }
    gateway.stop();
    keys_only.stop();
}

async fn an_assertion_is_good_for_one_call_of_its_own_kind(signing: &Signing) {
    let (assertion, body) = signing.unspent().await;
    let (origin, _) = demanding(&signing.gateway).await;
    let present = |path: &str, body: &[u8], assertion: &str| {
        direct(&origin, path, body).header("postern-assertion", assertion)
    };
    let other_body = rpc::frame(0, &rpc::names(SHOP, "other"));
    let refused = present(FIND_OR_CREATE, &other_body, &assertion)
        .send()
        .await;
    refused.refused(16, "assertion: it is for another body");
    let refused = present(INIT, &body, &assertion).send().await;
    refused.refused(16, "assertion: it is for another operation");
    let twice = present(FIND_OR_CREATE, &body, &assertion).header("postern-assertion", &assertion);
    twice
        .send()
        .await
        .refused(16, "assertion: there are several");

    // Every claim, changed on the way.
    let claims = forge::part(&assertion, 1);
    let parts: Vec<&str> = assertion.split('.').collect();
    for name in claims.as_object().expect("claims").keys() {
        let mut bent = claims.clone();
        bent[name] = match &claims[name] {
            Value::Number(number) => json!(number.as_u64().expect("seconds") + 1),
            Value::String(text) => json!(format!("{text}x")),
            _ => json!({"id": "00000000-0000-4000-8000-000000000000", "name": "x"}),
        };
        let bent = format!("{}.{}.{}", parts[0], B64.encode(bent.to_string()), parts[2]);
        let refused = present(FIND_OR_CREATE, &body, &bent).send().await;
        refused.refused(16, "assertion: its signature is wrong");
    }
    // The same audience, another gate: its keys are not in this one's set.
    let foreign = asserting(&signing.open, &signing.keys, &seed("b1"))
        .start()
        .await;
    let organization = Organization::new(&foreign, &signing.keys.admin).await;
    let token = organization.mint_for_release(&foreign, "jwt").await;
    let message = rpc::names(SHOP, RELEASE);
    let strange = capture(&signing.open, &foreign, &token, &message).await;
    let refused = present(FIND_OR_CREATE, &body, &strange).send().await;
    refused.refused(16, "assertion: its key is not in the key set");
    foreign.stop();

    // None of that has spent it.
    let taken = present(FIND_OR_CREATE, &body, &assertion).send().await;
    taken.accepted();
    let refused = present(FIND_OR_CREATE, &body, &assertion).send().await;
    refused.refused(16, "assertion: it has been used before");
}

async fn an_old_assertion_is_refused(signing: &Signing) {
    let (assertion, body) = signing.unspent().await;
    let (origin, ahead) = demanding(&signing.gateway).await;
    let present = || direct(&origin, FIND_OR_CREATE, &body).header("postern-assertion", &assertion);
    // 30 s of life and 5 s for clocks that differ.
    ahead.store(36, Ordering::SeqCst);
    let refused = present().send().await;
    refused.refused(16, "assertion: it has expired");
    // For another audience it is refused at any age.
    let url = format!("{}{JWKS}", signing.gateway.url(0));
    let other = Verifier::new(&url, "https://other.example").expect("the URL of a gate");
    let other = Origin::demanding(other).await;
    let refused = direct(&other, FIND_OR_CREATE, &body)
        .header("postern-assertion", &assertion)
        .send()
        .await;
    refused.refused(16, "assertion: it is for another audience");
}

async fn keys_overlap_while_they_rotate(signing: &Signing) {
    let (old, new) = (seed("old"), seed("new"));
    let message = rpc::names(SHOP, RELEASE);
    let body = rpc::frame(0, &message);
    let state = asserting(&signing.open, &signing.keys, &old);
    let kid = |assertion: &str| forge::part(assertion, 0)["kid"].clone();

    let gateway = state.start().await;
    let organization = Organization::new(&gateway, &signing.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    let by_old = capture(&signing.open, &gateway, &token, &message).await;
    let also_by_old = capture(&signing.open, &gateway, &token, &message).await;
    assert_eq!(kid(&by_old), "old");
    gateway.stop();
    // Gates take seconds to start, so each origin's clock stands still at the moment of an assertion.
    let origin_at = async |gateway: &Gateway, assertion: &str| {
        let made_at = forge::part(assertion, 1)["iat"].as_u64().expect("seconds");
        let url = format!("{}{JWKS}", gateway.url(0));
        let verifier = Verifier::with_clock(&url, AUDIENCE, Arc::new(move || made_at));
        Origin::demanding(verifier.expect("the URL of a gate")).await
    };
    let present = |origin: &Origin, assertion: &str| {
        direct(origin, FIND_OR_CREATE, &body).header("postern-assertion", assertion)
    };

    // The same stores, the new key first: it signs, and the old one is still believed.
    let gateway = state
        .clone()
        .set("ASSERTION_KEYS", &format!("{new},{old}"))
        .start()
        .await;
    let by_new = capture(&signing.open, &gateway, &token, &message).await;
    assert_eq!(kid(&by_new), "new");
    for assertion in [&by_old, &by_new] {
        let origin = origin_at(&gateway, assertion).await;
        present(&origin, assertion).send().await.accepted();
    }
    gateway.stop();

    // Without the old key: what it signed is refused.
    let gateway = state.clone().set("ASSERTION_KEYS", &new).start().await;
    let origin = origin_at(&gateway, &also_by_old).await;
    let refused = present(&origin, &also_by_old).send().await;
    refused.refused(16, "assertion: its key is not in the key set");
    let set = gateway.call("GET", JWKS).send().await;
    let set: Value = serde_json::from_slice(&set.body).expect("JSON");
    assert_eq!(set["keys"].as_array().map(Vec::len), Some(1));
    let again = capture(&signing.open, &gateway, &token, &message).await;
    assert_eq!(kid(&again), "new");
    let origin = origin_at(&gateway, &again).await;
    present(&origin, &again).send().await.accepted();
    gateway.stop();
}
