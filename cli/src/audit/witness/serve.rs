//! The witness over HTTP/1.1: bounded in connections, time and size. What stands before it for the world
//! brings TLS.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use postern_transparency::witness::MAX_REQUEST;
use tokio::net::{TcpListener, TcpStream};

use super::answer::Witness;
use crate::accept;
use crate::text::plain;

/// Most connections at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 64;
/// How long a request may take to come, and how long a connection may be silent before one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until `stop`. A request that is being answered then is lost, and nothing with it: what was
/// cosigned is on the disk.
pub async fn serve(listener: TcpListener, witness: Witness, stop: impl Future<Output = ()>) {
    let witness = Arc::new(witness);
    accept::until(stop, listener, MAX_CONNECTIONS, |stream| {
        connection(stream, Arc::clone(&witness))
    })
    .await;
}

async fn connection(stream: TcpStream, witness: Arc<Witness>) {
    let service = service_fn(move |request| {
        let witness = Arc::clone(&witness);
        async move { Ok::<_, Infallible>(respond(request, &witness).await) }
    });
    // Callers that hang up are no news, and no other error of a connection is ours.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(request: Request<Incoming>, witness: &Witness) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST).collect();
    let body = match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            return refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large, or broke off\n",
            );
        }
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
    };
    let Ok(body) = std::str::from_utf8(&body) else {
        return refused(StatusCode::BAD_REQUEST, "the body is no text\n");
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map(|since| since.as_secs()).unwrap_or_default();
    let answer = witness.answer(&head.method, head.uri.path(), body, now);
    if !answer.note.is_empty() {
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let _ = writeln!(std::io::stderr(), "{at} {}", plain(&answer.note));
    }
    let mut response = refused(answer.status, answer.body);
    let media = http::HeaderValue::from_static(answer.media);
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

fn refused(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}
