//! The routes of routes.toml with tokens of every scope, and what passes between client and origin.

use postern_origin::sha256_hex;
use postern_system_tests::cases;
use postern_system_tests::http::Call;
use postern_system_tests::organization::{Minted, OTHER, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{JSON, READ, STORE, beginning, call, only_call, refused};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        each_route_serves_its_own_workflow_and_changes_nothing,
        wider_tokens_use_the_routes_within_their_scope,
        other_projects_and_workflows_are_refused_on_every_route,
        a_token_without_the_policy_is_refused,
        credentials_that_are_none_are_refused,
        revoked_tokens_are_refused,
        the_administrator_key_uses_no_route,
        the_origin_sees_the_platforms_headers_and_no_forged_ones,
        answers_of_the_origin_pass_as_they_are,
        redirects_of_the_origin_are_refused,
        bodies_that_name_nothing_pass_as_they_are,
    ]
}

fn storing(suite: &Suite, token: &Minted, project: &str, workflow: &str) -> Call {
    let path = format!("/v1/projects/{project}/workflows/{workflow}/attestations");
    call(suite, token, "POST", &path)
        .header("content-type", JSON)
        .body("{\"any\":1}")
}

fn reading(suite: &Suite, token: &Minted, project: &str, workflow: &str) -> Call {
    let digest = format!("sha256:{}", sha256_hex(b"{\"any\":1}"));
    let path = format!("/v1/attestations/{digest}?project={project}");
    call(suite, token, "GET", &path).header("attestation-workflow", workflow)
}

/// The three routes, about one workflow.
fn all(suite: &Suite, token: &Minted, project: &str, workflow: &str) -> [Call; 3] {
    [
        beginning(suite, token, project, workflow),
        storing(suite, token, project, workflow),
        reading(suite, token, project, workflow),
    ]
}

fn same_digest(token: &Minted, call: &Value) {
    let digest = sha256_hex(format!("Bearer {}", token.token).as_bytes());
    assert_eq!(call["headers"]["authorization_sha256"], json!([digest]));
}

async fn each_route_serves_its_own_workflow_and_changes_nothing(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;

        // A body as no serializer writes it, which must arrive so.
        let body = "{ \"x\": [1, {\"project\":1, \"project\":2}],\n\"workflow\" : {\"name\":\"rele\\u0061se\", \"project\":\"shop\"} }";
        suite.origin.reset().await;
        let begun = call(suite, &token, "POST", "/v1/runs?dry=%31&x")
            .header("content-type", "Application/JSON; charset=utf-8")
            .body(body);
        let answer = begun.send().await.json(201);
        assert_eq!(
            (&answer["project"], &answer["workflow"]),
            (&json!(SHOP), &json!(RELEASE))
        );
        let call = only_call(suite).await;
        assert_eq!(
            (&call["path"], &call["query"]),
            (&json!("/v1/runs"), &json!("dry=%31&x"))
        );
        assert_eq!(call["body_sha256"], sha256_hex(body.as_bytes()));
        same_digest(&token, &call);

        suite.origin.reset().await;
        let stored = storing(suite, &token, SHOP, RELEASE).send().await.json(201);
        assert_eq!(
            (&stored["project"], &stored["workflow"]),
            (&json!(SHOP), &json!(RELEASE))
        );
        let call = only_call(suite).await;
        assert_eq!(call["path"], STORE);
        same_digest(&token, &call);

        suite.origin.reset().await;
        let answer = reading(suite, &token, SHOP, RELEASE).send().await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &b"{\"any\":1}"[..]),
            "{}",
            answer.text()
        );
        let call = only_call(suite).await;
        assert_eq!(
            (&call["method"], &call["query"]),
            (&json!("GET"), &json!("project=shop"))
        );
        assert_eq!(call["headers"]["attestation-workflow"], json!([RELEASE]));
        assert_eq!(call["body_len"], 0);
        same_digest(&token, &call);

        let id = answer.header("x-request-id").expect("an id");
        let line = suite.gateway.log_line(id).await;
        assert_eq!(line["operation"], "GET /v1/attestations/{digest}");
    }
}

