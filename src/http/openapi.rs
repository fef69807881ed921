//! `/openapi.json`: what the gateway answers, for tools.

use sha2::{Digest as _, Sha256};
use wasm_bindgen::JsValue;

use super::incoming::Incoming;
use super::respond;
use crate::log::RequestLog;
use postern_domain::audit::hex;
use postern_registry::error::Error;
use postern_registry::openapi::DOCUMENT;

thread_local! {
    /// The document's digest, as an entity tag.
    static ETAG: String = format!("\"{}\"", hex(&Sha256::digest(DOCUMENT)));
}

/// Serves the document; it says nothing of this deployment, so nobody has to be known for it.
pub fn serve(incoming: &Incoming, log: &mut RequestLog) -> Result<web_sys::Response, JsValue> {
    if incoming.verb() != "GET" {
        return respond::problem(&Error::MethodNotAllowed { allow: "GET" }, incoming, log);
    }
    ETAG.with(|etag| respond::tagged(DOCUMENT, etag, incoming))
}
