//! Calls for the artifact store: native gRPC on both sides, in streams of any length, each piece as
//! the other end takes the one before. Metadata crosses as it came, with the credential that the
//! control plane has given the caller for this store; nothing of it reaches the gateway.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::answer::{Body, BoxError, deadline_exceeded, too_much_metadata, trailers_only, within};
use super::log::Call;
use super::status::{Code, Status};
use super::upload::drain;
use super::{metadata, timeout};
use crate::address::Gateway;
use crate::connect::Http;
use crate::fail;

/// The services of an artifact store, by their full names.
pub const STORE_SERVICES: [&str; 3] = [
    "google.bytestream.ByteStream",
    "cas.v1.ResourceService",
    "cas.v1.StatusService",
];

/// The artifact store, and connections to it.
pub struct Artifacts {
    /// Connections that speak HTTP/2 alone.
    pub http: Http<Upload>,
    /// Where it is.
    pub store: Gateway,
}

/// Whether a method's path is one of an artifact store's.
pub fn is_for_store(path: &str) -> bool {
    let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    service.is_some_and(|(service, _)| STORE_SERVICES.contains(&service))
}

impl Artifacts {
    /// Passes a call on, and its answer back. How long it may take its caller says: a stream of a
    /// caller that says nothing has no limit.
    pub async fn relay(self: Arc<Self>, request: Request<Incoming>, call: Call) -> Response<Body> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().cloned();
        let url = path.and_then(|path| self.store.url(path).ok());
        let limit = match (timeout::of(&head.headers), url) {
            (Ok(limit), Some(url)) => Ok((limit, url)),
            (Err(status), _) => Err(status),
            (_, None) => Err(Status::new(Code::UNIMPLEMENTED, "no such method")),
        };
        let (limit, url) = match limit {
            Ok(found) => found,
            Err(status) => {
                drain(body).await;
                return fail(call, &status);
            }
        };
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut request = Request::new(Upload(Some(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url;
        *request.headers_mut() = metadata::to_store(head.headers);
        match within(deadline, self.http.request(request)).await {
            Some(Ok(response)) => respond(response, deadline, call),
            Some(Err(error)) => fail(call, &self.unreachable(&error)),
            None => fail(call, &deadline_exceeded()),
        }
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> Status {
        let what = match error.is_connect() {
            true => "cannot be reached",
            false => "did not answer",
        };
        let (store, cause) = (&self.store, fail::cause(error));
        let message = format!("the artifact store {store} {what}: {cause}");
        Status::new(Code::UNAVAILABLE, message)
    }
}

/// A caller's messages. What the store does not take is read and forgotten, within bounds: a caller
/// that is cut off while it sends does not see what was answered.
pub struct Upload(Option<Incoming>);

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) {
            tokio::spawn(drain(body));
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

/// The store's answer: its head at once, and its messages as they come.
fn respond(
    response: Response<Incoming>,
    deadline: Option<Instant>,
    mut call: Call,
) -> Response<Body> {
    let (head, from) = response.into_parts();
    if metadata::is_too_large(&head.headers) {
        return fail(call, &too_much_metadata());
    }
    if let Some(code) = Code::of(&head.headers) {
        call.ends(code);
        return trailers_only(head.headers);
    }
    if let Some(status) = not_grpc(head.status, &head.headers) {
        return fail(call, &status);
    }
    let messages = Messages {
        from,
        deadline,
        call,
    };
    let body = stream::unfold(Some(messages), |messages| async move {
        let mut messages = messages?;
        Some(match messages.next().await {
            Ok(data) => (Ok::<_, BoxError>(Frame::data(data)), Some(messages)),
            Err(trailers) => (Ok(Frame::trailers(trailers)), None),
        })
    });
    let mut response = Response::new(StreamBody::new(body).boxed_unsync());
    *response.headers_mut() = metadata::to_client(head.headers);
    response
}

fn not_grpc(status: StatusCode, headers: &HeaderMap) -> Option<Status> {
    if status != StatusCode::OK {
        let message = format!(
            "the artifact store answered HTTP {} without a gRPC status",
            status.as_u16()
        );
        return Some(Status::new(Code::of_http(status), message));
    }
    let typed = headers.get(http::header::CONTENT_TYPE);
    let typed = typed.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    (!typed).then(|| {
        let message = "what answers at the artifact store's address does not speak gRPC";
        Status::new(Code::UNKNOWN, message)
    })
}

/// The messages of an answer.
struct Messages {
    from: Incoming,
    deadline: Option<Instant>,
    call: Call,
}

impl Messages {
    /// The next piece, or the end of the call as trailers: a stream that is reset would read as
    /// INTERNAL.
    async fn next(&mut self) -> Result<Bytes, HeaderMap> {
        let frame = match within(self.deadline, self.from.frame()).await {
            None => return Err(self.fails(&deadline_exceeded())),
            Some(None) => {
                let message = "the artifact store's answer ends without a gRPC status";
                return Err(self.fails(&Status::new(Code::UNAVAILABLE, message)));
            }
            Some(Some(Err(_))) => {
                let message = "the artifact store's answer broke off";
                return Err(self.fails(&Status::new(Code::UNAVAILABLE, message)));
            }
            Some(Some(Ok(frame))) => frame,
        };
        let trailers = match frame.into_data() {
            Ok(data) => return Ok(data),
            Err(frame) => frame.into_trailers().unwrap_or_default(),
        };
        if metadata::is_too_large(&trailers) {
            return Err(self.fails(&too_much_metadata()));
        }
        match Code::of(&trailers) {
            Some(code) => {
                self.call.ends(code);
                Err(trailers)
            }
            None => {
                let message = "the trailers of the artifact store have no gRPC status";
                Err(self.fails(&Status::new(Code::UNAVAILABLE, message)))
            }
        }
    }

    fn fails(&mut self, status: &Status) -> HeaderMap {
        self.call.fails(status);
        status.headers()
    }
}

fn fail(mut call: Call, status: &Status) -> Response<Body> {
    call.fails(status);
    trailers_only(status.headers())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_calls_are_for_the_store() {
        for (path, expected) in [
            ("/google.bytestream.ByteStream/Read", true),
            ("/google.bytestream.ByteStream/Write", true),
            ("/google.bytestream.ByteStream/QueryWriteStatus", true),
            ("/cas.v1.ResourceService/Describe", true),
            ("/google.bytestream.ByteStream", false),
            ("/google.bytestream.ByteStreams/Read", false),
            ("//google.bytestream.ByteStream/Read", false),
            ("/controlplane.v1.StatusService/Infoz", false),
            ("", false),
        ] {
            assert_eq!(is_for_store(path), expected, "{path}");
        }
    }
}
