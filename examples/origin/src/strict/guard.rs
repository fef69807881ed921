//! The control plane's chain in front of its services, as a layer: who calls is settled before a
//! message is read. Answers a refusal as gRPC; tonic-web makes gRPC-Web of it.

use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tonic::Status;

use super::Strict;
use super::authentication::{Incoming, authenticate, branch};
use super::denied::Denied;
use super::subject::Subject;
use crate::failure::Failure;

/// The organization that a person means.
const ORGANIZATION: &str = "chainloop-organization";

/// What plain HTTP calls `DiscoverPrivate`.
const DISCOVER: &str = "ReferrerService/DiscoverPrivate";

/// Middleware in front of the services: lets through what is open to everybody, and calls whose
/// bearer is believed, with their [`Subject`].
pub(crate) async fn guard(
    State(strict): State<Strict>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let Some(call) = path.strip_prefix("/controlplane.v1.") else {
        return next.run(request).await;
    };
    if branch(call).is_none() {
        return next.run(request).await;
    }
    match strict.admit(call, request.headers()) {
        Ok(subject) => {
            request.extensions_mut().insert(subject.caller.clone());
            request.extensions_mut().insert(subject);
            next.run(request).await
        }
        Err(denied) => {
            eprintln!("origin: refused, as {}", denied.row().source);
            Status::from(denied).into_http()
        }
    }
}

/// Middleware in front of the plain route that stands for a call.
pub(crate) async fn guard_plain(
    State(strict): State<Strict>,
    mut request: Request,
    next: Next,
) -> Response {
    match strict.admit(DISCOVER, request.headers()) {
        Ok(subject) => {
            let state = subject.state.clone();
            request.extensions_mut().insert((subject.caller, state));
            next.run(request).await
        }
        Err(denied) => plain(&denied.into()),
    }
}

/// A refusal in plain HTTP.
pub(crate) fn plain(failure: &Failure) -> Response {
    let body = serde_json::to_string(&failure.json()).unwrap_or_default();
    let json = [("content-type", "application/json")];
    (failure.http_status(), json, body).into_response()
}

impl Strict {
    /// Who makes this call.
    pub(crate) fn admit(&self, call: &str, headers: &HeaderMap) -> Result<Subject, Denied> {
        let organization = headers
            .get(ORGANIZATION)
            .and_then(|value| value.to_str().ok());
        let incoming = Incoming {
            call,
            // The first of several counts.
            authorization: headers.get(AUTHORIZATION).map(|value| value.as_bytes()),
            organization: organization.unwrap_or_default(),
        };
        authenticate(&mut self.lock(), incoming, SystemTime::now())
    }
}
