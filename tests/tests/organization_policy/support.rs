//! Pausing and resuming, and whether tokens are stopped.

use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::call;
use postern_system_tests::organization::{Minted, Organization};
use serde_json::{Value, json};

pub const ISOLATES: u16 = 3;
pub const FORMATS: [&str; 2] = ["opaque", "jwt"];

/// What every call of a paused organization's tokens is told.
pub const PAUSED: &str = "the organization is paused: nothing is done for its tokens, and none is created, until an \
                          administrator resumes it";

pub async fn pause(gateway: &Gateway, organization: &Organization) -> Value {
    let call = organization.call(gateway, "POST", "/org/pause");
    call.json(&json!({ "reason": "a test" }))
        .send()
        .await
        .json(200)
}

pub async fn resume(gateway: &Gateway, organization: &Organization) -> Value {
    let call = organization.call(gateway, "POST", "/org/resume");
    call.send().await.json(200)
}

/// Asserts that every isolate refuses a token because of the pause.
pub async fn assert_paused(gateway: &Gateway, token: &Minted) {
    for isolate in 0..gateway.isolates() {
        let answer = call(gateway, isolate, &token.token).send().await;
        answer.refused(7, PAUSED);
    }
}
