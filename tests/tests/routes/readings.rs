//! Requests that the gateway and the origin could read in two ways.

use postern_system_tests::cases;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::json;

use crate::support::{JSON, READ, STORE, beginning, call, only_call, refused};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        paths_in_another_spelling_are_no_routes,
        other_methods_are_told_which_there_are,
        queries_that_can_be_read_twice_are_refused,
        headers_that_can_be_read_twice_are_refused,
        bodies_that_can_be_read_twice_are_refused,
        bodies_that_are_not_json_are_refused,
        large_bodies_are_refused_but_where_they_stream,
        deep_bodies_are_refused,
    ]
}

const UPLOADS: &str = "/v1/projects/shop/workflows/release/uploads";

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
