//! `/.well-known/jwks.json`: the public keys that verify assertions. No credential is needed: there
//! is nothing private in it.

use wasm_bindgen::JsValue;

use super::incoming::Incoming;
use super::respond;
use crate::log::RequestLog;
use postern_registry::config::Config;
use postern_registry::error::Error;
use postern_wire::assertion::{JWKS_CONTENT_TYPE, KeySet};

/// Serves the key set; without keys an empty one.
pub fn serve(
    incoming: &Incoming,
    config: &Config,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    let keys = match &config.assertions {
        Some(assertions) => assertions.keys.published(),
        None => KeySet::default(),
    };
    match serde_json::to_string(&keys) {
        // For as long the origin may keep it, a new key must be published before it signs.
        Ok(body) => respond::document(&body, JWKS_CONTENT_TYPE, "public, max-age=300", incoming),
        Err(error) => respond::problem(&Error::unavailable(error), incoming, log),
    }
}
