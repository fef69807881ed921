//! Introspects and revokes as a caller does; forms and tokens that are none.

use postern_system_tests::forge::{self, Keys};
use postern_system_tests::http::Answer;
use postern_system_tests::organization::Minted;
use postern_system_tests::random_id;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

pub const ISOLATES: u16 = 4;

pub const FORMATS: [&str; 2] = ["opaque", "jwt"];

pub const INTROSPECT: &str = "/oauth/introspect";

pub const REVOKE: &str = "/oauth/revoke";

pub async fn introspect(suite: &Suite, caller: &str, token: &str) -> Value {
    let call = suite.gateway.call("POST", INTROSPECT).bearer(caller);
    let answer = call.form(&[("token", token)]).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json(200)
}

/// Asserts that a caller learns of a token exactly that it is not active, byte for byte.
pub async fn assert_inactive(suite: &Suite, caller: &str, token: &str, why: &str) {
    let call = suite.gateway.call("POST", INTROSPECT).bearer(caller);
    let answer = call.form(&[("token", token)]).send().await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, r#"{"active":false}"#),
        "{why}"
    );
}

/// Revokes as a holder does, on that isolate.
pub async fn revoke(suite: &Suite, isolate: u16, token: &str) -> Answer {
    let call = suite.gateway.call_on(isolate, "POST", REVOKE);
    call.form(&[("token", token)]).send().await
}

/// Tokens that are none of any organization, for one that has `token` and has revoked `dead`.
pub fn strangers(keys: &Keys, token: &Minted, dead: &Minted) -> Vec<(&'static str, String)> {
    let root = keys.root();
    let key = forge::opaque(&random_id(), &root);
    let claims = json!({
        "jti": random_id(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"],
        "org_id": token.answer["organization"]["id"], "org_name": token.answer["organization"]["name"],
        "token_name": "x",
    });
    let mut expired = claims.clone();
    expired["exp"] = json!(1_000_000_000);
    let mut foreign = claims.clone();
    foreign["iss"] = json!("https://elsewhere.example");
    let jwt = |claims: &Value, key: &[u8]| forge::jwt(&forge::header(), &claims.to_string(), key);
    vec![
        ("revoked", dead.token.clone()),
        ("of an id that nobody has", key.clone()),
        ("with another secret", forge::opaque(&token.id, &root)),
        ("damaged", forge::damage(&key, &forge::PARTS[5].1)),
        ("a JWT that nobody has", jwt(&claims, &keys.k2)),
        ("an expired JWT", jwt(&expired, &keys.k2)),
        ("a JWT of another issuer", jwt(&foreign, &keys.k2)),
        ("a stale JWT", jwt(&claims, &keys.k0)),
        ("a JWT without an algorithm", {
            let header = json!({ "alg": "none", "typ": "JWT" });
            forge::jwt(&header, &claims.to_string(), &keys.k2)
        }),
        ("the administrator's key", keys.admin.clone()),
        ("an id", token.id.clone()),
        ("no token at all", "hello".to_owned()),
        ("a blank", " ".to_owned()),
        ("two words", format!("{} {}", token.token, token.token)),
        ("of another alphabet", "pst_日本語".to_owned()),
        ("very long", "x".repeat(9_000)),
        ("with a line break", "a\r\nx: y".to_owned()),
        ("with a zero", "a\0b".to_owned()),
    ]
}

/// Bodies and media types that are no form with one token, and what is said of each.
pub fn no_forms(token: &str) -> Vec<(&'static str, &'static str, String, u16, &'static str)> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let pair = format!("token={token}");
    vec![
        ("no body", FORM, String::new(), 400, "token_parameter"),
        (
            "no token",
            FORM,
            "hint=x".to_owned(),
            400,
            "token_parameter",
        ),
        (
            "an empty token",
            FORM,
            "token=".to_owned(),
            400,
            "token_parameter",
        ),
        (
            "a token by name only",
            FORM,
            "token".to_owned(),
            400,
            "token_parameter",
        ),
        (
            "two tokens",
            FORM,
            format!("{pair}&{pair}"),
            400,
            "token_parameter",
        ),
        (
            "an empty one too",
            FORM,
            format!("{pair}&token="),
            400,
            "token_parameter",
        ),
        (
            "another case",
            FORM,
            format!("Token={token}"),
            400,
            "token_parameter",
        ),
        (
            "JSON",
            "application/json",
            json!({ "token": token }).to_string(),
            415,
            "unsupported_media_type",
        ),
        (
            "JSON as a form",
            FORM,
            json!({ "token": token }).to_string(),
            400,
            "token_parameter",
        ),
        (
            "text",
            "text/plain",
            pair.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            "parts",
            "multipart/form-data; boundary=x",
            pair.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            "no media type",
            "",
            pair.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            "half a media type",
            "application/x-www-form",
            pair,
            415,
            "unsupported_media_type",
        ),
        (
            "too much",
            FORM,
            format!("x={}&token={token}", "y".repeat(16 * 1024)),
            413,
            "body_too_large",
        ),
    ]
}
