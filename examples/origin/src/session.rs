//! `GET /session`, what a control plane's session endpoint is to the gate: a cookie goes in, the
//! person behind it comes out. Cookies become known through `/debug/sessions`. Insecure on purpose:
//! `/debug/session-mode` makes it fail in the ways that a gateway must survive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::channel::Channel;
use serde::{Deserialize, Serialize};

/// How long a slow endpoint takes: longer than a gateway waits.
const SLOW: Duration = Duration::from_secs(5);

/// The routes.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/session", get(session))
        .route("/debug/sessions", post(register).delete(forget))
        .route("/debug/session-mode", post(set_mode))
        .route("/debug/session-calls", get(count))
        .with_state(Sessions::default())
}

#[derive(Debug, Clone, Default)]
struct Sessions(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// By `name=value`.
    known: BTreeMap<String, Person>,
    mode: Mode,
    calls: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Person {
    user_id: String,
    organizations: Vec<Membership>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Membership {
    name: String,
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    cookie: String,
    user_id: String,
    organizations: Vec<Membership>,
}

/// How the endpoint behaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "mode", content = "body")]
enum Mode {
    /// As promised.
    #[default]
    Well,
    /// 503.
    Down,
    /// After five seconds, as promised.
    Slow,
    /// At once the status, after five seconds the body.
    Trickling,
    /// 200 with this text, to whoever asks.
    Lying(String),
    /// A good answer, and endless blanks behind it.
    Long,
    /// 302 to this place.
    Redirecting(String),
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn session(State(sessions): State<Sessions>, headers: HeaderMap) -> Response {
    let (mode, person) = {
        let mut inner = sessions.lock();
        inner.calls += 1;
        (inner.mode.clone(), known(&inner, &headers))
    };
    let Some(person) = person else {
        return match mode {
            Mode::Lying(body) => json(body),
            _ => StatusCode::UNAUTHORIZED.into_response(),
        };
    };
    let body = serde_json::to_string(&person).unwrap_or_default();
    match mode {
        Mode::Well => json(body),
        Mode::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mode::Slow => {
            tokio::time::sleep(SLOW).await;
            json(body)
        }
        Mode::Trickling => {
            let (mut sender, late) = Channel::<Bytes>::new(1);
            tokio::spawn(async move {
                tokio::time::sleep(SLOW).await;
                // Who gave up waiting is why this is here.
                let _ = sender.send_data(body.into()).await;
            });
            Body::new(late).into_response()
        }
        Mode::Lying(body) => json(body),
        Mode::Long => json(body + &" ".repeat(1024 * 1024)),
        Mode::Redirecting(to) => (StatusCode::FOUND, [(LOCATION, to)], body).into_response(),
    }
}

/// The person behind the first cookie that is known.
fn known(inner: &Inner, headers: &HeaderMap) -> Option<Person> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| inner.known.get(cookie.trim()).cloned())
}

async fn register(State(sessions): State<Sessions>, body: Bytes) -> Response {
    match serde_json::from_slice::<Known>(&body) {
        Ok(known) => {
            let person = Person {
                user_id: known.user_id,
                organizations: known.organizations,
            };
            sessions.lock().known.insert(known.cookie, person);
            StatusCode::CREATED.into_response()
        }
        Err(error) => wrong(&error),
    }
}

async fn forget(State(sessions): State<Sessions>) -> StatusCode {
    sessions.lock().known.clear();
    StatusCode::NO_CONTENT
}

async fn set_mode(State(sessions): State<Sessions>, body: Bytes) -> Response {
    match serde_json::from_slice::<Mode>(&body) {
        Ok(mode) => {
            sessions.lock().mode = mode;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => wrong(&error),
    }
}

async fn count(State(sessions): State<Sessions>) -> Response {
    json(sessions.lock().calls.to_string())
}

fn wrong(error: &serde_json::Error) -> Response {
    (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response()
}

fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
