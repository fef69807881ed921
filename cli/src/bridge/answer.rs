//! The gateway's answer on its way to the caller: messages pass as they arrive, the trailer frame
//! becomes HTTP/2 trailers. Whatever breaks becomes a status: a reset stream would read as
//! INTERNAL.

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::Incoming;
use std::collections::VecDeque;
use tokio::time::Instant;

use super::frames::{Fault, Frames};
use super::log::Call;
use super::metadata;
use super::status::{Code, GRPC_MESSAGE, GRPC_STATUS, Status};
use super::upload::Ended;

/// What the bridge answers with.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;
/// Why a body that the bridge makes itself breaks off.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body without bytes.
fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// An answer that has only a status.
pub fn trailers_only(headers: HeaderMap) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.headers_mut() = metadata::to_client(headers);
    response
}

/// The next thing in an answer.
enum Event {
    Data(Bytes),
    End(HeaderMap),
}

/// An answer whose messages are being passed on.
pub struct Answer {
    /// The body as it comes.
    pub from: Incoming,
    /// Its frames.
    pub frames: Frames,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// Why the upload ended, if it did.
    pub upload: Ended,
    /// The line to write at the end.
    pub call: Call,
}

impl Answer {
    /// The response: as soon as the first message or the end is there, so that an answer without
    /// messages has all its headers in one block, as gRPC wants it ("Trailers-Only"). `head` holds
    /// the gateway's headers; a status among them counts where no trailer frame follows.
    pub async fn respond(self, mut head: HeaderMap) -> Response<Body> {
        let mut states = Messages {
            in_head: status_of(&mut head),
            answer: self,
            waiting: VecDeque::new(),
            trailers: None,
        };
        let first = match states.next().await {
            Event::Data(data) => data,
            Event::End(trailers) => {
                // A trailer frame may repeat a header's name; both values are the caller's.
                let status = trailers.clone();
                for (name, value) in &trailers {
                    head.append(name, value.clone());
                }
                // What is too much for one block loses the head, never the status.
                return trailers_only(match metadata::is_too_large(&head) {
                    true => status,
                    false => head,
                });
            }
        };
        states.waiting.push_front(first);
        let body = stream::unfold(Some(states), |states| async move {
            let mut states = states?;
            Some(match states.next().await {
                Event::Data(data) => (Ok::<_, BoxError>(Frame::data(data)), Some(states)),
                Event::End(trailers) => (Ok(Frame::trailers(trailers)), None),
            })
        });
        let mut response = Response::new(StreamBody::new(body).boxed_unsync());
        *response.headers_mut() = metadata::to_client(head);
        response
    }
}

struct Messages {
    answer: Answer,
    in_head: Option<HeaderMap>,
    waiting: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Messages {
    async fn next(&mut self) -> Event {
        loop {
            if let Some(data) = self.waiting.pop_front() {
                return Event::Data(data);
            }
            if let Some(trailers) = self.trailers.take() {
                return Event::End(trailers);
            }
            let end = match within(self.answer.deadline, self.answer.from.frame()).await {
                None => Err(deadline_exceeded()),
                Some(None) => self.ended(),
                Some(Some(Err(_))) => self.broken(),
                Some(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => match self.read(piece) {
                        Ok(None) => continue,
                        Ok(Some(trailers)) => Ok(trailers),
                        Err(status) => Err(status),
                    },
                    // HTTP's own trailers have no place in gRPC-Web.
                    Err(_) => continue,
                },
            };
            self.trailers = Some(self.end(end));
        }
    }

    fn read(&mut self, piece: Bytes) -> Result<Option<HeaderMap>, Status> {
        let found = self.answer.frames.read(piece).map_err(of_answer)?;
        self.waiting.extend(found.data);
        let Some(frame) = found.trailer else {
            return Ok(None);
        };
        match metadata::trailers(&frame) {
            Some(trailers) if metadata::is_too_large(&trailers) => Err(too_much_metadata()),
            Some(trailers) if Code::of(&trailers).is_some() => Ok(Some(trailers)),
            _ => Err(unavailable("the trailer of the answer has no gRPC status")),
        }
    }

    /// The connection broke. A refusal in the head has been said: what broke then is no more than
    /// the upload that it refuses.
    fn broken(&mut self) -> Result<HeaderMap, Status> {
        match self.in_head.take() {
            Some(status) if Code::of(&status) != Some(Code::OK) => Ok(status),
            _ => Err(self.upload_or("the gateway's answer broke off")),
        }
    }

    /// The body has ended without a trailer frame.
    fn ended(&mut self) -> Result<HeaderMap, Status> {
        match self.in_head.take() {
            Some(status) if self.answer.frames.is_between() => Ok(status),
            _ if self.answer.frames.is_between() => {
                Err(self.upload_or("the gateway's answer ends without a gRPC status"))
            }
            _ => Err(self.upload_or("the gateway's answer ends within a frame")),
        }
    }

    fn end(&mut self, end: Result<HeaderMap, Status>) -> HeaderMap {
        match end {
            Ok(trailers) => {
                let code = Code::of(&trailers).unwrap_or(Code::UNKNOWN);
                self.answer.call.ends(code);
                trailers
            }
            Err(status) => {
                self.waiting.clear();
                self.answer.call.fails(&status);
                status.headers()
            }
        }
    }

    fn upload_or(&self, message: &'static str) -> Status {
        let upload = self.answer.upload.get().cloned();
        upload.unwrap_or_else(|| unavailable(message))
    }
}

/// Takes the status out of a head, if there is one.
fn status_of(head: &mut HeaderMap) -> Option<HeaderMap> {
    Code::of(head)?;
    let mut status = HeaderMap::new();
    for name in [
        GRPC_STATUS,
        GRPC_MESSAGE,
        http::HeaderName::from_static("grpc-status-details-bin"),
    ] {
        if let Some(value) = head.remove(&name) {
            status.insert(name, value);
        }
    }
    Some(status)
}

/// Waits no longer than the caller does.
pub async fn within<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        None => Some(future.await),
        Some(deadline) => tokio::time::timeout_at(deadline, future).await.ok(),
    }
}

/// The status of a call that took too long.
pub fn deadline_exceeded() -> Status {
    Status::new(Code::DEADLINE_EXCEEDED, "the call took too long")
}

/// The status of an answer with more metadata than clients take.
pub fn too_much_metadata() -> Status {
    let message = "the answer has more metadata than the bridge passes on";
    Status::new(Code::RESOURCE_EXHAUSTED, message)
}

fn unavailable(message: &'static str) -> Status {
    Status::new(Code::UNAVAILABLE, message)
}

fn of_answer(fault: Fault) -> Status {
    match fault {
        Fault::TooLarge(bytes) => Status::new(
            Code::RESOURCE_EXHAUSTED,
            format!("the answer has a message of {bytes} bytes, more than the bridge passes on"),
        ),
        Fault::TrailerTooLarge(_) => too_much_metadata(),
        Fault::Flag(flag) => Status::new(
            Code::UNAVAILABLE,
            format!("the answer is not gRPC-Web: a frame with the flag {flag}"),
        ),
    }
}
