//! From an answer to the platform's response. Which answer a refusal is, `postern_gate::error_answer`
//! says; here it is only written.

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::incoming::Incoming;
use crate::log::RequestLog;
use crate::platform::http_date;
use postern_gate::RefusalForm;
use postern_gate::error_answer::{self, ErrorAnswer, RefusedRequest};
use postern_registry::error::Error;
use postern_wire::conditional;

/// What an answer carries.
#[derive(Debug)]
pub enum Content {
    Json(String),
    /// Newline-delimited JSON, read piece by piece as the client takes it.
    Lines(web_sys::ReadableStream),
}

/// An answer that is no refusal.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Content,
    /// Answers with a secret must not be kept anywhere.
    pub no_store: bool,
    /// The way in that the caller took is going away (RFC 9745).
    pub deprecated: bool,
    /// It did not wait for the end, as its caller preferred (RFC 7240).
    pub is_early: bool,
}

impl Answer {
    /// An answer with this value as its body.
    ///
    /// # Errors
    /// When the value does not serialize.
    pub fn new(status: u16, value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self {
            status,
            body: Content::Json(serde_json::to_string(value).map_err(Error::unavailable)?),
            no_store: false,
            deprecated: false,
            is_early: false,
        })
    }

    /// An answer that must not be kept anywhere.
    ///
    /// # Errors
    /// When the value does not serialize.
    pub fn secret(status: u16, value: &impl Serialize) -> Result<Self, Error> {
        Self::new(status, value).map(|answer| Self {
            no_store: true,
            ..answer
        })
    }
}

/// The media type of an export (R35).
pub const NDJSON: &str = "application/x-ndjson";

/// Writes an answer: JSON, or lines of it.
pub fn json(answer: &Answer, incoming: &Incoming) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    let content_type = match &answer.body {
        Content::Json(_) => "application/json",
        Content::Lines(_) => NDJSON,
    };
    headers.set("content-type", content_type)?;
    headers.set(
        "cache-control",
        if answer.no_store {
            "no-store"
        } else {
            "private, no-cache"
        },
    )?;
    if answer.is_early {
        headers.set("preference-applied", "respond-async")?;
    }
    if answer.deprecated {
        headers.set("deprecation", WORKFLOW_READ_DEPRECATED)?;
    }
    match &answer.body {
        Content::Json(text) => finish(answer.status, &headers, Some(text), incoming),
        Content::Lines(stream) => {
            let init = init(answer.status, &headers, incoming)?;
            web_sys::Response::new_with_opt_readable_stream_and_init(Some(stream), &init)
        }
    }
}

/// Writes a document that is the same for everybody and may be kept as `cache_control` says.
pub fn document(
    body: &str,
    content_type: &str,
    cache_control: &str,
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", content_type)?;
    headers.set("cache-control", cache_control)?;
    finish(200, &headers, Some(body), incoming)
}

/// Writes a JSON document with an entity tag, or 304 to who has it already.
pub fn tagged(body: &str, etag: &str, incoming: &Incoming) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    headers.set("etag", etag)?;
    headers.set("cache-control", "private, no-cache")?;
    let known = incoming.header("if-none-match");
    if known.is_some_and(|known| conditional::is_known(&known, etag)) {
        return finish(304, &headers, None, incoming);
    }
    headers.set("content-type", "application/json")?;
    finish(200, &headers, Some(body), incoming)
}

/// Since when management calls with a workflow token are deprecated: the first release,
/// 2026-11-22 in the syntax of RFC 9745.
const WORKFLOW_READ_DEPRECATED: &str = "@1795305600";

/// Writes a refusal as a problem document.
pub fn problem(
    error: &Error,
    incoming: &Incoming,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    refuse(RefusalForm::Problem, error, incoming, log)
}

/// Writes a refusal in this form, and notes it in the request's line of the log; OPTIONS is
/// answered instead.
pub fn refuse(
    form: RefusalForm,
    error: &Error,
    incoming: &Incoming,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    if let Some(answer) = error_answer::options(error, &incoming.method) {
        return write(&answer, incoming);
    }
    log.refused(error);
    let request = RefusedRequest {
        path: &incoming.path,
        request_id: &incoming.request_id,
    };
    let answer = error_answer::refusal(error, form, request);
    log.grpc_status = answer.grpc_status;
    write(&answer, incoming)
}

/// Writes an answer to a refused request.
pub fn write(answer: &ErrorAnswer, incoming: &Incoming) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in &answer.headers {
        headers.set(name, value)?;
    }
    finish(answer.status, &headers, answer.body.as_deref(), incoming)
}

fn finish(
    status: u16,
    headers: &web_sys::Headers,
    body: Option<&str>,
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    let init = init(status, headers, incoming)?;
    web_sys::Response::new_with_opt_str_and_init(body, &init)
}

fn init(
    status: u16,
    headers: &web_sys::Headers,
    incoming: &Incoming,
) -> Result<web_sys::ResponseInit, JsValue> {
    headers.set("x-request-id", &incoming.request_id)?;
    headers.set("x-content-type-options", "nosniff")?;
    // Clients hold their clocks against it; not every runtime adds one.
    headers.set("date", &http_date())?;
    let init = web_sys::ResponseInit::new();
    init.set_status(status);
    init.set_headers(headers);
    Ok(init)
}
