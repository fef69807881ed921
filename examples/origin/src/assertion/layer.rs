//! The verifier in front of the calls. Sees bodies as they came, before any
//! framing is undone, since that is what the gateway has hashed.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tonic::Status;

use super::{HEADER, Refusal, Verifier};
use crate::calls::max_body;

/// What the gateway lets through without a token, and so without an assertion.
const OPEN: [&str; 5] = [
    "/controlplane.v1.SigningService/GetTrustedRoot",
    "/controlplane.v1.StatusService/Infoz",
    "/controlplane.v1.StatusService/Statusz",
    "/infoz",
    "/statusz",
];

/// Middleware: lets through what is asserted, and refuses the rest in the
/// caller's protocol.
pub(crate) async fn require(
    State(verifier): State<Verifier>,
    request: Request,
    next: Next,
) -> Response {
    if OPEN.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, max_body(parts.uri.path())).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match checked(&verifier, &parts, &body).await {
        Ok(()) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(refusal) => refuse(&refusal, &parts.headers),
    }
}

async fn checked(verifier: &Verifier, parts: &Parts, body: &Bytes) -> Result<(), Refusal> {
    let mut values = parts.headers.get_all(HEADER).iter();
    let assertion = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Several);
    }
    let path = parts.uri.path();
    let target = parts
        .uri
        .path_and_query()
        .map_or(path, PathAndQuery::as_str);
    let assertion = assertion.to_str().map_err(|_| Refusal::Malformed)?;
    let claims = verifier
        .verify(assertion, parts.method.as_str(), target, body)
        .await?;
    eprintln!(
        "origin: {path} asserted for {} ({})",
        claims.sub, claims.scope
    );
    Ok(())
}

fn refuse(refusal: &Refusal, headers: &HeaderMap) -> Response {
    let content_type = headers.get(CONTENT_TYPE);
    let is_grpc = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/grpc"));
    if !is_grpc {
        let status = if refusal.passes() {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::UNAUTHORIZED
        };
        return (status, format!("{refusal}\n")).into_response();
    }
    let status = if refusal.passes() {
        Status::unavailable(refusal.to_string())
    } else {
        Status::unauthenticated(refusal.to_string())
    };
    let mut response: Response = status.into_http();
    if let Some(form) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, form.clone());
    }
    response
}
