//! Persons with cookies of their own, and what they are told.

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::Organization;
use postern_system_tests::random;
use postern_system_tests::suite::Suite;
use serde_json::Value;

/// A cookie that nobody has had before.
pub fn cookie() -> String {
    let digits: Vec<String> = random::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("session={}", digits.concat())
}

/// A call as our own page makes it.
pub fn own(gateway: &Gateway, cookie: &str, method: &str, path: &str) -> Call {
    gateway
        .call(method, path)
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json")
}

/// A person with this role there.
pub async fn sign_in(suite: &Suite, organization: &Organization, role: &str) -> String {
    let cookie = cookie();
    let memberships = [(organization.name.as_str(), role)];
    suite
        .origin
        .sign_in(&cookie, "kim@example.com", &memberships)
        .await;
    cookie
}

/// `ok`, or status and code.
pub fn told(answer: &Answer) -> String {
    match answer.status {
        200 | 201 => "ok".to_owned(),
        status => {
            let document: Value = serde_json::from_slice(&answer.body).expect("a problem");
            let code = document["code"].as_str().expect("a code").to_owned();
            answer.problem(status, &code);
            format!("{status} {code}")
        }
    }
}
