//! Plain HTTP under `/debug/strict`: what a test needs of a control plane and its API does not give.
//! Hands out tokens to anybody who asks, like the sessions beside it; insecure on purpose.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::cas::Wrong;
use super::{Issued, NewToken, NotMade, Role, Strict};

/// The routes.
pub(super) fn routes(strict: Strict) -> Router {
    Router::new()
        .route("/debug/strict/organizations", post(organization))
        .route("/debug/strict/tokens", post(token))
        .route("/debug/strict/users", post(user))
        .route("/debug/strict/revoke", post(revoke))
        .route("/debug/strict/suspend", post(suspend))
        .route("/debug/strict/metrics", post(metrics))
        .route("/debug/strict/retire-key", post(retire_key))
        .route("/debug/strict/falsify", post(falsify))
        .with_state(strict)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrganization {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    organization: String,
    name: String,
    project: Option<String>,
    workflow: Option<String>,
    expires_in_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    organization: String,
    email: String,
    /// `owner`, `admin`, `viewer`, `contributor` or `member`.
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    /// UUID.
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suspend {
    organization: String,
    suspended: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metrics {
    organization: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Falsify {
    /// SHA-256, in hex.
    digest: String,
    /// `null`: right again.
    wrong: Option<Wrong>,
}

async fn organization(State(strict): State<Strict>, body: Bytes) -> Response {
    answer(&body, |asked: NewOrganization| {
        let id = strict.organization(&asked.name)?;
        Ok(json!({ "id": id, "name": asked.name }))
    })
}

async fn token(State(strict): State<Strict>, body: Bytes) -> Response {
    answer(&body, |asked: Token| {
        let new = NewToken {
            name: asked.name,
            project: asked.project,
            workflow: asked.workflow,
            expires_in: asked.expires_in_s.map(Duration::from_secs),
        };
        Ok(issued(&strict.api_token(&asked.organization, &new)?))
    })
}

async fn user(State(strict): State<Strict>, body: Bytes) -> Response {
    answer(&body, |asked: User| {
        let role = Role::parse(&asked.role);
        let role = role.ok_or_else(|| NotMade(format!("no role is named `{}`", asked.role)))?;
        Ok(issued(&strict.user(
            &asked.organization,
            &asked.email,
            role,
        )?))
    })
}

async fn revoke(State(strict): State<Strict>, body: Bytes) -> Response {
    answer(&body, |asked: Revoke| {
        let id = Uuid::parse_str(&asked.id);
        strict.revoke(id.map_err(|why| NotMade(why.to_string()))?)?;
        Ok(json!({}))
    })
}

async fn suspend(State(strict): State<Strict>, body: Bytes) -> Response {
    answer(&body, |asked: Suspend| {
        strict.suspend(&asked.organization, asked.suspended)?;
        Ok(json!({}))
    })
}

async fn metrics(State(strict): State<Strict>, body: Bytes) -> Response {
    answer(&body, |asked: Metrics| {
        strict.with_metrics(&asked.organization)?;
        Ok(json!({}))
    })
}

async fn retire_key(State(strict): State<Strict>) -> Response {
    answer(b"{}", |_: Value| {
        strict.retire_key()?;
        Ok(json!({}))
    })
}

async fn falsify(State(strict): State<Strict>, body: Bytes) -> Response {
    answer(&body, |asked: Falsify| {
        strict.falsify(&asked.digest, asked.wrong);
        Ok(json!({}))
    })
}

fn issued(issued: &Issued) -> Value {
    json!({ "id": issued.id.to_string(), "jwt": issued.jwt })
}

fn answer<T: DeserializeOwned>(
    body: &[u8],
    make: impl FnOnce(T) -> Result<Value, NotMade>,
) -> Response {
    let asked = match serde_json::from_slice(body) {
        Ok(asked) => asked,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    match make(asked) {
        Ok(made) => ([(CONTENT_TYPE, "application/json")], made.to_string()).into_response(),
        Err(error) => (StatusCode::CONFLICT, format!("{error}\n")).into_response(),
    }
}
