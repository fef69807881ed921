//! The body of a call on its way to the gateway: frames are the same bytes in both protocols, so
//! they pass as they arrive. Ends the call where a message is above the limit.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::frames::{Fault, Frames};
use super::status::{Code, Status};

/// Why the bridge has ended an upload, for whoever answers the caller.
pub type Ended = Arc<OnceLock<Status>>;

/// A request's body.
pub struct Upload {
    from: Incoming,
    frames: Frames,
    waiting: VecDeque<Bytes>,
    ended: Ended,
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
    pub fn new(from: Incoming, limit: usize) -> (Self, Ended) {
        let ended = Ended::default();
        let upload = Self {
            from,
            frames: Frames::of_request(limit),
            waiting: VecDeque::new(),
            ended: Arc::clone(&ended),
        };
        (upload, ended)
    }

    fn end(&self, status: Status) -> Broken {
        // Only the first reason counts.
        let _ = self.ended.set(status);
        Broken
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
            let piece = match ready!(Pin::new(&mut self.from).poll_frame(context)) {
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
        self.from.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_empty() && self.frames.is_between() && self.from.is_end_stream()
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
