//! What an assertion says, and the keys that it is checked with.

use base64::Engine as _;
use postern_origin::proto::AttestationServiceInitResponse;
use postern_origin::sha256_hex;
use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::gateway::Serve;
use postern_system_tests::http::{Call, Http};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT};
use postern_system_tests::runner::Case;
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, JWKS, Signing, asserting, assertion, capture, demanding, direct, now, seed,
};

pub fn cases() -> Vec<Case<Signing>> {
    cases![
        the_key_set_is_public_and_has_the_documented_shape,
        claims_say_who_calls_what_with_which_body,
        an_inbound_assertion_never_arrives,
        a_looked_up_run_and_an_unread_body_are_asserted_as_far_as_they_can_be,
        rest_requests_are_asserted_with_method_and_query,
        passthrough_publishes_keys_and_sends_no_assertion,
        the_algorithm_goes_by_its_new_name_where_that_is_asked_for,
    ]
}

/// RFC 8037, appendix A: a seed and its public key.
const RFC_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

const RFC_PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

async fn the_key_set_is_public_and_has_the_documented_shape(signing: &Signing) {
    let seeds = format!("rfc:{RFC_SEED},{}", seed("a0"));
    let gateway = asserting(&signing.open, &signing.keys, &seeds)
        .start()
        .await;
    let answer = gateway.call("GET", JWKS).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/jwk-set+json")
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let set: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let keys = set["keys"].as_array().expect("a list");
    assert_eq!(
        keys[0],
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "rfc", "x": RFC_PUBLIC,
        })
    );
    assert_eq!((keys.len(), &keys[1]["kid"]), (2, &json!("a0")));
    assert_eq!(set.as_object().map(serde_json::Map::len), Some(1));
    for secret in seeds.split(',').filter_map(|entry| entry.split(':').nth(1)) {
        assert!(!answer.text().contains(secret), "a seed is published");
    }

    let head = gateway.call("HEAD", JWKS).send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let posted = gateway.call("POST", JWKS).send().await;
    posted.problem(405, "method_not_allowed");
    let other = gateway.call("GET", "/.well-known/jwks").send().await;
    other.problem(404, "not_found");
    gateway.stop();
}

async fn claims_say_who_calls_what_with_which_body(signing: &Signing) {
    let (organization, token) = signing.token().await;
    let message = rpc::names(SHOP, RELEASE);
    signing.open.reset().await;
    for path in [FIND_OR_CREATE, INIT] {
        let call = rpc::call(&signing.gateway, path, &token.token, &message);
        call.send().await.accepted();
    }
    let calls = signing.open.calls().await;
    let mut ids = Vec::new();
    for (call, path) in calls.iter().zip([FIND_OR_CREATE, INIT]) {
        let assertion = assertion(call);
        let claims = forge::part(&assertion, 1);
        assert_eq!(
            forge::part(&assertion, 0),
            json!({"alg": "EdDSA", "typ": "postern-assertion+jwt", "kid": "a1"})
        );
        assert_eq!(claims["iss"], "postern");
        assert_eq!(claims["aud"], AUDIENCE);
        assert_eq!(claims["sub"], json!(token.id));
        assert_eq!(
            claims["org"],
            json!({"id": organization.id, "name": organization.name})
        );
        assert_eq!(claims["scope"], format!("workflow/{SHOP}/{RELEASE}"));
        assert_eq!(
            claims["project"],
            json!({"id": organization.shop, "name": SHOP})
        );
        assert_eq!(
            claims["workflow"],
            json!({"id": organization.release, "name": RELEASE})
        );
        assert_eq!(
            (&claims["operation"], &call["path"]),
            (&json!(path), &json!(path))
        );
        assert_eq!(claims["body_sha256"], call["body_sha256"]);
        assert_eq!(claims["body_sha256"], sha256_hex(&rpc::frame(0, &message)));
        assert_eq!(
            json!([claims["request_id"]]),
            call["headers"]["x-request-id"]
        );
        let moment = |name: &str| claims[name].as_u64().expect("seconds");
        assert_eq!(moment("exp") - moment("iat"), 30);
        assert!(moment("iat").abs_diff(now()) < 60, "the present");
        assert_eq!(
            call["headers"]["authorization_sha256"],
            json!([sha256_hex(format!("Bearer {}", token.token).as_bytes())]),
            "kept as it came"
        );
        ids.push(claims["jti"].clone());
    }
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);

    // The text form is hashed as it goes out, not as it decodes; a wider token says so.
    let token = organization
        .mint(&signing.gateway, &json!({"format": "jwt"}))
        .await;
    let text = base64::engine::general_purpose::STANDARD.encode(rpc::frame(0, &message));
    signing.open.reset().await;
    let call = rpc::anonymous(
        &signing.gateway,
        0,
        FIND_OR_CREATE,
        text.clone().into_bytes(),
    )
    .without("content-type")
    .header("content-type", rpc::TEXT)
    .bearer(&token.token);
    call.send().await.accepted();
    let claims = forge::part(&assertion(&signing.open.calls().await[0]), 1);
    assert_eq!(claims["body_sha256"], sha256_hex(text.as_bytes()));
    assert_eq!(
        (&claims["sub"], &claims["scope"]),
        (&json!(token.id), &json!("organization"))
    );
    assert_eq!(claims.get("project"), None);
}

