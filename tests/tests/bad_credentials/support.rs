//! Asserts that a credential is refused on every way, and the ways to make such credentials.

use std::time::{SystemTime, UNIX_EPOCH};

use postern_system_tests::forge;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

/// Asserts that the credential is refused on both kinds of route, with this outcome, and does nothing.
pub async fn refuses(
    suite: &Suite,
    organization: &Organization,
    what: &str,
    credential: &str,
    outcome: &Outcome,
) {
    refuses_headers(
        suite,
        organization,
        what,
        &[&format!("Bearer {credential}")],
        outcome,
    )
    .await;
}

pub async fn refuses_headers(
    suite: &Suite,
    organization: &Organization,
    what: &str,
    headers: &[&str],
    outcome: &Outcome,
) {
    let before = organization.snapshot(&suite.gateway).await;
    for (method, path) in [
        ("GET", "/org/tokens"),
        ("POST", "/org/tokens"),
        ("POST", "/orgs"),
    ] {
        let mut call = suite
            .gateway
            .call(method, path)
            .organization(&organization.name)
            .from(&organization.address);
        if method == "POST" {
            call = call.json(&json!({ "name": "must-not-be" }));
        }
        for header in headers {
            call = call.header("authorization", header);
        }
        let answer = call.send().await;
        assert_eq!((what, answer.status), (what, 401), "{}", answer.text());
        assert!(
            answer.text().contains(&format!("\"{}\"", outcome.code)),
            "{what}: {}",
            answer.text()
        );
        let problem = answer.problem(401, outcome.code);
        assert_eq!(
            (what, problem["detail"].as_str()),
            (what, Some(outcome.detail))
        );
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(
            challenge.starts_with("Bearer "),
            "{what}: the challenge is `{challenge}`"
        );
        // RFC 6750, section 3.1: no error code for a request without a credential.
        assert_eq!(
            challenge.contains("error=\"invalid_token\""),
            outcome.code != "credential_missing",
            "{what}: {challenge}"
        );
        if let Some(cause) = outcome.cause {
            let line = suite
                .gateway
                .log_line(problem["request_id"].as_str().expect("a request id"))
                .await;
            assert_eq!(
                (what, line["cause"].as_str()),
                (what, Some(cause)),
                "{line}"
            );
        }
    }
    assert_eq!(
        organization.snapshot(&suite.gateway).await,
        before,
        "{what} changed something"
    );

    suite.origin.reset().await;
    let mut call = rpc::anonymous(
        &suite.gateway,
        0,
        FIND_OR_CREATE,
        rpc::frame(0, &rpc::names(SHOP, RELEASE)),
    );
    for header in headers {
        call = call.header("authorization", header);
    }
    call.send().await.refused(16, outcome.message);
    suite.origin.assert_untouched(what).await;
}

/// How a credential is refused.
#[derive(Clone, Copy)]
pub struct Outcome {
    pub code: &'static str,
    pub detail: &'static str,
    /// In gRPC, where the stock client matches some sentences exactly.
    pub message: &'static str,
    /// What the log alone says, where a test means one reason.
    pub cause: Option<&'static str>,
}

impl Outcome {
    pub const fn because(self, cause: &'static str) -> Self {
        Self {
            cause: Some(cause),
            ..self
        }
    }
}

pub const MALFORMED: Outcome = Outcome {
    code: "credential_malformed",
    detail: "the credential is malformed: send one Bearer token, whole and unchanged",
    message: "Token is invalid",
    cause: None,
};

pub const EXPIRED: Outcome = Outcome {
    code: "token_expired",
    detail: "the token has expired or is not valid yet: mint or log in again",
    message: "JWT token has expired",
    cause: None,
};

pub const REFUSED: Outcome = Outcome {
    code: "credential_refused",
    detail: "the credential was refused",
    message: "the credential was refused",
    cause: None,
};

/// A text of no form: one answer in JSON, and what the stock client knows in gRPC.
pub const FORMLESS: Outcome = Outcome {
    message: "Token is invalid",
    cause: Some("no known form of credential"),
    ..REFUSED
};

/// Asserts that a token opens what it is for.
pub async fn opens(suite: &Suite, credential: &str) {
    rpc::call(
        &suite.gateway,
        FIND_OR_CREATE,
        credential,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await
    .accepted();
}

pub async fn jwt(suite: &Suite, organization: &Organization) -> Minted {
    organization.mint_for_release(&suite.gateway, "jwt").await
}

/// The token with changed claims, signed as the gateway would.
pub fn resigned(suite: &Suite, token: &Minted, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = forge::part(&token.token, 1);
    change(&mut claims);
    forge::jwt(&forge::header(), &claims.to_string(), &suite.keys.k2)
}

pub fn without(claims: &mut Value, names: &[&str]) {
    for name in names {
        claims
            .as_object_mut()
            .expect("claims")
            .remove(*name)
            .expect("the claim was there");
    }
}

pub fn seconds_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(now.as_secs()).expect("a while yet") + seconds
}

/// Everything of an answer that a client can see, less the request's id and the time.
pub fn whole(answer: &Answer) -> String {
    let request_id = answer.header("x-request-id").expect("a request id");
    let mut headers = answer.headers.clone();
    headers.remove("date");
    format!(
        "{} {headers:#?} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    )
    .replace(request_id, "…")
}
