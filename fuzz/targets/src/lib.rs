//! What the fuzzer tries. A target takes any bytes and fails by a panic: where a reader panics, or where it says another
//! thing than a second reader or than must be true. `fuzz/` runs each with libFuzzer, and `tests/corpus.rs` here without.

#![warn(missing_docs)]

mod bytes;
mod cookies;
mod credentials;
mod cursors;
mod frames;
mod gate;
mod headers;
mod identity;
mod jobs;
mod json;
mod jwt;
mod ledger;
mod messages;
mod notes;
mod rest;
mod routes;
mod rows;

pub use cookies::cookies;
pub use credentials::{bearer, opaque};
pub use cursors::cursors;
pub use frames::{connect, grpc_web};
pub use gate::{gate_rest, gate_rpc};
pub use headers::headers;
pub use identity::identity;
pub use jobs::{job_keys, job_tokens};
pub use jwt::jwt;
pub use ledger::ledger;
pub use messages::ledger_messages;
pub use notes::notes;
pub use rest::{rest_json, rest_query};
pub use routes::routes;

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its program in `fuzz/bin`.
    pub name: &'static str,
    /// Tries one input.
    pub run: fn(&[u8]),
    /// Inputs to begin with: values of the tests, right and wrong ones.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Longest input that is made.
    pub longest: usize,
}

/// All targets.
pub const TARGETS: [Target; 19] = [
    target("bearer", bearer, credentials::bearer_seeds, 512),
    target("opaque", opaque, credentials::opaque_seeds, 256),
    target("jwt", jwt, jwt::seeds, 2_048),
    target("identity", identity, identity::seeds, 2_048),
    target("grpc_web", grpc_web, frames::grpc_web_seeds, 1_024),
    target("connect", connect, frames::connect_seeds, 512),
    target("headers", headers, headers::seeds, 512),
    target("rest_json", rest_json, rest::json_seeds, 1_024),
    target("rest_query", rest_query, rest::query_seeds, 512),
    target("routes", routes, routes::seeds, 2_048),
    target("cookies", cookies, cookies::seeds, 1_024),
    target("cursors", cursors, cursors::seeds, 256),
    target("job_tokens", job_tokens, jobs::token_seeds, 4_096),
    target("job_keys", job_keys, jobs::key_seeds, 4_096),
    target("notes", notes, notes::seeds, 4_096),
    target("gate_rpc", gate_rpc, gate::rpc_seeds, 1_024),
    target("gate_rest", gate_rest, gate::rest_seeds, 1_024),
    target("ledger", ledger, ledger::seeds, 2_048),
    target("ledger_messages", ledger_messages, messages::seeds, 4_096),
];

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
    longest: usize,
) -> Target {
    Target {
        name,
        run,
        seeds,
        longest,
    }
}
