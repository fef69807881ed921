//! REST routes through the gate: those of routes.toml with tokens of every scope, the plain GET routes of the
//! control plane, and every trick that could make the gate and the origin read two things. What is refused must not
//! reach the origin.

use std::process::ExitCode;

use postern_origin::sha256_hex;
use postern_system_tests::cases;
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Serve;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, OTHER, Organization, RELEASE, SHOP};
use postern_system_tests::runner;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

const STORE: &str = "/v1/projects/shop/workflows/release/attestations";
const UPLOADS: &str = "/v1/projects/shop/workflows/release/uploads";
const READ: &str = "/v1/attestations/sha256:0?project=shop";
const JSON: &str = "application/json";

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.set("REST_ROUTES", "open")),
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
            paths_in_another_spelling_are_no_routes,
            other_methods_are_told_which_there_are,
            queries_that_can_be_read_twice_are_refused,
            headers_that_can_be_read_twice_are_refused,
            bodies_that_can_be_read_twice_are_refused,
            bodies_that_are_not_json_are_refused,
            large_bodies_are_refused_but_where_they_stream,
            deep_bodies_are_refused,
            routes_are_closed_by_default,
            infoz_and_statusz_need_no_token,
            discover_keeps_tokens_to_their_project,
            discover_knows_its_parameters,
        ],
    )
}

fn call(suite: &Suite, token: &Minted, method: &str, path: &str) -> Call {
    suite
        .gateway
        .call(method, path)
        .bearer(&token.token)
        .from("10.9.8.7")
}

