//! The gateway's own API: `postern_registry::api` answers it over the ports. Here its notes become
//! log lines, and its answer a response.

use std::rc::Rc;

use futures_util::stream;
use wasm_bindgen::JsValue;
use worker::{ResponseBody, ResponseBuilder};

use super::body::Body;
use super::client_address;
use super::incoming::Incoming;
use super::respond;
use crate::leases;
use crate::log;
use crate::platform::{Platform, known};
use postern_gate::Head;
use postern_gate::request_log::RequestLog;
use postern_registry::api::{self, Answer, Content, Notes, Request};
use postern_registry::audit::Lines;
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};

impl Incoming {
    /// The request as the API takes it.
    pub fn request(&self) -> Request<'_> {
        let head = Head {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            origin: &self.origin,
            headers: self,
            request_id: &self.request_id,
        };
        Request::new(head, &self.origin)
    }
}

impl From<Body> for Vec<u8> {
    fn from(body: Body) -> Self {
        body.bytes
    }
}

/// Answers a call of the API.
pub async fn handle(
    incoming: &Incoming,
    request: &Request<'_>,
    config: &Rc<Config>,
    platform: &Platform,
    log: &mut RequestLog,
) -> core::result::Result<web_sys::Response, JsValue> {
    let mut notes = Notes::default();
    let answered = api::answer(request, incoming, config, platform, &mut notes).await;
    if let Some(gate) = known() {
        leases::keep(platform, &gate);
    }
    note(log, notes, request);
    write(answered, incoming, platform, log)
}

fn note(log: &mut RequestLog, notes: Notes, request: &Request<'_>) {
    log.operation = notes.operation;
    if let Some((caller, at)) = &notes.caller {
        log.caller_at(caller, *at);
    }
    if notes.organization.is_some() {
        log.organization(notes.organization.as_deref());
    }
    if let Some(line) = notes.warning {
        worker::console_warn!("{line}");
    }
    for (place, cause) in notes.failures {
        log::failure(place, &cause);
    }
    if let Some(unread) = request.unread() {
        client_address::met(unread);
    }
}

/// Writes an answer, or the refusal in its place; what is done later begins.
pub fn write(
    answered: Result<Answer>,
    incoming: &Incoming,
    platform: &Platform,
    log: &mut RequestLog,
) -> core::result::Result<web_sys::Response, JsValue> {
    let mut answer = match answered {
        Ok(answer) => answer,
        Err(error) => return respond::problem(&error, incoming, log),
    };
    if let Some(later) = answer.later.take() {
        let ports = platform.clone();
        platform.after_answer(async move { log::event(&later.run(&ports).await) });
    }
    let headers = answer.headers();
    match answer.content {
        Content::Nothing => respond::nothing(answer.status, &headers, incoming),
        Content::Json(text) | Content::Text(text) => {
            respond::text(answer.status, &headers, &text, incoming)
        }
        Content::Lines(first, lines) => match stream_of(first, lines, platform) {
            Ok(stream) => respond::stream(answer.status, &headers, &stream, incoming),
            Err(error) => respond::problem(&error, incoming, log),
        },
    }
}

/// The lines of an export, each piece read when the client takes it.
fn stream_of(first: Vec<u8>, lines: Lines, platform: &Platform) -> Result<web_sys::ReadableStream> {
    let start = (platform.clone(), lines, Some(first));
    let pieces = stream::try_unfold(start, |(platform, mut lines, ready)| async move {
        let piece = match ready {
            Some(piece) => Some(piece),
            None => lines
                .next(&platform)
                .await
                .map_err(|error| worker::Error::RustError(error.private()))?,
        };
        Ok::<_, worker::Error>(piece.map(|piece| (piece, (platform, lines, None))))
    });
    let response = ResponseBuilder::new()
        .from_stream(pieces)
        .map_err(Error::unavailable)?;
    match response.body() {
        ResponseBody::Stream(stream) => Ok(stream.clone()),
        ResponseBody::Empty | ResponseBody::Body(_) => {
            Err(Error::unavailable("the runtime made no stream"))
        }
    }
}
