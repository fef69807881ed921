//! The routes of routes.toml as calls, and what must not reach the origin.

use postern_system_tests::http::Call;
use postern_system_tests::organization::Minted;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

pub const STORE: &str = "/v1/projects/shop/workflows/release/attestations";

pub const READ: &str = "/v1/attestations/sha256:0?project=shop";

pub const JSON: &str = "application/json";

pub fn call(suite: &Suite, token: &Minted, method: &str, path: &str) -> Call {
    suite
        .gateway
        .call(method, path)
        .bearer(&token.token)
        .from("10.9.8.7")
}

pub fn beginning(suite: &Suite, token: &Minted, project: &str, workflow: &str) -> Call {
    call(suite, token, "POST", "/v1/runs")
        .json(&json!({ "workflow": { "project": project, "name": workflow } }))
}

/// Sends what must be refused with this status and code, and must not reach the origin.
pub async fn refused(suite: &Suite, call: Call, status: u16, code: &str) -> Value {
    suite.origin.reset().await;
    let problem = call.send().await.problem(status, code);
    suite.origin.assert_untouched(code).await;
    problem
}

pub async fn only_call(suite: &Suite) -> Value {
    let mut calls = suite.origin.calls().await;
    assert_eq!(calls.len(), 1, "{calls:#?}");
    calls.remove(0)
}
