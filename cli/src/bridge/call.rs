//! One call: native gRPC in, gRPC-Web out, the answer back. It looks into no message and holds no
//! credential.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::answer::{Answer, Body, deadline_exceeded, too_much_metadata, trailers_only, within};
use super::artifacts::{Artifacts, is_for_store};
use super::frames::Frames;
use super::local::Local;
use super::log::{Call, Log};
use super::status::{Code, Status};
use super::upload::{Ended, Rest, Upload, drain};
use super::{metadata, timeout};
use crate::address::Gateway;
use crate::connect::Http;
use crate::fail;

/// What all calls share.
pub struct Bridge {
    /// Connections to the gateway.
    pub http: Http<Upload>,
    /// Where the gateway is.
    pub gateway: Gateway,
    /// Largest message to the gateway, in bytes.
    pub max_request: usize,
    /// Largest message of an answer, in bytes.
    pub max_answer: usize,
    /// How long a call may take that sets no `grpc-timeout` of its own.
    pub timeout: Option<Duration>,
    /// Where the lines go.
    pub log: Arc<Log>,
    /// The artifact store, where calls for one are carried.
    pub artifacts: Option<Arc<Artifacts>>,
    /// What the bridge answers itself.
    pub local: Local,
}

impl Bridge {
    /// Answers one request.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let mut call = self.log.call(request.uri().path());
        if let Some(refusal) = not_grpc(&request) {
            drain(request.into_body()).await;
            let status = Status::new(Code::UNIMPLEMENTED, refusal);
            call.fails(&status);
            let mut response = trailers_only(status.headers());
            // The protocol of gRPC asks for it, for callers that read no gRPC status.
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return response;
        }
        if let Some(service) = self.local.service(request.uri().path()) {
            return service.answer(request, call).await;
        }
        if let Some(artifacts) = &self.artifacts
            && is_for_store(request.uri().path())
        {
            return Arc::clone(artifacts).relay(request, call).await;
        }
        let (head, body) = request.into_parts();
        match self.target(&head) {
            Ok(target) => self.relay(target, head.headers, body, call).await,
            Err(status) => {
                drain(body).await;
                fail(call, &status)
            }
        }
    }

    /// Where a call goes, and how long it may take.
    fn target(&self, head: &Parts) -> Result<Target, Status> {
        let limit = timeout::of(&head.headers)?.or(self.timeout);
        let path = head.uri.path_and_query().cloned();
        let url = path.and_then(|path| self.gateway.url(path).ok());
        Ok(Target {
            url: url.ok_or_else(|| Status::new(Code::UNIMPLEMENTED, "no such method"))?,
            // A timeout of centuries is none.
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
        })
    }

    async fn relay(
        &self,
        Target { url, deadline }: Target,
        headers: HeaderMap,
        body: Incoming,
        call: Call,
    ) -> Response<Body> {
        let (upload, ended, rest) = Upload::new(body, self.max_request);
        let mut request = Request::new(upload);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url;
        *request.headers_mut() = metadata::to_gateway(headers);

        let status = match within(deadline, self.http.request(request)).await {
            Some(Ok(response)) => {
                let relayed = Relayed {
                    response,
                    deadline,
                    upload: ended,
                    rest,
                };
                return relayed.respond(self.max_answer, call).await;
            }
            Some(Err(error)) => match ended.get() {
                Some(status) => status.clone(),
                None => self.unreachable(&error),
            },
            None => deadline_exceeded(),
        };
        within(deadline, rest.drain()).await;
        fail(call, &status)
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> Status {
        let cause = fail::cause(error);
        let what = match error.is_connect() {
            true => "cannot be reached",
            false => "did not answer",
        };
        let gateway = &self.gateway;
        Status::new(
            Code::UNAVAILABLE,
            format!("the gateway {gateway} {what}: {cause}"),
        )
    }
}

/// Where a call goes, and when its caller stops waiting.
struct Target {
    url: Uri,
    deadline: Option<Instant>,
}

/// The head of an answer, and what is needed to pass the rest on.
struct Relayed {
    response: Response<Incoming>,
    deadline: Option<Instant>,
    upload: Ended,
    rest: Rest,
}

