//! Tokens found in public: what a report ends or holds back, and that its answer tells nothing.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::audit::verified;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, runner};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            a_reported_token_is_revoked,
            a_reported_token_is_held_back_where_the_organization_chose_that,
            a_quarantined_token_is_revoked_by_a_report_once_the_organization_wants_that,
            r10_a_report_quarantines_a_system_token_and_revokes_none,
            reports_without_any_credential_are_slowed,
            only_who_could_mint_it_releases_a_token,
            every_report_has_the_same_answer,
            reports_have_bounds,
        ],
    )
}

async fn report(gateway: &Gateway, from: &str, texts: &[&str]) -> Value {
    gateway
        .call("POST", "/leaks")
        .without("authorization")
        .from(from)
        .json(&json!({ "tokens": texts }))
        .send()
        .await
        .json(202)
}

async fn is_accepted(gateway: &Gateway, token: &str) -> bool {
    let names = rpc::names(SHOP, RELEASE);
    let answer = rpc::call(gateway, FIND_OR_CREATE, token, &names)
        .send()
        .await;
    answer.ending().0.code == 0
}

/// What a report asks for is done after its answer: within seconds.
async fn until_refused(gateway: &Gateway, minted: &Minted) {
    let began = Instant::now();
    while is_accepted(gateway, &minted.token).await {
        assert!(began.elapsed() < Duration::from_secs(10), "still accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_reported_token_is_revoked(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = Organization::new(gateway, &suite.keys.admin).await;
    for format in ["opaque", "jwt"] {
        let leaked = organization.mint_for_release(gateway, format).await;
        let kept = organization.mint_for_release(gateway, format).await;
        assert!(is_accepted(gateway, &leaked.token).await);
        let padded = format!(" {}\n", leaked.token);
        report(gateway, "192.0.2.1", &["garbage", &padded, &leaked.token]).await;
        until_refused(gateway, &leaked).await;
        assert!(is_accepted(gateway, &kept.token).await, "{format}");
        let shown = organization.token(gateway, &leaked.id).await;
        assert!(shown["revoked_at"].is_string(), "{shown}");
        assert_eq!(shown["quarantined_at"], Value::Null);
    }
}

async fn a_reported_token_is_held_back_where_the_organization_chose_that(suite: &Suite) {
    let gateway = &suite.gateway;
    let chosen = json!({ "on_leak": "quarantine" });
    let organization = Organization::with(gateway, &suite.keys.admin, &chosen).await;
    let leaked = organization.mint_for_release(gateway, "opaque").await;
    report(gateway, "192.0.2.2", &[&leaked.token]).await;
    until_refused(gateway, &leaked).await;
    let shown = organization.token(gateway, &leaked.id).await;
    assert!(shown["quarantined_at"].is_string(), "{shown}");
    assert_eq!(shown["revoked_at"], Value::Null);

    let path = format!("/org/tokens/{}/release", leaked.id);
    organization
        .call(gateway, "POST", &path)
        .send()
        .await
        .json(200);
    assert!(is_accepted(gateway, &leaked.token).await);
    let shown = organization.token(gateway, &leaked.id).await;
    assert_eq!(shown["quarantined_at"], Value::Null);
    organization
        .call(gateway, "POST", &path)
        .send()
        .await
        .problem(409, "token_not_held");

    // Held back again, then revoked: that is final.
    report(gateway, "192.0.2.2", &[&leaked.token]).await;
    until_refused(gateway, &leaked).await;
    organization.revoke(gateway, &leaked.id).await;
    organization
        .call(gateway, "POST", &path)
        .send()
        .await
        .problem(409, "token_not_held");
    assert!(!is_accepted(gateway, &leaked.token).await);
}

async fn a_quarantined_token_is_revoked_by_a_report_once_the_organization_wants_that(
    suite: &Suite,
) {
    let gateway = &suite.gateway;
    let chosen = json!({ "on_leak": "quarantine" });
    let organization = Organization::with(gateway, &suite.keys.admin, &chosen).await;
    let leaked = organization.mint_for_release(gateway, "opaque").await;
    report(gateway, "192.0.2.7", &[&leaked.token]).await;
    until_refused(gateway, &leaked).await;
    let path = format!("/orgs/{}", organization.name);
    let changed = json!({ "on_leak": "revoke" });
    let call = organization.call(gateway, "PATCH", &path).json(&changed);
    call.send().await.json(200);
    report(gateway, "192.0.2.7", &[&leaked.token]).await;
    until(gateway, &organization, &leaked, "revoked_at").await;
    let path = format!("/org/tokens/{}/release", leaked.id);
    let release = organization.call(gateway, "POST", &path).send().await;
    release.problem(409, "token_not_held");
    assert!(!is_accepted(gateway, &leaked.token).await);
}

async fn r10_a_report_quarantines_a_system_token_and_revokes_none(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = Organization::new(gateway, &suite.keys.admin).await;
    for format in ["opaque", "jwt"] {
        let body =
            json!({ "system": true, "project": SHOP, "workflow": RELEASE, "format": format });
        let system = organization.mint(gateway, &body).await;
        assert!(is_accepted(gateway, &system.token).await);
        report(gateway, "192.0.2.8", &[&system.token]).await;
        until_refused(gateway, &system).await;
        until(gateway, &organization, &system, "quarantined_at").await;
        let shown = organization.token(gateway, &system.id).await;
        assert_eq!(shown["revoked_at"], Value::Null, "{shown}");
        let events = verified(gateway, &organization, &suite.keys).await;
        let last = events.last().expect("an event");
        assert_eq!(last["token_id"], system.id, "{last}");
        assert_eq!(last["action"], "token.quarantine", "{last}");
        // The administrator decides.
        let path = format!("/org/tokens/{}/release", system.id);
        let release = organization.call(gateway, "POST", &path).send().await;
        release.json(200);
        assert!(is_accepted(gateway, &system.token).await, "{format}");
    }
}

/// Waits until a row shows a moment.
async fn until(gateway: &Gateway, organization: &Organization, minted: &Minted, field: &str) {
    let began = Instant::now();
    while organization.token(gateway, &minted.id).await[field].is_null() {
        assert!(began.elapsed() < Duration::from_secs(10), "no {field}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn reports_without_any_credential_are_slowed(suite: &Suite) {
    let serve = suite.serve().brake(3);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let live = organization.mint_for_release(&gateway, "opaque").await;
    let call = |texts: &[&str]| {
        let call = gateway.call("POST", "/leaks").from("192.0.2.9");
        call.json(&json!({ "tokens": texts })).send()
    };
    // What holds a credential is counted by the bucket of reports, not here.
    for _ in 0..5 {
        call(&["garbage", "a.b.c", &live.token]).await.json(202);
    }
    for _ in 0..3 {
        call(&["garbage", "a.b.c"]).await.json(202);
    }
    let answer = call(&["garbage"]).await;
    answer.problem(429, "too_many_failures");
    assert_eq!(answer.header("retry-after"), Some("60"));
    // A report of something is taken all the same, as is one from elsewhere.
    call(&[&live.token]).await.json(202);
    report(&gateway, "192.0.2.10", &["garbage"]).await;
    gateway.stop();
}

async fn only_who_could_mint_it_releases_a_token(suite: &Suite) {
    let gateway = &suite.gateway;
    let chosen = json!({ "on_leak": "quarantine" });
    let organization = Organization::with(gateway, &suite.keys.admin, &chosen).await;
    let manager = organization.mint(gateway, &json!({})).await;
    let narrow = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let held = organization.mint_for_release(gateway, "opaque").await;
    report(gateway, "192.0.2.3", &[&held.token]).await;
    until_refused(gateway, &held).await;
    let release = |bearer: &str| {
        let path = format!("/org/tokens/{}/release", held.id);
        gateway.call("POST", &path).bearer(bearer).send()
    };
    release(&narrow.token)
        .await
        .problem(403, "operation_not_allowed");
    // A token that is held back does not release itself.
    release(&held.token)
        .await
        .problem(401, "credential_refused");
    assert!(!is_accepted(gateway, &held.token).await);
    release(&manager.token).await.json(200);
    assert!(is_accepted(gateway, &held.token).await);
}

async fn every_report_has_the_same_answer(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = Organization::new(gateway, &suite.keys.admin).await;
    let live = organization.mint_for_release(gateway, "opaque").await;
    let admin = suite.keys.admin.clone();
    let expected = json!({ "status": "received" });
    for text in [
        "",
        "garbage",
        "pst_x",
        "a.b.c",
        &admin,
        &live.token,
        &live.token,
    ] {
        assert_eq!(
            report(gateway, "192.0.2.4", &[text]).await,
            expected,
            "{text}"
        );
    }
    // The administrator key is no token that a report could end.
    organization.tokens(gateway, "").await;
}

async fn reports_have_bounds(suite: &Suite) {
    let gateway = &suite.gateway;
    let call = || {
        gateway
            .call("POST", "/leaks")
            .without("authorization")
            .from("192.0.2.5")
    };
    let many = vec!["x"; 1_001];
    for (body, code) in [
        (json!({ "tokens": [] }), "tokens_invalid"),
        (json!({ "tokens": many }), "tokens_invalid"),
        (json!({ "tokens": vec!["a.b.c"; 65] }), "tokens_invalid"),
        (json!({ "tokens": [7] }), "body_invalid"),
        (json!({ "token": ["x"] }), "body_invalid"),
        (json!(["x"]), "body_invalid"),
    ] {
        call().json(&body).send().await.problem(400, code);
    }
    call()
        .header("content-type", "text/plain")
        .body("x")
        .send()
        .await
        .problem(415, "unsupported_media_type");
    gateway
        .call("GET", "/leaks")
        .send()
        .await
        .problem(405, "method_not_allowed");
    // Garbage takes nothing; whatever could be a token of ours does.
    for _ in 0..70 {
        report(gateway, "192.0.2.5", &["x"]).await;
    }
    let organization = Organization::new(gateway, &suite.keys.admin).await;
    let dead = organization.mint_for_release(gateway, "opaque").await;
    organization.revoke(gateway, &dead.id).await;
    for _ in 0..60 {
        report(gateway, "192.0.2.5", &[&dead.token]).await;
    }
    let body = json!({ "tokens": [dead.token] });
    let answer = call().json(&body).send().await;
    answer.problem(429, "report_rate_exceeded");
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some(r#""report";q=60;w=3600"#)
    );
    assert!(answer.header("retry-after").is_some());
    // Another address reports, and minting from this one is another matter.
    report(gateway, "192.0.2.6", &[&dead.token]).await;
    organization
        .minting(gateway, &json!({}))
        .from("192.0.2.5")
        .send()
        .await
        .json(201);
}
