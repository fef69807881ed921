//! HTTP/1.1 under tonic-web's client: sends each call whole and takes the
//! answer whole, in the binary or the text form of gRPC-Web. Makes a status of
//! everything that is not a gRPC-Web answer, so that a caller never has to
//! guess; does not retry and follows no redirect.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_TYPE, TE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_web::GrpcWebCall;
use tower_service::Service;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Longest answer taken.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// Most characters of a foreign answer quoted in a status.
const MAX_QUOTE: usize = 200;

const AGENT: &str = concat!("postern-attest/", env!("CARGO_PKG_VERSION"));
const X_GRPC_WEB: HeaderName = HeaderName::from_static("x-grpc-web");

/// How messages look on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// `application/grpc-web+proto`: frames as they are.
    #[default]
    Binary,
    /// `application/grpc-web-text+proto`: frames in base64.
    Text,
}

impl Wire {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Binary => "application/grpc-web+proto",
            Self::Text => "application/grpc-web-text+proto",
        })
    }
}

/// The connection pool that calls go through.
#[derive(Debug, Clone)]
pub struct Transport {
    http: Client<HttpConnector, Full<Bytes>>,
    wire: Wire,
}

impl Transport {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            http: Client::builder(TokioExecutor::new()).build_http(),
            wire,
        }
    }
}

impl Service<Request<GrpcWebCall<Body>>> for Transport {
    type Response = Response<Full<Bytes>>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<GrpcWebCall<Body>>) -> Self::Future {
        let transport = self.clone();
        Box::pin(async move {
            tokio::time::timeout(TIMEOUT, transport.exchange(request))
                .await
                .unwrap_or_else(|_| {
                    Err(Status::deadline_exceeded(format!(
                        "no answer within {} s",
                        TIMEOUT.as_secs()
                    )))
                })
        })
    }
}

impl Transport {
    async fn exchange(
        self,
        request: Request<GrpcWebCall<Body>>,
    ) -> Result<Response<Full<Bytes>>, Status> {
        let (mut parts, body) = request.into_parts();
        let frames = body.collect().await?.to_bytes();
        let body = match self.wire {
            Wire::Binary => frames,
            Wire::Text => STANDARD.encode(frames).into(),
        };
        dress(&mut parts.headers, self.wire);

        let answer = self
            .http
            .request(Request::from_parts(parts, Full::new(body)))
            .await
            .map_err(unreachable)?;
        let (mut head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body
            .map_err(|e| Status::unavailable(format!("the answer broke off: {e}")))?
            .to_bytes();

        // The form of an error without a payload: status in the headers, no
        // body. tonic reads it from there.
        if head.headers.contains_key("grpc-status") {
            return Ok(Response::from_parts(head, Full::new(Bytes::new())));
        }
        let frames = match wire_of(&head.headers) {
            Some(Wire::Binary) if head.status == StatusCode::OK => body,
            Some(Wire::Text) if head.status == StatusCode::OK => decode(&body)?,
            _ => return Err(foreign(&head, &body)),
        };
        head.headers
            .insert(CONTENT_TYPE, Wire::Binary.content_type());
        Ok(Response::from_parts(head, Full::new(frames)))
    }
}

/// The headers of a browser's gRPC-Web client, in place of those that tonic
/// sets for HTTP/2.
fn dress(headers: &mut HeaderMap, wire: Wire) {
    headers.remove(TE);
    headers.insert(CONTENT_TYPE, wire.content_type());
    headers.insert(ACCEPT, wire.content_type());
    headers.insert(X_GRPC_WEB, HeaderValue::from_static("1"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
}

fn wire_of(headers: &HeaderMap) -> Option<Wire> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if content_type.starts_with("application/grpc-web-text") {
        Some(Wire::Text)
    } else if content_type.starts_with("application/grpc-web") {
        Some(Wire::Binary)
    } else {
        None
    }
}

/// Servers encode each frame by itself, so padding may stand in the middle:
/// decode group by group.
fn decode(text: &[u8]) -> Result<Bytes, Status> {
    let mut frames = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.chunks(4) {
        STANDARD
            .decode_vec(group, &mut frames)
            .map_err(|_| Status::internal("the answer says gRPC-Web text and is not base64"))?;
    }
    Ok(frames.into())
}

pub(super) fn unreachable(error: hyper_util::client::legacy::Error) -> Status {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Status::unavailable(format!("no answer from the server: {cause}"))
}

/// A status for an answer that is none of gRPC-Web: codes as in gRPC's own
/// table for HTTP statuses, the beginning of the body as the message.
fn foreign(head: &response::Parts, body: &[u8]) -> Status {
    let code = match head.status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let quote: String = String::from_utf8_lossy(body)
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_QUOTE)
        .collect();
    Status::new(
        code,
        format!(
            "HTTP {} without a gRPC status: {quote}",
            head.status.as_u16()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_frame_by_frame() {
        let check = |text: &str, frames: Option<&[u8]>| {
            assert_eq!(decode(text.as_bytes()).ok().as_deref(), frames, "{text}");
        };
        check("", Some(b""));
        check("YWJj", Some(b"abc"));
        check("YQ==YWI=YWJj", Some(b"aababc"));
        check("YQ", None);
        check("Y!==", None);
    }
}