impl Relayed {
    /// The answer. A refusal that came before the caller's message was through waits for it.
    async fn respond(self, max_answer: usize, call: Call) -> Response<Body> {
        let (deadline, rest) = (self.deadline, self.rest);
        let (response, upload) = (self.response, self.upload);
        let response = Self::pass(response, deadline, upload, max_answer, call).await;
        if Code::of(response.headers()).is_some_and(|code| code != Code::OK) {
            within(deadline, rest.drain()).await;
        }
        response
    }

    async fn pass(
        response: Response<Incoming>,
        deadline: Option<Instant>,
        upload: Ended,
        max_answer: usize,
        call: Call,
    ) -> Response<Body> {
        let (head, from) = response.into_parts();
        if metadata::is_too_large(&head.headers) {
            return fail(call, &too_much_metadata());
        }
        if let Some(status) = not_grpc_web(head.status, &head.headers) {
            return match Code::of(&head.headers) {
                // A status in the headers counts, whatever page stands below it.
                Some(code) => end(call, code, head.headers),
                None => fail(call, &status),
            };
        }
        let answer = Answer {
            from,
            frames: Frames::of_answer(max_answer),
            deadline,
            upload,
            call,
        };
        answer.respond(head.headers).await
    }
}

fn end(mut call: Call, code: Code, headers: HeaderMap) -> Response<Body> {
    call.ends(code);
    trailers_only(headers)
}

fn fail(mut call: Call, status: &Status) -> Response<Body> {
    call.fails(status);
    trailers_only(status.headers())
}

/// Why a request is not a gRPC call with protobuf messages.
fn not_grpc<B>(request: &Request<B>) -> Option<&'static str> {
    let codec = content_type(request.headers()).and_then(|value| {
        let codec = value.strip_prefix("application/grpc")?;
        Some(codec.split(';').next().unwrap_or(codec).trim().to_owned())
    });
    match (request.method(), codec.as_deref()) {
        (&Method::POST, Some("" | "+proto")) => None,
        (&Method::POST, Some("-web" | "-web+proto" | "-web-text" | "-web-text+proto")) => {
            Some("send gRPC-Web to the gateway itself: the bridge is for native gRPC")
        }
        (&Method::POST, Some(_)) => Some("the bridge passes protobuf messages only"),
        _ => Some("the bridge is for native gRPC"),
    }
}

/// What to say of an answer that is none of gRPC-Web.
fn not_grpc_web(status: StatusCode, headers: &HeaderMap) -> Option<Status> {
    let number = status.as_u16();
    if status != StatusCode::OK {
        let message = format!("the gateway answered HTTP {number} without a gRPC status");
        return Some(Status::new(Code::of_http(status), message));
    }
    let codec = content_type(headers).and_then(|value| {
        let codec = value.strip_prefix("application/grpc-web")?;
        Some(codec.split(';').next().unwrap_or(codec).trim().to_owned())
    });
    if !matches!(codec.as_deref(), Some("" | "+proto")) {
        let message = "what answers at the gateway's address does not speak gRPC-Web";
        return Some(Status::new(Code::UNKNOWN, message));
    }
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        let message = "a proxy before the gateway compresses answers";
        return Some(Status::new(Code::UNAVAILABLE, message));
    }
    None
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::to_str)?.ok()?;
    Some(value.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_grpc() {
        for (method, value, taken) in [
            ("POST", "application/grpc", true),
            ("POST", "application/grpc+proto", true),
            ("POST", "Application/gRPC; charset=utf-8", true),
            ("POST", "application/grpc+json", false),
            ("POST", "application/grpc-web", false),
            ("POST", "application/grpc-web-text+proto", false),
            ("POST", "application/grpcx", false),
            ("POST", "application/json", false),
            ("GET", "application/grpc", false),
        ] {
            let request = Request::builder()
                .method(method)
                .header(CONTENT_TYPE, value);
            let refusal = not_grpc(&request.body(()).unwrap());
            assert_eq!(refusal.is_none(), taken, "{method} {value}");
        }
        assert!(not_grpc(&Request::post("/").body(()).unwrap()).is_some());
    }
}
