//! From an answer to the platform's response. Which answer a refusal is, `postern_gate::error_answer`
//! says; here it is only written.

use wasm_bindgen::JsValue;

use super::incoming::Incoming;
use crate::platform::http_date;
use postern_gate::RefusalForm;
use postern_gate::error_answer::{self, ErrorAnswer, RefusedRequest};
use postern_gate::request_log::RequestLog;
use postern_registry::error::Error;

/// Writes an answer with these headers.
pub fn text(
    status: u16,
    headers: &[(&str, impl AsRef<str>)],
    text: &str,
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    finish(status, &written(headers)?, Some(text), incoming)
}

/// Writes an answer without a content.
pub fn nothing(
    status: u16,
    headers: &[(&str, impl AsRef<str>)],
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    finish(status, &written(headers)?, None, incoming)
}

/// Writes an answer whose content is read as the client takes it.
pub fn stream(
    status: u16,
    headers: &[(&str, impl AsRef<str>)],
    stream: &web_sys::ReadableStream,
    incoming: &Incoming,
) -> Result<web_sys::Response, JsValue> {
    let init = init(status, &written(headers)?, incoming)?;
    web_sys::Response::new_with_opt_readable_stream_and_init(Some(stream), &init)
}

fn written(headers: &[(&str, impl AsRef<str>)]) -> Result<web_sys::Headers, JsValue> {
    let written = web_sys::Headers::new()?;
    for (name, value) in headers {
        written.set(name, value.as_ref())?;
    }
    Ok(written)
}

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
    let headers = written(&answer.headers)?;
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