fn beginning(suite: &Suite, token: &Minted, project: &str, workflow: &str) -> Call {
    call(suite, token, "POST", "/v1/runs")
        .json(&json!({ "workflow": { "project": project, "name": workflow } }))
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

/// Sends what must be refused with this status and code, and must not reach the origin.
async fn refused(suite: &Suite, call: Call, status: u16, code: &str) -> Value {
    suite.origin.reset().await;
    let problem = call.send().await.problem(status, code);
    suite.origin.assert_untouched(code).await;
    problem
}

async fn only_call(suite: &Suite) -> Value {
    let mut calls = suite.origin.calls().await;
    assert_eq!(calls.len(), 1, "{calls:#?}");
    calls.remove(0)
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

async fn paths_in_another_spelling_are_no_routes(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint(&suite.gateway, &json!({})).await;
    for path in [
        "/v1/projects/shop/workflows/release/attestations/",
        "//v1/projects/shop/workflows/release/attestations",
        "/v1//projects/shop/workflows/release/attestations",
        "/v1/projects//workflows/release/attestations",
        "/V1/projects/shop/workflows/release/attestations",
        "/v1/projects/shop/workflows/release/Attestations",
        "/v%31/projects/shop/workflows/release/attestations",
        "/v1/projects/shop/workflows/release/attestations/more",
        "/v1/projects/shop%2Fx/workflows/release/attestations",
        "/v1/projects/shop%2fworkflows/release/attestations",
        "/v1/projects/shop%5Cx/workflows/release/attestations",
        "/v1/projects/%2e/workflows/release/attestations",
        "/v1/projects/%2e%2E/workflows/release/attestations",
        "/v1/projects/shop%00/workflows/release/attestations",
        "/v1/projects/shop%0d%0ax/workflows/release/attestations",
        "/v1/projects/shop%FF/workflows/release/attestations",
        "/v1/projects/shop%/workflows/release/attestations",
        "/v1/projects/shop%252F/workflows/release/attestations",
        "/v1/projects/shop;x/workflows/release/attestations",
        "/v1/attestations",
        "/v1/runs/",
        "/v1",
    ] {
        let call = call(suite, &token, "POST", path)
            .header("content-type", JSON)
            .body("{}");
        refused(suite, call, 404, "not_found").await;
    }
    // What is decoded once is the same name.
    let scoped = organization.mint_for_release(&suite.gateway, "jwt").await;
    let path = "/v1/projects/sh%6Fp/workflows/rele%61se/attestations";
    suite.origin.reset().await;
    let stored = call(suite, &scoped, "POST", path)
        .body("x")
        .send()
        .await
        .json(201);
    assert_eq!(
        (&stored["project"], &stored["workflow"]),
        (&json!(SHOP), &json!(RELEASE))
    );
    assert_eq!(only_call(suite).await["path"], path);
    let path = "/v1/projects/sh%6Fp/workflows/%6Fther/attestations";
    refused(
        suite,
        call(suite, &scoped, "POST", path).body("x"),
        403,
        "other_workflow",
    )
    .await;
}

async fn other_methods_are_told_which_there_are(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let (post, get) = ("OPTIONS, POST", "GET, HEAD, OPTIONS");
    for (method, path, allow) in [
        ("GET", "/v1/runs", post),
        ("HEAD", "/v1/runs", post),
        ("PUT", STORE, post),
        ("DELETE", STORE, post),
        ("POST", READ, get),
        ("POST", "/statusz", get),
        ("DELETE", "/discover/sha256:0", get),
    ] {
        suite.origin.reset().await;
        let answer = call(suite, &token, method, path).send().await;
        assert_eq!(answer.status, 405, "{}", answer.what);
        assert_eq!(answer.header("allow"), Some(allow), "{}", answer.what);
        if method != "HEAD" {
            answer.problem(405, "method_not_allowed");
        }
        suite.origin.assert_untouched(&answer.what).await;
    }
}

async fn queries_that_can_be_read_twice_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    for (query, code) in [
        ("", "identity_missing"),
        ("?projects=shop", "query_invalid"),
        ("?project=shop&project=shop", "query_invalid"),
        ("?project=shop&project=other", "query_invalid"),
        ("?project=other&project=shop", "query_invalid"),
        ("?project=shop&Project=other", "query_invalid"),
        ("?project=shop&%70roject=other", "query_invalid"),
        ("?project=shop&project%5B%5D=other", "query_invalid"),
        ("?project=shop;project=other", "query_invalid"),
        ("?project=shop&project%00=other", "query_invalid"),
        ("?project%00=other&project=shop", "query_invalid"),
        ("?project=shop&_method=DELETE", "method_override"),
        ("?project=", "identity_invalid"),
        ("?project=..", "identity_invalid"),
        ("?project=shop%2Fx", "identity_invalid"),
        ("?project=shop%00", "identity_invalid"),
        ("?project=%FF", "query_invalid"),
        ("?project=%2", "query_invalid"),
    ] {
        let path = format!("/v1/attestations/sha256:0{query}");
        let call = call(suite, &token, "GET", &path).header("attestation-workflow", RELEASE);
        refused(suite, call, 400, code).await;
    }
}

async fn headers_that_can_be_read_twice_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let rows: [(&[(&str, &str)], &str); 8] = [
        (&[], "identity_missing"),
        (&[("attestation-workflow", "")], "identity_invalid"),
        (&[("attestation-workflow", "a/b")], "identity_invalid"),
        (
            &[
                ("attestation-workflow", "release"),
                ("attestation-workflow", "release"),
            ],
            "identity_ambiguous",
        ),
        (
            &[
                ("attestation-workflow", "release"),
                ("Attestation-Workflow", "other"),
            ],
            "identity_ambiguous",
        ),
        (
            &[("attestation-workflow", "release,other")],
            "identity_ambiguous",
        ),
        (
            &[
                ("attestation-workflow", "release"),
                ("attestation_workflow", "other"),
            ],
            "identity_ambiguous",
        ),
        // The gate would have to take it away, and the origin would see another request.
        (
            &[
                ("attestation-workflow", "release"),
                ("connection", "Attestation-Workflow"),
            ],
            "identity_ambiguous",
        ),
    ];
    for (headers, code) in rows {
        let mut call = call(suite, &token, "GET", READ);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        refused(suite, call, 400, code).await;
    }
}

async fn bodies_that_can_be_read_twice_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let good = r#""workflow":{"project":"shop","name":"release"}"#;
    for (body, code) in [
        (format!("{{{good},{good}}}"), "identity_ambiguous"),
        (
            format!("{{{good},\"Workflow\":{{}}}}"),
            "identity_ambiguous",
        ),
        (
            r#"{"workflow":{"project":"shop","name":"release","name":"other"}}"#.to_owned(),
            "identity_ambiguous",
        ),
        (
            r#"{"workflow":{"project":"shop","name":"release","n\u0061me":"other"}}"#.to_owned(),
            "identity_ambiguous",
        ),
        (
            r#"{"workflow":{"project":"other","PROJECT":"shop","name":"release"}}"#.to_owned(),
            "identity_ambiguous",
        ),
        ("{}".to_owned(), "identity_missing"),
        (
            r#"{"workflow":{"project":"shop"}}"#.to_owned(),
            "identity_missing",
        ),
        (
            r#"{"workflow":[{"project":"shop","name":"release"}]}"#.to_owned(),
            "identity_missing",
        ),
        (
            r#"{"workflow":{"project":"shop","name":["release"]}}"#.to_owned(),
            "identity_invalid",
        ),
        (
            r#"{"workflow":{"project":"shop","name":null}}"#.to_owned(),
            "identity_invalid",
        ),
        (
            r#"{"workflow":{"project":"shop","name":""}}"#.to_owned(),
            "identity_invalid",
        ),
        (
            r#"{"workflow":{"project":"shop","name":"a/b"}}"#.to_owned(),
            "identity_invalid",
        ),
        (format!("{{{good}}}{{}}"), "body_unreadable"),
        (format!("{{{good}"), "body_unreadable"),
        (format!("\u{feff}{{{good}}}"), "body_unreadable"),
        (String::new(), "body_unreadable"),
        ("project=shop".to_owned(), "body_unreadable"),
    ] {
        let call = call(suite, &token, "POST", "/v1/runs")
            .header("content-type", JSON)
            .body(body.clone());
        refused(suite, call, 400, code).await;
    }
}

