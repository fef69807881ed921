//! Remembers what reached the origin: one entry for each request outside
//! `/debug/`, in order, as it came off the wire. Never keeps or prints an
//! Authorization value, only its hash.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::digest::sha256_hex;
use crate::web_errors::in_a_frame;

/// Calls kept: beyond this the oldest is forgotten.
pub(crate) const MAX_CALLS: usize = 10_000;

/// Longest request body taken, which is the longest that the gateway lets through; a longer one is
/// answered with 413.
pub(crate) const MAX_BODY: usize = 10 * 1024 * 1024;

/// Longest upload by the route that the gateway streams.
pub(crate) const MAX_UPLOAD: usize = 64 * 1024 * 1024;

/// Longest body taken at a path.
pub(crate) fn max_body(path: &str) -> usize {
    if streams(path) { MAX_UPLOAD } else { MAX_BODY }
}

/// Whether it is the path of the one route that the gateway streams: `stream = true` in its table.
pub(crate) fn streams(path: &str) -> bool {
    path.starts_with("/v1/projects/") && path.ends_with("/uploads")
}

/// One request, as `GET /debug/calls` shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    path: String,
    /// As it came, without its `?`, but for a bearer in `t`; empty when there is none.
    query: String,
    protocol: &'static str,
    method: String,
    http_version: String,
    /// Names in lower case, as HTTP libraries give them; all values, in order.
    headers: BTreeMap<String, Vec<String>>,
    body_sha256: String,
    body_len: usize,
    at_ms: u64,
}

/// The calls so far, how long each answer is held back, and which form errors
/// have.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallLog(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    calls: Mutex<VecDeque<Call>>,
    delay_ms: AtomicU64,
    errors_in_a_frame: AtomicBool,
}

impl CallLog {
    /// All calls kept, oldest first.
    pub(crate) fn all(&self) -> Vec<Call> {
        self.lock().iter().cloned().collect()
    }

    /// Forgets all calls.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Holds back each answer from now on.
    pub(crate) fn set_delay_ms(&self, delay: u64) {
        self.0.delay_ms.store(delay, Ordering::Relaxed);
    }

    /// Gives gRPC-Web errors in a trailer frame from now on, or in the headers.
    pub(crate) fn set_errors_in_a_frame(&self, frame: bool) {
        self.0.errors_in_a_frame.store(frame, Ordering::Relaxed);
    }

    fn push(&self, call: Call) {
        let mut calls = self.lock();
        if calls.len() == MAX_CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.0.delay_ms.load(Ordering::Relaxed))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Call>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Middleware in front of the RPCs: notes the request, lets it through, logs
/// one line.
pub(crate) async fn record(State(log): State<CallLog>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let (body, whole) = match to_bytes(body, max_body(parts.uri.path())).await {
        Ok(body) => (body, true),
        Err(_) => (Bytes::new(), false),
    };
    let call = Call {
        path: parts.uri.path().to_owned(),
        query: shown_query(parts.uri.query().unwrap_or_default()),
        protocol: protocol(&parts.headers),
        method: parts.method.to_string(),
        http_version: format!("{:?}", parts.version),
        headers: shown(&parts.headers),
        body_sha256: sha256_hex(&body),
        body_len: body.len(),
        at_ms: unix_ms(SystemTime::now()),
    };
    let (path, protocol) = (call.path.clone(), call.protocol);
    log.push(call);

    let response = if whole {
        answer_in_kind(&mut parts.headers, protocol);
        next.run(Request::from_parts(parts, Body::from(body))).await
    } else {
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            "body unreadable or too long\n",
        )
            .into_response()
    };
    let delay = log.delay();
    // Even an empty sleep costs a tick of the timer.
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    eprintln!(
        "origin: {path} {protocol} {} in {} ms",
        outcome(&response),
        started.elapsed().as_millis()
    );
    if log.0.errors_in_a_frame.load(Ordering::Relaxed) {
        in_a_frame(response)
    } else {
        response
    }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// tonic-web picks the form of the answer from Accept; the control plane's
/// wrapper answers in the form of the request, so say so here.
fn answer_in_kind(headers: &mut HeaderMap, protocol: &str) {
    if protocol.starts_with("grpc-web")
        && let Some(form) = headers.get(CONTENT_TYPE).cloned()
    {
        headers.insert(ACCEPT, form);
    }
}

fn protocol(headers: &HeaderMap) -> &'static str {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if content_type.starts_with("application/grpc-web-text") {
        "grpc-web-text"
    } else if content_type.starts_with("application/grpc-web") {
        "grpc-web"
    } else if content_type.starts_with("application/grpc") {
        "grpc"
    } else {
        "other"
    }
}

/// A query with the hash of a bearer in place of the bearer: `/download` takes one in `t`.
fn shown_query(query: &str) -> String {
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some(("t", bearer)) => format!("t_sha256={}", sha256_hex(bearer.as_bytes())),
        _ => pair.to_owned(),
    });
    shown.collect::<Vec<_>>().join("&")
}

fn shown(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let (name, value) = if name == AUTHORIZATION {
            ("authorization_sha256", sha256_hex(value.as_bytes()))
        } else {
            (
                name.as_str(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        };
        shown.entry(name.to_owned()).or_default().push(value);
    }
    shown
}

/// How the call went, for the log. A failed unary call carries its status in
/// the headers; a good one only in the trailers, after this line is written.
fn outcome(response: &Response) -> String {
    if response.status() != StatusCode::OK {
        return format!("http {}", response.status().as_u16());
    }
    let status = response
        .headers()
        .get("grpc-status")
        .and_then(|value| value.to_str().ok());
    format!("grpc {}", status.unwrap_or("0"))
}
