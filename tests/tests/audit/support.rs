//! Finds events and checkpoints.

use postern_system_tests::audit::export;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::Organization;
use serde_json::Value;

/// The one event of a request.
#[track_caller]
pub fn of<'e>(events: &'e [Value], answer: &Answer) -> &'e Value {
    let id = answer.header("x-request-id").expect("a request id");
    let found: Vec<&Value> = events
        .iter()
        .filter(|event| event["request_id"] == id)
        .collect();
    match found.as_slice() {
        [only] => only,
        other => panic!("{}: events {other:#?}", answer.what),
    }
}

pub async fn checkpoints(gateway: &Gateway, organization: &Organization) -> Vec<Value> {
    // What the Ledger still has to bring.
    export(gateway, organization).await;
    let path = "/org/audit/checkpoints";
    organization.all(gateway, path, "", "checkpoints").await
}

pub fn content(checkpoint: &Value) -> Value {
    let text = checkpoint["checkpoint"].as_str().expect("a text");
    serde_json::from_str(text).expect("JSON")
}