async fn wider_tokens_use_the_routes_within_their_scope(suite: &Suite) {
    let organization = suite.organization().await;
    let whole = organization.mint(&suite.gateway, &json!({})).await;
    let project = organization
        .mint(&suite.gateway, &json!({ "project": SHOP }))
        .await;
    for (token, project, workflow) in [
        (&whole, "elsewhere", "any"),
        (&whole, SHOP, RELEASE),
        (&project, SHOP, RELEASE),
        (&project, SHOP, OTHER),
    ] {
        for (call, status) in all(suite, token, project, workflow)
            .into_iter()
            .zip([201, 201, 200])
        {
            let answer = call.send().await;
            assert_eq!(answer.status, status, "{}: {}", answer.what, answer.text());
        }
    }
}

async fn other_projects_and_workflows_are_refused_on_every_route(suite: &Suite) {
    let organization = suite.organization().await;
    let workflow = organization.mint_for_release(&suite.gateway, "jwt").await;
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let project = organization
        .mint(&suite.gateway, &json!({ "project": SHOP }))
        .await;
    for (token, named, code) in [
        (&workflow, (SHOP, OTHER), "other_workflow"),
        (&workflow, (SHOP, "Release"), "other_workflow"),
        (&workflow, ("other", RELEASE), "other_project"),
        (&workflow, ("Shop", RELEASE), "other_project"),
        (&opaque, (SHOP, OTHER), "other_workflow"),
        (&opaque, ("other", RELEASE), "other_project"),
        (&project, ("other", RELEASE), "other_project"),
        (&project, ("shop2", RELEASE), "other_project"),
    ] {
        for call in all(suite, token, named.0, named.1) {
            let problem = refused(suite, call, 403, code).await;
            assert_ne!(problem["detail"], "operation not allowed", "{problem}");
        }
    }
}

async fn a_token_without_the_policy_is_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = async |policies: Value| {
        let body = json!({ "project": SHOP, "workflow": RELEASE, "policies": policies });
        organization.mint(&suite.gateway, &body).await
    };
    let none = token(json!(["workflow:read"])).await;
    let store = token(json!(["cas_artifact:create"])).await;
    let half = token(json!(["cas_artifact:read"])).await;
    let read = token(json!(["cas_artifact:*", "workflow_run:read"])).await;
    let denied = "operation_not_allowed";
    refused(suite, storing(suite, &none, SHOP, RELEASE), 403, denied).await;
    refused(suite, storing(suite, &half, SHOP, RELEASE), 403, denied).await;
    refused(suite, reading(suite, &none, SHOP, RELEASE), 403, denied).await;
    refused(suite, reading(suite, &store, SHOP, RELEASE), 403, denied).await;
    // All of a route's policies are needed, not one.
    refused(suite, reading(suite, &half, SHOP, RELEASE), 403, denied).await;
    // This route needs none.
    beginning(suite, &none, SHOP, RELEASE)
        .send()
        .await
        .json(201);
    storing(suite, &store, SHOP, RELEASE).send().await.json(201);
    assert_eq!(
        reading(suite, &read, SHOP, RELEASE).send().await.status,
        200
    );
    storing(suite, &read, SHOP, RELEASE).send().await.json(201);
}

async fn credentials_that_are_none_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    for call in all(suite, &token, SHOP, RELEASE) {
        let bare = call.without("authorization");
        let problem = refused(suite, bare.clone(), 401, "credential_missing").await;
        assert!(
            problem["detail"]
                .as_str()
                .expect("a sentence")
                .contains("Bearer")
        );
        let call = bare.clone().header("authorization", "Basic eDp5");
        refused(suite, call, 401, "credential_malformed").await;
        let call = bare.clone().bearer("garbage");
        refused(suite, call, 401, "credential_refused").await;
        let call = bare.clone().bearer(&token.token).bearer(&token.token);
        refused(suite, call, 401, "credential_malformed").await;
    }
}

