//! The endpoint that verifies sessions: failing, slow to forget, or not set (R23).

use std::time::{Duration, Instant};

use postern_system_tests::cases;
use postern_system_tests::http::Call;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{cookie, own, sign_in, told};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r23_an_endpoint_that_fails_admits_nobody,
        r23_cookies_of_every_size_and_number,
        r23_a_session_that_ends_is_shut_out_within_seconds,
        r23_without_the_variable_a_cookie_is_nothing,
    ]
}

/// Sends a call until it is answered so; gives how often. On a machine under load every endpoint can be too slow.
async fn settles(call: &Call, expected: &str, mode: &Value) -> u64 {
    let mut tries = 0;
    loop {
        let answer = told(&call.clone().send().await);
        tries += 1;
        if answer == expected {
            return tries;
        }
        assert_eq!(answer, "503 unavailable", "{mode}");
        assert!(tries < 10, "{mode}: {expected} is not what comes of it");
    }
}

async fn r23_an_endpoint_that_fails_admits_nobody(suite: &Suite) {
    let organization = suite.organization().await;
    let before = organization.snapshot(&suite.gateway).await;
    let person = json!({
        "user_id": "kim", "organizations": [{ "name": organization.name, "role": "owner" }],
    });
    let target = format!("{}/session", suite.origin.url);
    let lie = |body: &str| json!({ "mode": "lying", "body": body });
    let twice = person.to_string().replace(
        "[{",
        &format!(r#"[{{"name":"{}","role":"viewer"}},{{"#, organization.name),
    );
    let (refused, unavailable) = ("401 credential_refused", "503 unavailable");
    let rows = [
        (json!({ "mode": "down" }), unavailable),
        (json!({ "mode": "slow" }), unavailable),
        (json!({ "mode": "trickling" }), unavailable),
        (json!({ "mode": "long" }), unavailable),
        (json!({ "mode": "redirecting", "body": target }), refused),
        (lie(""), refused),
        (lie("null"), refused),
        (lie("<html>"), refused),
        (lie("[]"), refused),
        (lie(r#"{"user_id":"kim"}"#), refused),
        (
            lie(&json!({ "user_id": "", "organizations": [] }).to_string()),
            refused,
        ),
        (
            lie(&json!({ "user_id": 1, "organizations": [] }).to_string()),
            refused,
        ),
        (
            lie(&json!({ "user_id": "kim", "organizations": [organization.name] }).to_string()),
            refused,
        ),
        (lie(&twice), refused),
        (lie(&format!("{person}x")), refused),
    ];
    for (mode, expected) in rows {
        // A cookie each: nothing of it is remembered.
        let cookie = sign_in(suite, &organization, "owner").await;
        let asked = suite.origin.session_calls().await;
        suite.origin.session_mode(&mode).await;
        let read = own(&suite.gateway, &cookie, "GET", "/org/tokens");
        let tries = settles(&read, expected, &mode).await;
        let calls = suite.origin.session_calls().await;
        assert_eq!(calls, asked + tries, "{mode}: a redirect was followed");
        let write = own(&suite.gateway, &cookie, "POST", "/org/tokens").body("{}");
        settles(&write, expected, &mode).await;
        // Other ways in go on.
        organization.tokens(&suite.gateway, "").await;
        suite.origin.session_mode(&json!({ "mode": "well" })).await;
        let read = own(&suite.gateway, &cookie, "GET", "/org/tokens");
        settles(&read, "ok", &mode).await;
    }
    assert_eq!(organization.snapshot(&suite.gateway).await, before);

    // Nobody listens there at all.
    let nobody = "http://127.0.0.1:9/session";
    let serve = suite.serve().set("SESSION_VERIFY_URL", nobody);
    let gateway = serve.start().await;
    let read = own(&gateway, &cookie(), "GET", "/org/tokens").send().await;
    read.problem(503, "unavailable");
    gateway.stop();
}

async fn r23_cookies_of_every_size_and_number(suite: &Suite) {
    let organization = suite.organization().await;
    let cookie = sign_in(suite, &organization, "viewer").await;
    let list = |cookies: &str| own(&suite.gateway, cookies, "GET", "/org/tokens");
    for cookies in [
        format!("{cookie}; theme=dark"),
        format!("theme=dark; {cookie}; a=b"),
        format!("theme={}; {cookie}", "x".repeat(8_000)),
    ] {
        list(&cookies).send().await.json(200);
    }
    let asked = suite.origin.session_calls().await;
    let too_long = format!("{cookie}; theme={}", "x".repeat(16 * 1024 - 60));
    let answer = list(&too_long).send().await;
    let request = answer.problem(401, "credential_refused")["request_id"].clone();
    let line = suite
        .gateway
        .log_line(request.as_str().expect("an id"))
        .await;
    assert_eq!(line["cause"], "cookies longer than any session's");
    assert_eq!(suite.origin.session_calls().await, asked);
    for wrong in ["session=", "session", "=", ";;;", "session=00; session=01"] {
        list(wrong).send().await.problem(401, "credential_refused");
    }
    // An empty header is no cookie.
    list("").send().await.problem(401, "credential_missing");
}

async fn r23_a_session_that_ends_is_shut_out_within_seconds(suite: &Suite) {
    let organization = suite.organization().await;
    let cookie = sign_in(suite, &organization, "admin").await;
    let list = |isolate: u16| {
        let call = suite.gateway.call_on(isolate, "GET", "/org/tokens");
        call.header("cookie", &cookie)
    };
    list(0).send().await.json(200);
    suite.origin.sign_out().await;
    // The other isolate has never heard of it.
    list(1).send().await.problem(401, "credential_refused");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = list(0).send().await;
        if answer.status == 401 {
            answer.problem(401, "credential_refused");
            break;
        }
        answer.json(200);
        assert!(Instant::now() < deadline, "a session that ended is let in");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn r23_without_the_variable_a_cookie_is_nothing(suite: &Suite) {
    let gateway = suite.serve().start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let cookie = sign_in(suite, &organization, "owner").await;
    let asked = suite.origin.session_calls().await;
    let list = own(&gateway, &cookie, "GET", "/org/tokens");
    list.send().await.problem(401, "credential_missing");
    assert_eq!(suite.origin.session_calls().await, asked);
    gateway.stop();
}
