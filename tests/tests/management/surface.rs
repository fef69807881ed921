//! Paths, methods, health, and what is written down of a call.

use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, random_name};
use serde_json::json;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        the_log_names_operation_caller_and_token,
        r2_no_secret_is_stored_or_logged,
        health_and_readiness_are_open,
        unknown_paths_do_not_exist,
        wrong_methods_are_told_the_right_ones,
    ]
}

async fn the_log_names_operation_caller_and_token(suite: &Suite) {
    let organization = suite.organization().await;
    let answer = organization
        .minting(&suite.gateway, &json!({}))
        .send()
        .await;
    let request_id = answer
        .header("x-request-id")
        .expect("a request id")
        .to_owned();
    let minted = answer.json(201);
    let line = suite.gateway.log_line(&request_id).await;
    assert_eq!(line["operation"], "token.create", "{line}");
    assert_eq!(
        (&line["status"], &line["outcome"], &line["tier"]),
        (&json!(201), &json!("ok"), &json!("admin"))
    );
    let token = minted["token"].as_str().expect("the plaintext");

    let call = rpc::call(
        &suite.gateway,
        FIND_OR_CREATE,
        token,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await;
    call.accepted();
    let line = suite
        .gateway
        .log_line(call.header("x-request-id").expect("a request id"))
        .await;
    assert_eq!(
        line["operation"], "AttestationService/FindOrCreateWorkflow",
        "{line}"
    );
    assert_eq!(
        (&line["token_id"], &line["token_prefix"]),
        (&minted["id"], &minted["prefix"]),
        "{line}"
    );
    assert_eq!(line["tier"], "token", "{line}");
}

async fn r2_no_secret_is_stored_or_logged(suite: &Suite) {
    let organization = suite.organization().await;
    let marker = random_name("marker");
    let opaque = organization
        .mint(&suite.gateway, &json!({ "name": marker }))
        .await;
    let jwt = organization
        .mint(
            &suite.gateway,
            &json!({ "name": format!("{marker}-jwt"), "format": "jwt" }),
        )
        .await;
    for token in [&opaque, &jwt] {
        rpc::call(
            &suite.gateway,
            FIND_OR_CREATE,
            &token.token,
            &rpc::names(SHOP, RELEASE),
        )
        .send()
        .await
        .accepted();
        // Where a token could be written down by mistake: a refused call that carries it.
        suite
            .gateway
            .call("GET", "/orgs")
            .bearer(&token.token)
            .send()
            .await
            .problem(403, "operation_not_allowed");
    }
    organization.revoke(&suite.gateway, &opaque.id).await;
    let shown = organization.snapshot(&suite.gateway).await.to_string();
    let signature = jwt.token.rsplit('.').next().expect("a signature");
    let secrets = [
        &opaque.token[27..],
        &opaque.token[27..59],
        jwt.token.as_str(),
        signature,
        &suite.keys.admin,
    ];
    for secret in secrets {
        assert!(!shown.contains(secret), "a list shows a secret");
        assert!(
            !suite.gateway.serve().log().contains(secret),
            "the log has a secret"
        );
    }

    let serve = suite.gateway.serve();
    for secret in secrets {
        let holding = serve.holding(secret);
        assert!(holding.is_empty(), "{holding:?} hold a secret");
    }
    let holding = serve.holding(&marker);
    assert!(!holding.is_empty(), "the search finds what is stored");
}

async fn health_and_readiness_are_open(suite: &Suite) {
    let health = suite.gateway.call("GET", "/healthz").send().await;
    assert_eq!(health.header("cache-control"), Some("no-store"));
    assert_eq!(health.json(200), json!({ "status": "ok" }));
    let ready = suite.gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(
        ready,
        json!({
            "status": "ready",
            "version": env!("CARGO_PKG_VERSION"),
            "revocation_lease_ms": 1000,
            "dependencies": { "configuration": "ready", "record": "ready", "ledger": "ready", "facts": "ready", "audit": "ready" },
            "unheeded_variables": [],
            "client_addresses": "readable",
            "upstream_credentials": "unused",
        })
    );
    let head = suite.gateway.call("HEAD", "/healthz").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

async fn unknown_paths_do_not_exist(suite: &Suite) {
    let paths = [
        "/",
        "/org",
        "/orgs/",
        "/orgs/x/y",
        "/org/",
        "/org/token",
        "/org/tokens/a/b",
        "/org/tokens/a/rotate/",
        "/org/tokens/a/rotate/b",
        "/org/tokens/revoke/a",
        "/org/tokens/revoke/",
        "/oauth",
        "/oauth/",
        "/oauth/tokens",
        "/oauth/token/",
        "/oauth/revoke/",
        "/org/projects/",
        "/org/projects/shop",
        "/org/projects/shop/workflows/",
        "/org/projects/shop/workflows/release",
        "/Orgs",
        "/ORG/tokens",
        "//orgs",
        "/org//tokens",
        "/org/tokens%2F",
        "/healthz/",
        "/readyz/x",
        "/Healthz",
        "/controlplane",
        "/controlplane.v2.X/Y",
        "/admin",
        "/.dev.vars",
    ];
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            let call = suite.gateway.call(method, path).bearer(&suite.keys.admin);
            call.send().await.problem(404, "not_found");
            suite
                .gateway
                .call(method, path)
                .send()
                .await
                .problem(404, "not_found");
        }
    }
}

async fn wrong_methods_are_told_the_right_ones(suite: &Suite) {
    let token = format!("/org/tokens/{}", random_id());
    let rotate = format!("{token}/rotate");
    let rows = [
        (
            "/orgs",
            &["PUT", "DELETE", "PATCH"][..],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "/org/projects",
            &["PUT", "DELETE", "PATCH"],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "/org/projects/shop/workflows",
            &["PUT", "DELETE"],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "/org/tokens",
            &["PUT", "DELETE", "PATCH"],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            &token,
            &["PUT", "POST"],
            "DELETE, GET, HEAD, OPTIONS, PATCH",
        ),
        (&rotate, &["GET", "PUT", "DELETE", "PATCH"], "OPTIONS, POST"),
        (
            "/org/tokens/revoke",
            &["GET", "PUT", "DELETE", "PATCH"],
            "OPTIONS, POST",
        ),
        (
            "/orgs/acme",
            &["GET", "POST", "PUT", "DELETE"],
            "OPTIONS, PATCH",
        ),
        (
            "/oauth/introspect",
            &["GET", "PUT", "DELETE"],
            "OPTIONS, POST",
        ),
        ("/oauth/revoke", &["GET", "PUT", "DELETE"], "OPTIONS, POST"),
        ("/oauth/token", &["GET", "PUT", "DELETE"], "OPTIONS, POST"),
        ("/healthz", &["POST", "DELETE"], "GET, HEAD, OPTIONS"),
        ("/readyz", &["POST", "PUT"], "GET, HEAD, OPTIONS"),
    ];
    for (path, methods, allow) in rows {
        for method in methods {
            let answer = suite
                .gateway
                .call(method, path)
                .bearer(&suite.keys.admin)
                .send()
                .await;
            answer.problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
    }
}
