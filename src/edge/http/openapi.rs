//! `/openapi.json`: what the gate answers, for tools. Refuses everything but reading it.

use wasm_bindgen::JsValue;

use super::incoming::Incoming;
use super::respond::{self, Answer, Content};
use crate::app::error::Error;
use crate::app::openapi::DOCUMENT;
use crate::edge::log::RequestLog;

/// Serves the document; it says nothing of this deployment, so nobody has to be known for it.
pub fn serve(incoming: &Incoming, log: &mut RequestLog) -> Result<web_sys::Response, JsValue> {
    if !matches!(incoming.method.as_str(), "GET" | "HEAD") {
        let error = Error::MethodNotAllowed { allow: "GET, HEAD" };
        return respond::problem(&error, incoming, log);
    }
    let answer = Answer {
        status: 200,
        body: Content::Json(DOCUMENT.to_owned()),
        no_store: false,
        deprecated: false,
    };
    respond::json(&answer, incoming)
}
