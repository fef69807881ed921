//! What operators are told where the trusted header has no address of a client. What it has instead
//! is not repeated.

use std::cell::Cell;

use serde_json::json;

use crate::log;
use crate::platform::now;
use postern_domain::time::Timestamp;
use postern_wire::address::Unread;

/// How often an isolate writes the line, in milliseconds.
const TOLD_EVERY_MS: i64 = 60_000;
/// How long `/readyz` tells of the last header that could not be read, in milliseconds.
const REMEMBERED_MS: i64 = 600_000;

thread_local! {
    /// When a header could not be read, and when that was last written to the log.
    static MET: Cell<Option<Timestamp>> = const { Cell::new(None) };
    static TOLD: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// Takes note of a header that could not be read.
pub fn met(unread: Unread) {
    let at = now();
    MET.set(Some(at));
    if !is_within(TOLD.get(), at, TOLD_EVERY_MS) {
        TOLD.set(Some(at));
        log::event(&json!({
            "level": "warning",
            "event": "client_address_unread",
            "variable": "TRUSTED_IP_HEADER",
            "advice": unread.describe(),
        }));
    }
}

/// What this isolate has met of late, for `/readyz`.
pub fn state() -> &'static str {
    match is_within(MET.get(), now(), REMEMBERED_MS) {
        true => "unreadable",
        false => "readable",
    }
}

fn is_within(moment: Option<Timestamp>, now: Timestamp, millis: i64) -> bool {
    moment.is_some_and(|moment| now.since(moment) < millis)
}
