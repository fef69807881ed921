//! Calls in Connect, and what of their headers arrived.

use postern_system_tests::http::{Answer, Call};
use postern_system_tests::suite::Suite;
use serde_json::Value;

pub const GET_CONTRACT: &str = "/controlplane.v1.AttestationService/GetContract";

pub const PROTO: &str = "application/proto";

/// A token for `shop`/`release`.
pub async fn token(suite: &Suite) -> String {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    token.token
}

pub fn connect(suite: &Suite, path: &str, message: Vec<u8>) -> Call {
    suite
        .gateway
        .call("POST", path)
        .header("content-type", PROTO)
        .header("connect-protocol-version", "1")
        .body(message)
}

/// The one value of a header of a call at the origin.
#[track_caller]
pub fn header<'a>(call: &'a Value, name: &str) -> Option<&'a str> {
    match call["headers"][name].as_array().map(Vec::as_slice) {
        None => None,
        Some([value]) => value.as_str(),
        Some(several) => panic!("{name} {}: {several:?}", call["path"]),
    }
}

/// Asserts an error in Connect's JSON; gives its details.
#[track_caller]
pub fn failed(answer: &Answer, status: u16, code: &str, message: &str) -> Vec<Value> {
    assert_eq!(answer.status, status, "{}: {}", answer.what, answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let error = answer.json(status);
    let told = (error["code"].as_str(), error["message"].as_str());
    assert_eq!(told, (Some(code), Some(message)), "{}", answer.what);
    error["details"].as_array().cloned().unwrap_or_default()
}
