//! `/auth/login` and `/auth/callback`: signing in as the control plane does it, with the identity
//! provider left out (`internal/service/auth.go`). Login leads straight to the callback, which signs in
//! the user whose address stands in `code`; a sample has no passwords.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;

use super::text;
use crate::strict::{Strict, people};

/// How long a token of a login holds, and one of a long-lived login.
const SHORT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const STATE: &str = "oauthState";
const CALLBACK: &str = "oauthCallback";
const LONG_LIVED: &str = "longLived";

/// The routes.
pub(super) fn routes() -> Router<Strict> {
    Router::new()
        .route("/auth/login", get(login))
        .route("/auth/callback", get(callback))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    callback: String,
    #[serde(rename = "long-lived")]
    long_lived: String,
    /// Ours: who signs in at the provider that is left out.
    email: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Back {
    state: String,
    code: String,
    error_description: String,
}

async fn login(Query(asked): Query<Login>) -> Response {
    if !allowed(&asked.callback) {
        return text(StatusCode::BAD_REQUEST, "invalid callback URL");
    }
    let state = uuid::Uuid::new_v4().simple().to_string();
    let cookie = |name: &str, value: &str| {
        let value = escape(value);
        (
            SET_COOKIE,
            format!("{name}={value}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"),
        )
    };
    let cookies = AppendHeaders([
        cookie(STATE, &state),
        cookie(CALLBACK, &asked.callback),
        cookie(LONG_LIVED, &asked.long_lived),
    ]);
    let to = format!("/auth/callback?state={state}&code={}", escape(&asked.email));
    (StatusCode::FOUND, cookies, [(LOCATION, to)]).into_response()
}

async fn callback(
    State(strict): State<Strict>,
    Query(asked): Query<Back>,
    headers: HeaderMap,
) -> Response {
    if !asked.error_description.is_empty() {
        return text(StatusCode::UNAUTHORIZED, &asked.error_description);
    }
    let Some(state) = cookie(&headers, STATE) else {
        let message = "the authentication process has expired, please try again";
        return text(StatusCode::UNAUTHORIZED, message);
    };
    if asked.state.is_empty() || asked.state != state {
        let message = "the authentication was invalid, please try again";
        return text(StatusCode::UNAUTHORIZED, message);
    }
    let lasts = match cookie(&headers, LONG_LIVED).as_deref() {
        Some("true") => LONG,
        _ => SHORT,
    };
    let token = {
        let world = strict.lock();
        let user = world.users.values().find(|user| user.email == asked.code);
        let Some(user) = user else {
            return text(StatusCode::UNAUTHORIZED, "Unauthorized");
        };
        people::token(user.id, lasts, &world.key, SystemTime::now())
    };
    let to = cookie(&headers, CALLBACK).unwrap_or_default();
    if to.is_empty() {
        return token.into_response();
    }
    // Checked once more: cookies come from outside as well.
    if !allowed(&to) {
        return text(StatusCode::BAD_REQUEST, "invalid callback URL");
    }
    let glue = if to.contains('?') { '&' } else { '?' };
    (
        StatusCode::FOUND,
        [(LOCATION, format!("{to}{glue}t={token}"))],
    )
        .into_response()
}

/// Whether a token may be sent there: to a path here, or to a program on the user's machine.
fn allowed(callback: &str) -> bool {
    if callback.is_empty() {
        return true;
    }
    if callback.contains('\\') || callback.starts_with("//") {
        return false;
    }
    if callback.starts_with('/') {
        return true;
    }
    let Ok(uri) = callback.parse::<Uri>() else {
        return false;
    };
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    web && matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// The value of a cookie, unescaped.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .and_then(|(_, value)| unescape(value))
}

/// Escapes every byte that is not a letter, a digit, or one of `-._~/`.
pub(super) fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let byte = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(byte).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_token_may_go() {
        for (callback, good) in [
            ("", true),
            ("/download/sha256:00", true),
            ("http://localhost:7000/back", true),
            ("http://127.0.0.1:7000/", true),
            ("https://[::1]/", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example/", false),
            ("http://localhost.evil.example/", false),
            ("http://localhost@evil.example/", false),
            ("ftp://localhost/", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(allowed(callback), good, "{callback}");
        }
    }

    #[test]
    fn values_of_cookies_come_back() {
        for value in ["", "http://localhost:1/a?b=c&d", "a;b=c", "é %41"] {
            assert_eq!(unescape(&escape(value)).as_deref(), Some(value));
        }
        assert_eq!(unescape("%4"), None);
    }
}
