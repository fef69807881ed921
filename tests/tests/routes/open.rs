//! Routes that are closed by default, and the plain GET routes of the control plane.

use postern_origin::sha256_hex;
use postern_system_tests::cases;
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Serve;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::json;

use crate::support::{JSON, READ, STORE, call, only_call, refused};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        routes_are_closed_by_default,
        infoz_and_statusz_need_no_token,
        discover_keeps_tokens_to_their_project,
        discover_knows_its_parameters,
    ]
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
