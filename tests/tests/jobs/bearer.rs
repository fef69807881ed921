//! Job tokens as they are, on the calls of an attestation: the first call makes a token, later ones find it, and the
//! origin never has the job token.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use postern_origin::{attestation, sha256_hex};
use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::{self, millis, now};
use postern_system_tests::organization::{Organization, RELEASE, SHOP, id};
use postern_system_tests::random;
use postern_system_tests::rpc::{self, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{
    GATE, ISOLATES, Jobs, REPOSITORY, assert_refused_bearer, exchanging, trusting,
};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![
        r47_a_bearer_attests_and_the_origin_never_has_it,
        r47_a_bearer_is_one_token_that_is_listed_and_can_be_revoked,
        r47_a_bearer_ends_with_its_time,
        r47_a_bearer_attests_what_its_rule_gives_and_manages_nothing,
        r47_an_assertion_says_which_job_a_call_comes_from,
    ]
}

/// A whole attestation: Init by the first call, or after a call before, and Store.
async fn attest(gateway: &Gateway, token: &str, first: &str) {
    let run = match first {
        INIT => {
            let message = rpc::init(SHOP, RELEASE).encode_to_vec();
            let answer = rpc::call(gateway, INIT, token, &message).send().await;
            rpc::run_of(&answer.accepted())
        }
        _ => rpc::begin(gateway, token, SHOP, RELEASE).await,
    };
    let bundle = attestation::attest("file", b"content").expect("entropy");
    let message = rpc::store(&run, &bundle.bundle).encode_to_vec();
    // From the other isolate, which has not seen it.
    let call = rpc::call_on(gateway, ISOLATES - 1, STORE, token, &message);
    call.send().await.accepted();
}

/// Asserts that nothing of a job token is in what the origin was sent since the last reset.
async fn origin_has_not(suite: &Suite, token: &str) {
    let calls = suite.origin.calls().await;
    assert!(!calls.is_empty(), "something has arrived");
    let credential = sha256_hex(format!("Bearer {token}").as_bytes());
    for call in calls {
        let text = call.to_string();
        assert!(!text.contains(&credential), "the credential itself: {text}");
        for part in token.split('.') {
            assert!(!text.contains(part), "a part of it: {text}");
        }
    }
}

async fn r47_a_bearer_attests_and_the_origin_never_has_it(jobs: &Jobs) {
    let organization = jobs.organization().await;
    for (key, first) in [("rsa", INIT), ("ec", ""), ("ed25519", "")] {
        let token = jobs.job(&organization, &json!({ "key": key })).await;
        jobs.suite.origin.reset().await;
        attest(jobs.gateway(), &token, first).await;
        origin_has_not(&jobs.suite, &token).await;
    }
    for (issuer, rule) in [
        ("gitlab", jobs.of_gitlab()),
        ("other", jobs.of_plain("other")),
    ] {
        jobs.trust(&organization, &rule).await;
        let token = jobs.job_of(issuer, &organization, &json!({})).await;
        jobs.suite.origin.reset().await;
        attest(jobs.gateway(), &token, "").await;
        origin_has_not(&jobs.suite, &token).await;
    }
    assert_eq!(jobs.tokens(&organization).await.len(), 5, "one for each");
    // The organization in the request, where the token leaves it open.
    let open = json!({ "claims": { "aud": GATE } });
    let token = jobs.job(&organization, &open).await;
    let call = life::call(jobs.gateway(), 0, &token).organization(&organization.name);
    call.send().await.accepted();
    let unnamed = life::call(jobs.gateway(), 0, &token).send().await;
    assert_refused_bearer("no organization", &unnamed);
}

async fn r47_a_bearer_is_one_token_that_is_listed_and_can_be_revoked(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.bare_organization().await;
    let rule = jobs.trust(&organization, &json!({})).await;
    let token = jobs.job(&organization, &json!({})).await;
    for _ in 0..3 {
        for isolate in 0..ISOLATES {
            life::call(gateway, isolate, &token).send().await.accepted();
        }
    }
    let shown = jobs.only_token(&organization).await;
    let job = &shown["ci_job"];
    assert_eq!(
        (&job["rule"], &job["repository"]),
        (&rule["id"], &json!(REPOSITORY))
    );
    let told = jobs.introspected(&token).await;
    if told["active"] == true {
        assert_eq!(told["jti"], shown["id"], "{told}");
    }
    let log = gateway.serve().log();
    let parts: Vec<&str> = token.split('.').collect();
    assert!(!log.contains(parts[2]), "the log has a job token");
    let holding = gateway.serve().holding(parts[2]);
    assert!(holding.is_empty(), "a job token is stored: {holding:?}");

    organization.revoke(gateway, &id(&shown)).await;
    jobs.refused_bearer("revoked", &token).await;
    let call = exchanging(gateway, 0, &token);
    jobs.refused("revoked, and exchanged", call, "").await;
    assert_eq!(jobs.tokens(&organization).await.len(), 1, "no second one");
    // Another token of the same job's run is another one.
    let next = jobs.job(&organization, &json!({})).await;
    life::call(gateway, 0, &next).send().await.accepted();
}

