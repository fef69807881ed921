//! Setting credentials, calls with tokens, and what the origin saw of them.

use postern_origin::attestation;
use postern_origin::sha256_hex;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::random_id;
use postern_system_tests::rpc::{self, FIND_OR_CREATE, STORE};
use postern_system_tests::suite::Suite;
use prost::Message as _;
use serde_json::{Value, json};

/// The refusal of a call on `shop`/`release` for which none is set.
pub const MISSING: &str = "no credential for the origin is set for workflow `release` of project `shop`: have an administrator set one with \
                           `PUT /org/projects/shop/workflows/release/upstream` or `PUT /org/projects/shop/upstream` or `PUT /org/upstream`";
/// The refusal of a call on a run that cannot be looked up without one, and may be known soon.
pub const UNAVAILABLE: &str = "a dependency of this answer is not available: try again";
/// The isolates of the gateway.
pub const ISOLATES: u16 = 3;

/// A text that nobody guesses.
pub fn text() -> String {
    format!("upstream-{}", random_id())
}

/// The path of a scope.
pub fn path(project: Option<&str>, workflow: Option<&str>) -> String {
    match (project, workflow) {
        (None, _) => "/org/upstream".to_owned(),
        (Some(project), None) => format!("/org/projects/{project}/upstream"),
        (Some(project), Some(workflow)) => {
            format!("/org/projects/{project}/workflows/{workflow}/upstream")
        }
    }
}

pub async fn set(gateway: &Gateway, of: &Organization, path: &str, body: &Value) -> Value {
    let call = of.call(gateway, "PUT", path).json(body);
    call.send().await.json(200)
}

/// Sets one for the organization, and gives its text.
pub async fn set_one(suite: &Suite, organization: &Organization) -> String {
    let text = text();
    let body = json!({ "credential": text });
    set(&suite.gateway, organization, &path(None, None), &body).await;
    text
}

pub async fn clear(gateway: &Gateway, of: &Organization, path: &str) -> Answer {
    of.call(gateway, "DELETE", path).send().await
}

/// What the origin records of a call with this credential.
pub fn sent(text: &str) -> Value {
    json!([sha256_hex(format!("Bearer {text}").as_bytes())])
}

/// What the origin has recorded of the calls since the last reset.
pub async fn seen(suite: &Suite) -> Vec<Value> {
    let calls = suite.origin.calls().await;
    let credential = |call: &Value| call["headers"]["authorization_sha256"].clone();
    calls.iter().map(credential).collect()
}

pub async fn find(gateway: &Gateway, isolate: u16, token: &Minted, workflow: &str) -> Answer {
    let names = rpc::names(SHOP, workflow);
    let call = rpc::call_on(gateway, isolate, FIND_OR_CREATE, &token.token, &names);
    call.send().await
}

pub async fn store(gateway: &Gateway, isolate: u16, token: &Minted, run: &str) -> Answer {
    let bundle = attestation::attest("file", b"content").expect("entropy");
    let message = rpc::store(run, &bundle.bundle).encode_to_vec();
    let call = rpc::call_on(gateway, isolate, STORE, &token.token, &message);
    call.send().await
}