async fn bodies_that_are_not_json_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    for media in [
        "text/plain",
        "application/json5",
        "application/x-www-form-urlencoded",
        "",
        "application/json, text/plain",
    ] {
        let call = beginning(suite, &token, SHOP, RELEASE)
            .without("content-type")
            .header("content-type", media);
        refused(suite, call, 415, "unsupported_media_type").await;
    }
    let coded = |coding| beginning(suite, &token, SHOP, RELEASE).header("content-encoding", coding);
    let problem = refused(suite, coded("gzip"), 415, "body_compressed").await;
    let sentence =
        "the body is compressed with `gzip`, which is not read here: send it uncompressed";
    assert_eq!(problem["detail"], sentence);
    coded("identity").send().await.json(201);
}

async fn large_bodies_are_refused_but_where_they_stream(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let large = "x".repeat(postern_wire::rest::MAX_BODY);
    for chunked in [false, true] {
        let call = call(suite, &token, "POST", "/v1/runs")
            .header("content-type", JSON)
            .body(format!(
                r#"{{"workflow":{{"project":"shop","name":"release"}},"x":"{large}"}}"#
            ));
        let call = if chunked { call.chunked() } else { call };
        suite.origin.reset().await;
        call.send_while_reading()
            .await
            .problem(413, "body_too_large");
        suite.origin.assert_untouched("a large body").await;
    }
    let length = large.len() + 1;
    let send = |method, path| call(suite, &token, method, path).body(large.clone() + "x");
    suite.origin.reset().await;
    let refused = send("POST", STORE).send_while_reading().await;
    refused.problem(413, "body_too_large");
    suite.origin.assert_untouched("a large body").await;
    let streamed = send("PUT", UPLOADS).send().await.json(201);
    assert_eq!(streamed["bytes"], length);
}

async fn deep_bodies_are_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let body =
            format!(r#"{{"x":{open}{close},"workflow":{{"project":"shop","name":"release"}}}}"#);
        call(suite, &token, "POST", "/v1/runs")
            .header("content-type", JSON)
            .body(body)
    };
    nested(63).send().await.json(201);
    for depth in [64, 100_000] {
        let problem = refused(suite, nested(depth), 400, "body_unreadable").await;
        assert!(
            problem["detail"]
                .as_str()
                .expect("a sentence")
                .contains("deeper than 64 levels"),
            "{problem}"
        );
    }
}

async fn routes_are_closed_by_default(suite: &Suite) {
    let keys = Keys::random();
    for serve in [
        Serve::new(&suite.origin.url, &keys),
        Serve::new(&suite.origin.url, &keys).set("REST_ROUTES", "closed"),
    ] {
        let gateway = serve.start().await;
        let organization = Organization::new(&gateway, &keys.admin).await;
        let token = organization.mint_for_release(&gateway, "jwt").await;
        suite.origin.reset().await;
        for (method, path) in [
            ("POST", "/v1/runs"),
            ("POST", STORE),
            ("GET", READ),
            ("GET", "/v1/runs"),
        ] {
            let call = gateway
                .call(method, path)
                .bearer(&token.token)
                .from("10.9.8.7");
            call.send().await.problem(404, "not_found");
        }
        suite.origin.assert_untouched("closed").await;
        // The plain routes are always there.
        let answer = gateway
            .call("GET", "/statusz")
            .from("10.9.8.7")
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        gateway.stop();
    }
    let serve = Serve::new(&suite.origin.url, &keys).set("REST_ROUTES", "ajar");
    let gateway = serve.start().await;
    let answer = gateway
        .call("POST", "/v1/runs")
        .from("10.9.8.7")
        .send()
        .await;
    answer.problem(503, "misconfigured");
    gateway.stop();
}

