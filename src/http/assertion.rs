//! The assertion on its way to the origin's headers. No call goes without the one that the
//! configuration asks for.

use web_sys::Headers;

use super::forward::{Asking, Outgoing, refused};
use postern_registry::assertion::{Forwarded, assertion};
use postern_registry::error::Result;
use postern_wire::assertion::HEADER;

/// Adds the assertion for a request of this method, path with query, and body, where there is to be
/// one.
///
/// # Errors
/// `Unavailable` when none can be made, `Origin` when the runtime refuses the header.
pub fn add(
    headers: &Headers,
    (method, target): (&str, &str),
    body: &Outgoing,
    asking: &Asking<'_>,
) -> Result<()> {
    // The copy out of the runtime is made only for those who want the hash.
    let sent = asking.config.assertions.as_ref().is_some_and(|a| a.sent);
    let bytes = match body {
        _ if !sent => return Ok(()),
        Outgoing::Nothing => Some(Vec::new()),
        Outgoing::Bytes(bytes) => Some(bytes.to_vec()),
        Outgoing::Stream(_) => None,
    };
    let call = Forwarded {
        method,
        operation: target,
        body: bytes.as_deref(),
        request_id: &asking.incoming.request_id,
    };
    match assertion(asking.caller, call, asking.config, asking.platform)? {
        Some(made) => headers.set(HEADER, made.expose()).map_err(refused),
        None => Ok(()),
    }
}
