//! The body of a call on its way to the gateway: frames are the same bytes in both protocols, so
//! they pass as they arrive. Ends the call where a message is above the limit. What the gateway
//! did not take is read and forgotten before a refusal: a caller that is cut off while it sends
//! sees a broken connection in place of the status.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::oneshot;

use super::frames::{Fault, Frames};
use super::status::{Code, Status};

/// Most of a body that is read for nothing, in bytes: three of the largest messages that pass.
const MAX_DRAIN: usize = 32 * 1024 * 1024;
/// How long a body is read for nothing. Callers are on this machine.
const DRAIN: Duration = Duration::from_secs(2);

/// Why the bridge has ended an upload, for whoever answers the caller.
pub type Ended = Arc<OnceLock<Status>>;

/// A request's body.
pub struct Upload {
    /// There until the upload is dropped.
    from: Option<Incoming>,
    frames: Frames,
    waiting: VecDeque<Bytes>,
    ended: Ended,
    rest: Option<oneshot::Sender<Incoming>>,
}

/// What an upload has not read, once it is over.
pub struct Rest(oneshot::Receiver<Incoming>);

impl Rest {
    /// Waits for the end of the upload, then reads the rest of the body, within the bounds.
    pub async fn drain(self) {
        let _ = tokio::time::timeout(DRAIN, async {
            if let Ok(from) = self.0.await {
                discard(from).await;
            }
        })
        .await;
    }
}

/// Reads a body to its end and forgets it, within the bounds.
pub async fn drain(body: Incoming) {
    let _ = tokio::time::timeout(DRAIN, discard(body)).await;
}

async fn discard(mut body: Incoming) {
    let mut left = MAX_DRAIN;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let Some(less) = left.checked_sub(bytes) else {
            return;
        };
        left = less;
    }
}

/// The error that ends a request to the gateway. [`Ended`] says why.
#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the caller's message broke off")
    }
}

impl std::error::Error for Broken {}

impl Upload {
    /// Passes messages of at most `limit` bytes.
    pub fn new(from: Incoming, limit: usize) -> (Self, Ended, Rest) {
        let ended = Ended::default();
        let (rest, read) = oneshot::channel();
        let upload = Self {
            from: Some(from),
            frames: Frames::of_request(limit),
            waiting: VecDeque::new(),
            ended: Arc::clone(&ended),
            rest: Some(rest),
        };
        (upload, ended, Rest(read))
    }

    fn end(&self, status: Status) -> Broken {
        // Only the first reason counts.
        let _ = self.ended.set(status);
        Broken
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(from), Some(rest)) = (self.from.take(), self.rest.take()) {
            // Nobody waits for the rest of a call that went well.
            let _ = rest.send(from);
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            if let Some(data) = self.waiting.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            let Some(from) = &mut self.from else {
                return Poll::Ready(None);
            };
            let piece = match ready!(Pin::new(from).poll_frame(context)) {
                None if self.frames.is_between() => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(self.end(cut_off())))),
                Some(Err(_)) => return Poll::Ready(Some(Err(Broken))),
                // gRPC has no trailers in requests.
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            match self.frames.read(piece) {
                Ok(found) => self.waiting.extend(found.data),
                Err(fault) => return Poll::Ready(Some(Err(self.end(of_request(fault))))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let from = self.from.as_ref();
        from.map_or_else(SizeHint::default, Incoming::size_hint)
    }

    fn is_end_stream(&self) -> bool {
        let read = self.from.as_ref().is_none_or(Incoming::is_end_stream);
        self.waiting.is_empty() && self.frames.is_between() && read
    }
}

fn cut_off() -> Status {
    let message = "the request ends within a frame";
    Status::new(Code::INVALID_ARGUMENT, message)
}

fn of_request(fault: Fault) -> Status {
    match fault {
        Fault::TooLarge(bytes) | Fault::TrailerTooLarge(bytes) => Status::new(
            Code::RESOURCE_EXHAUSTED,
            format!("the message has {bytes} bytes, more than the bridge passes on"),
        ),
        Fault::Flag(flag) => Status::new(
            Code::INVALID_ARGUMENT,
            format!("the request has a frame that is not a message (flag {flag})"),
        ),
    }
}