async fn an_inbound_assertion_never_arrives(signing: &Signing) {
    let (assertion, _) = signing.unspent().await;
    let (_, token) = signing.token().await;
    let message = rpc::names(SHOP, RELEASE);
    signing.open.reset().await;
    let call = rpc::call(&signing.gateway, FIND_OR_CREATE, &token.token, &message)
        .header("postern-assertion", &assertion)
        .header("Postern-Assertion", "forged")
        .header("connection", "postern-assertion");
    call.send().await.accepted();
    let arrived = self::assertion(&signing.open.calls().await[0]);
    assert_ne!(arrived, assertion);
    assert_eq!(forge::part(&arrived, 1)["sub"], json!(token.id));
}

async fn a_looked_up_run_and_an_unread_body_are_asserted_as_far_as_they_can_be(signing: &Signing) {
    let organization = Organization::new(&signing.gateway, &signing.keys.admin).await;
    // The origin knows by the claims whose run it is.
    let token = organization.mint_for_release(&signing.gateway, "jwt").await;
    let message = rpc::names(SHOP, RELEASE);
    // A run that begins around the gate, which must ask the origin about it.
    let around = |path: &str| {
        direct(&signing.open, path, &rpc::frame(0, &message))
            .without("authorization")
            .bearer(&token.token)
    };
    around(FIND_OR_CREATE).send().await.accepted();
    let begun = around(INIT).send().await.accepted();
    let begun = AttestationServiceInitResponse::decode(begun.as_slice()).expect("an Init answer");
    let run = begun.result.and_then(|result| result.workflow_run);
    let cancel = rpc::cancel(&run.expect("a run").id).encode_to_vec();
    signing.open.reset().await;
    let call = rpc::call(&signing.gateway, CANCEL, &token.token, &cancel);
    call.send().await.accepted();
    let calls = signing.open.calls().await;
    let view = "/controlplane.v1.WorkflowRunService/View";
    assert_eq!(calls.len(), 2, "the look-up, and the call");
    for (call, path) in calls.iter().zip([view, CANCEL]) {
        let claims = forge::part(&assertion(call), 1);
        assert_eq!(
            (&claims["operation"], &call["path"]),
            (&json!(path), &json!(path))
        );
        assert_eq!(claims["body_sha256"], call["body_sha256"]);
        assert_eq!(claims["sub"], json!(token.id));
    }

    let token = organization.mint(&signing.gateway, &json!({})).await;
    for (path, asserted) in [
        ("/controlplane.v1.SigningService/GenerateSigningCert", true),
        ("/controlplane.v1.StatusService/Infoz", false),
    ] {
        signing.open.reset().await;
        let call = rpc::call(&signing.gateway, path, &token.token, b"");
        call.send().await.ending();
        let calls = signing.open.calls().await;
        assert_eq!(calls.len(), 1, "{path}");
        if asserted {
            let claims = forge::part(&assertion(&calls[0]), 1);
            assert_eq!(claims["operation"], path);
            assert_eq!(claims["body_sha256"], calls[0]["body_sha256"]);
        } else {
            assert_eq!(calls[0]["headers"].get("postern-assertion"), None);
        }
    }
}

