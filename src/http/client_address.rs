//! What operators are told where the trusted header has no address of a client. What it has instead
//! is not repeated.

use std::cell::Cell;

use serde_json::json;

use crate::log;
use crate::platform::now;
use postern_gate::client_addresses::ClientAddresses;
use postern_wire::address::Unread;

thread_local! {
    static MET: Cell<ClientAddresses> = const { Cell::new(ClientAddresses::NONE) };
}

/// Takes note of a header that could not be read.
pub fn met(unread: Unread) {
    let mut addresses = MET.get();
    let is_told = addresses.unread(now());
    MET.set(addresses);
    if is_told {
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
    MET.get().state(now())
}
