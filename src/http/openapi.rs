//! `/openapi.json`: what the gateway answers, for tools.

use sha2::{Digest as _, Sha256};
use wasm_bindgen::JsValue;

use super::incoming::Incoming;
use super::respond;
use postern_domain::audit::hex;
use postern_registry::openapi::DOCUMENT;

thread_local! {
    /// The document's digest, as an entity tag.
    static ETAG: String = format!("\"{}\"", hex(&Sha256::digest(DOCUMENT)));
}

/// Serves the document; it says nothing of this deployment, so nobody has to be known for it.
pub fn serve(incoming: &Incoming) -> Result<web_sys::Response, JsValue> {
    ETAG.with(|etag| respond::tagged(DOCUMENT, etag, incoming))
}