async fn r47_a_bearer_ends_with_its_time(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.organization().await;
    let token = jobs.job(&organization, &json!({ "seconds": 4 })).await;
    life::call(gateway, 0, &token).send().await.accepted();
    let shown = jobs.only_token(&organization).await;
    let end = forge::part(&token, 1)["exp"].as_i64().expect("seconds");
    assert_eq!(millis(&shown["expires_at"]), end * 1000);
    let left = u64::try_from(end * 1000 - now() + 100).unwrap_or(0);
    tokio::time::sleep(std::time::Duration::from_millis(left)).await;
    jobs.refused_bearer("ended", &token).await;
}

async fn r47_a_bearer_attests_what_its_rule_gives_and_manages_nothing(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.organization().await;
    let token = jobs.job(&organization, &json!({})).await;
    attest(gateway, &token, "").await;
    jobs.suite.origin.reset().await;
    let other = rpc::names(SHOP, "other");
    let call = rpc::call(gateway, rpc::FIND_OR_CREATE, &token, &other);
    call.send().await.refused(
        7,
        "API token is workflow-scoped and cannot create or look up other workflows",
    );
    jobs.suite.origin.assert_untouched("another workflow").await;
    let before = organization.snapshot(gateway).await;
    for (method, path) in [
        ("GET", "/org/tokens"),
        ("POST", "/org/tokens"),
        ("GET", "/org/trust-rules"),
        ("POST", "/org/trust-rules"),
    ] {
        let call = gateway.call(method, path).bearer(&token);
        let call = call.organization(&organization.name).json(&json!({}));
        let answer = call.send().await;
        assert!(
            [401, 403].contains(&answer.status),
            "{method} {path}: {} {}",
            answer.status,
            answer.text()
        );
    }
    assert_eq!(organization.snapshot(gateway).await, before);
}

async fn r47_an_assertion_says_which_job_a_call_comes_from(jobs: &Jobs) {
    let suite = &jobs.suite;
    let seed = format!("a1:{}", B64.encode(random::<32>()));
    let serve = trusting(suite.serve(), &jobs.issuer)
        .set("ORIGIN_AUTH", "assertion")
        .set("ASSERTION_AUDIENCE", "attest")
        .set("ASSERTION_KEYS", &seed);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let rule = jobs.trusting(&gateway, &organization, &json!({}));
    let rule = rule.send().await.json(201);
    let bearer = jobs.job(&organization, &json!({})).await;
    let token = jobs.job(&organization, &json!({})).await;
    let answer = exchanging(&gateway, 0, &token).send().await.json(200);
    let exchanged = answer["access_token"].as_str().expect("a token").to_owned();
    let mut subjects = BTreeSet::new();
    for credential in [&bearer, &exchanged] {
        suite.origin.reset().await;
        let answer = life::call(&gateway, 0, credential).send().await;
        answer.accepted();
        origin_has_not(suite, &bearer).await;
        let calls = suite.origin.calls().await;
        let assertion = calls[0]["headers"]["postern-assertion"][0].as_str();
        let claims = forge::part(assertion.expect("an assertion"), 1);
        let job = &claims["ci_job"];
        assert_eq!(
            (&job["rule"], &job["repository"]),
            (&rule["id"], &json!(REPOSITORY)),
            "{claims}"
        );
        assert_eq!(job["run_id"], "16001234567", "{claims}");
        subjects.insert(claims["sub"].to_string());
        let request = answer.header("x-request-id").expect("a request id");
        let line: Value = gateway.log_line(request).await;
        assert!(line.to_string().contains(REPOSITORY), "{line}");
    }
    assert_eq!(subjects.len(), 2, "two tokens: {subjects:?}");
    gateway.stop();
}