async fn rest_requests_are_asserted_with_method_and_query(signing: &Signing) {
    // Two gates of the same keys: the origin knows the other's set.
    let (origin, _) = demanding(&signing.gateway).await;
    let serve = asserting(&origin, &signing.keys, &signing.seeds).set("REST_ROUTES", "open");
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &signing.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    let call = |method: &str, path: &str| gateway.call(method, path).bearer(&token.token);

    let names = json!({"workflow": {"project": SHOP, "name": RELEASE}});
    let begun = call("POST", "/v1/runs").json(&names).send().await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    let path = format!("/v1/projects/{SHOP}/workflows/{RELEASE}/attestations");
    let stored = call("POST", &path).body("{}").send().await;
    assert_eq!(stored.status, 201, "{}", stored.text());
    let uploads = format!("/v1/projects/{SHOP}/workflows/{RELEASE}/uploads");
    let streamed = call("PUT", &uploads).body("{}").send().await;
    assert_eq!(streamed.status, 201, "{}", streamed.text());
    let digest = format!("sha256:{}", sha256_hex(b"{}"));
    let path = format!("/v1/attestations/{digest}?project={SHOP}");
    let read = call("GET", &path).header("attestation-workflow", RELEASE);
    let read = read.send().await;
    assert_eq!((read.status, read.text().as_ref()), (200, "{}"));

    let calls = origin.calls().await;
    let seen = calls.iter().map(|call| {
        let claims = forge::part(&assertion(call), 1);
        let hashed = claims.get("body_sha256").is_some();
        (
            claims["method"].clone(),
            claims["operation"].clone(),
            hashed,
        )
    });
    let attestations = format!("/v1/projects/{SHOP}/workflows/{RELEASE}/attestations");
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [
            (json!("POST"), json!("/v1/runs"), true),
            (json!("POST"), json!(attestations), true),
            (json!("PUT"), json!(uploads), false),
            (json!("GET"), json!(path), true),
        ]
    );

    let around = Call::new(&Http::new(), "GET", &format!("{}{path}", origin.url));
    let refused = around.bearer(&token.token).send().await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.text().trim_end(),
        "assertion: there is none: the call did not come through the gateway"
    );
    gateway.stop();
}

async fn passthrough_publishes_keys_and_sends_no_assertion(signing: &Signing) {
    let set = signing.gateway.call("GET", JWKS).send().await;
    let (origin, _) = demanding(&signing.gateway).await;
    let (assertion, body) = signing.unspent().await;
    let plain = Serve::new(&origin.url, &signing.keys);
    let gateway = plain
        .clone()
        .set("ASSERTION_KEYS", &seed("a7"))
        .start()
        .await;
    let published = gateway.call("GET", JWKS).send().await;
    let keys: Value = serde_json::from_slice(&published.body).expect("JSON");
    assert_eq!(keys["keys"][0]["kid"], "a7");
    assert_ne!(published.text(), set.text());
    let ready = gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(ready["unheeded_variables"], json!([]));

    // The origin's refusal comes through as it is; a caller's own assertion, good as it is, does not go in.
    let organization = Organization::new(&gateway, &signing.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    let call = rpc::anonymous(&gateway, 0, FIND_OR_CREATE, body)
        .bearer(&token.token)
        .header("postern-assertion", &assertion);
    let (ending, _) = call.send().await.ending();
    assert_eq!(ending.code, 16);
    assert_eq!(
        ending.message,
        "assertion: there is none: the call did not come through the gateway"
    );
    gateway.stop();

    let gateway = plain.start().await;
    let published = gateway.call("GET", JWKS).send().await;
    assert_eq!(
        (published.status, published.text().as_ref()),
        (200, r#"{"keys":[]}"#)
    );
    gateway.stop();
}

async fn the_algorithm_goes_by_its_new_name_where_that_is_asked_for(signing: &Signing) {
    // The gate for the key set, and the one that calls, on the same key under both names.
    let seeds = seed("a1");
    let named =
        |name: &str| asserting(&signing.open, &signing.keys, &seeds).set("ASSERTION_ALG", name);
    let (old, new) = (named("EdDSA").start().await, named("Ed25519").start().await);
    let message = rpc::names(SHOP, RELEASE);
    for (publishing, asserting, name) in [
        (&new, &new, "Ed25519"),
        (&old, &new, "Ed25519"),
        (&new, &old, "EdDSA"),
    ] {
        let organization = Organization::new(asserting, &signing.keys.admin).await;
        let token = organization.mint_for_release(asserting, "opaque").await;
        let assertion = capture(&signing.open, asserting, &token, &message).await;
        assert_eq!(forge::part(&assertion, 0)["alg"], name);
        let (origin, _) = demanding(publishing).await;
        let call = direct(&origin, FIND_OR_CREATE, &rpc::frame(0, &message));
        call.header("postern-assertion", &assertion)
            .send()
            .await
            .accepted();
    }
    let set = new.call("GET", JWKS).send().await;
    let set: Value = serde_json::from_slice(&set.body).expect("JSON");
    assert_eq!(set["keys"][0]["alg"], "Ed25519");
    old.stop();
    new.stop();
}