/// A plain route as it passes to the origin.
async fn passed(suite: &Suite, call: Call, path: &str, query: &str) -> Answer {
    suite.origin.reset().await;
    let answer = call.send().await;
    assert_eq!(answer.status, 200, "{}: {}", answer.what, answer.text());
    assert_eq!(answer.header("content-type"), Some(JSON));
    let call = only_call(suite).await;
    assert_eq!(
        (&call["path"], &call["query"]),
        (&json!(path), &json!(query))
    );
    answer
}

async fn infoz_and_statusz_need_no_token(suite: &Suite) {
    for (path, query) in [
        ("/infoz", ""),
        ("/statusz", ""),
        ("/statusz", "readiness=1"),
        ("/statusz", "readiness=true"),
    ] {
        let target = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        let call = || suite.gateway.call("GET", &target).from("10.9.8.7");
        passed(suite, call(), path, query).await;
        // A credential is not looked at.
        passed(suite, call().bearer("garbage"), path, query).await;
        passed(suite, call().bearer("a").bearer("b"), path, query).await;
    }
    for path in [
        "/statusz?x=1",
        "/statusz?readiness=1&readiness=1",
        "/statusz?Readiness=1",
        "/infoz?readiness=%FF",
    ] {
        let call = suite.gateway.call("GET", path).from("10.9.8.7");
        refused(suite, call, 400, "query_invalid").await;
    }
    for path in ["/infoz/", "/Infoz", "/info%7A", "/infoz/x"] {
        let call = suite.gateway.call("GET", path).from("10.9.8.7");
        refused(suite, call, 404, "not_found").await;
    }
}

async fn discover_keeps_tokens_to_their_project(suite: &Suite) {
    let organization = suite.organization().await;
    let run_of = organization.mint(&suite.gateway, &json!({})).await;
    let project = organization
        .mint(&suite.gateway, &json!({ "project": SHOP }))
        .await;
    let workflow = organization.mint_for_release(&suite.gateway, "jwt").await;
    let without = organization
        .mint(&suite.gateway, &json!({ "policies": ["workflow:read"] }))
        .await;
    let path = format!("/discover/sha256:{}", sha256_hex(b"x"));
    let call = |token: &Minted, query: &str| call(suite, token, "GET", &format!("{path}{query}"));
    let own = "?project_name=shop";
    let reaches = async |token: &Minted, query: &'static str| {
        suite.origin.reset().await;
        let answer = call(token, query).send().await;
        // Known or unknown, it is the origin's answer.
        assert!(
            [200, 404].contains(&answer.status),
            "{}: {}",
            answer.what,
            answer.text()
        );
        assert_eq!(
            only_call(suite).await["query"],
            query.trim_start_matches('?')
        );
    };
    reaches(&run_of, "").await;
    reaches(&run_of, "?project_name=elsewhere").await;
    reaches(&project, own).await;
    for (token, query, code) in [
        (&project, "", "not_confined"),
        (&project, "?project_name=other", "other_project"),
        (&workflow, own, "not_confined"),
        (&workflow, "", "not_confined"),
        (&workflow, "?project_name=other", "other_project"),
        (&without, own, "operation_not_allowed"),
    ] {
        refused(suite, call(token, query), 403, code).await;
    }
    refused(
        suite,
        call(&run_of, "").without("authorization"),
        401,
        "credential_missing",
    )
    .await;
}

async fn discover_knows_its_parameters(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint(&suite.gateway, &json!({})).await;
    for (query, code) in [
        ("projectName=shop", "query_invalid"),
        ("t=token", "query_invalid"),
        ("kind=A&kind=B", "query_invalid"),
        ("project_name=shop&project_name=shop", "query_invalid"),
        ("project_name=", "identity_invalid"),
        ("pagination.limit=%FF", "query_invalid"),
    ] {
        let path = format!("/discover/sha256:0?{query}");
        refused(suite, call(suite, &token, "GET", &path), 400, code).await;
    }
    for path in [
        "/discover",
        "/discover/",
        "/discover/a/b",
        "/discover/a%2Fb",
        "/discover/%2e%2e",
    ] {
        refused(suite, call(suite, &token, "GET", path), 404, "not_found").await;
    }
}