async fn revoked_tokens_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    beginning(suite, &token, SHOP, RELEASE)
        .send()
        .await
        .json(201);
    organization.revoke(&suite.gateway, &token.id).await;
    for call in all(suite, &token, SHOP, RELEASE) {
        refused(suite, call, 401, "credential_refused").await;
    }
}

async fn the_administrator_key_uses_no_route(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    for call in all(suite, &token, SHOP, RELEASE) {
        let call = call
            .without("authorization")
            .bearer(&suite.keys.admin)
            .organization(&organization.name);
        refused(suite, call, 403, "operation_not_allowed").await;
    }
}

async fn the_origin_sees_the_platforms_headers_and_no_forged_ones(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    suite.origin.reset().await;
    let call = beginning(suite, &token, SHOP, RELEASE)
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-request-id", "forged")
        .header("postern-assertion", "forged")
        .header("cookie", "a=b")
        .header("connection", "x-mine, authorization")
        .header("x-mine", "1")
        .header("x-kept", "1");
    let answer = call.send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let headers = only_call(suite).await["headers"].clone();
    assert_eq!(headers["x-forwarded-for"], json!(["10.9.8.7"]));
    assert_eq!(
        headers["x-request-id"],
        json!([answer.header("x-request-id")])
    );
    assert_eq!(headers["x-kept"], json!(["1"]));
    assert!(headers["traceparent"][0].is_string(), "{headers}");
    assert!(headers["authorization_sha256"][0].is_string(), "{headers}");
    for gone in ["postern-assertion", "cookie", "x-mine", "cf-connecting-ip"] {
        assert_eq!(headers[gone], Value::Null, "{gone}");
    }
}

async fn answers_of_the_origin_pass_as_they_are(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let empty = storing(suite, &token, SHOP, RELEASE).body("");
    let answer = empty.send().await;
    assert_eq!(answer.json(422)["error"], "the attestation is empty");
    assert!(answer.header("x-request-id").is_some());
    let answer = call(suite, &token, "GET", READ)
        .header("attestation-workflow", RELEASE)
        .send()
        .await;
    assert_eq!(answer.json(404)["error"], "no such attestation");
    let wrong = json!({ "workflow": { "project": SHOP, "name": RELEASE, "project2": 1 }, "x": 1 });
    let call = call(suite, &token, "POST", "/v1/runs").json(&wrong);
    assert_eq!(call.send().await.status, 201);
}

async fn redirects_of_the_origin_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    suite.origin.reset().await;
    let answer = call(suite, &token, "GET", "/v1/attestations/latest?project=shop")
        .header("attestation-workflow", RELEASE)
        .send()
        .await;
    answer.problem(502, "origin_unavailable");
    assert_eq!(answer.header("location"), None);
    assert_eq!(only_call(suite).await["path"], "/v1/attestations/latest");
}

async fn bodies_that_name_nothing_pass_as_they_are(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    // Twice a key, too deep, not JSON, no declared length: not the gate's to judge here.
    let deep = format!("{{\"a\":1,\"a\":{}", "[".repeat(1000));
    for (body, media) in [
        (deep.into_bytes(), JSON),
        (b"\0\xff\xfe".to_vec(), "application/octet-stream"),
        (vec![b'x'; 300_000], "text/plain"),
    ] {
        for chunked in [false, true] {
            suite.origin.reset().await;
            let call = call(suite, &token, "POST", STORE)
                .header("content-type", media)
                .body(body.clone());
            let call = if chunked { call.chunked() } else { call };
            let stored = call.send().await.json(201);
            assert_eq!(stored["digest"], format!("sha256:{}", sha256_hex(&body)));
            let call = only_call(suite).await;
            assert_eq!(call["body_sha256"], sha256_hex(&body));
            assert_eq!(call["headers"]["content-type"], json!([media]));
        }
    }
}
