//! Asserts that each request is refused with nothing changed.

use postern_system_tests::http::Call;
use postern_system_tests::organization::Organization;
use postern_system_tests::suite::Suite;
use serde_json::Value;

/// The gate's patience with the origin here, in seconds: short, for the slow ones below.
pub const PATIENCE: u64 = 2;

/// Asserts that each request is refused with status and code, and that nothing in the organization changed.
pub async fn refuse_all(
    suite: &Suite,
    organization: &Organization,
    rows: Vec<(&str, Call, u16, &str)>,
) -> Vec<Value> {
    let before = organization.snapshot(&suite.gateway).await;
    let mut problems = Vec::new();
    for (what, call, status, code) in rows {
        let answer = call.send().await;
        assert_eq!((what, answer.status), (what, status), "{}", answer.text());
        problems.push(answer.problem(status, code));
        assert_eq!(
            organization.snapshot(&suite.gateway).await,
            before,
            "{what} changed something"
        );
    }
    problems
}

pub fn answer(head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
