//! What the whole-system tests share: a gateway on workerd, an origin in this process, plain HTTP, forged credentials
//! and a runner. Tests call the gateway from outside only; nothing here looks into its stores except to search them
//! for secrets.
//!
//! INVARIANT (the tests play the platform): every request carries `CF-Connecting-IP`, as Cloudflare would set it.

#![warn(missing_docs)]

pub mod apart;
pub mod audit;
pub mod dice;
pub mod forge;
pub mod fronts;
pub mod gateway;
pub mod hammer;
pub mod http;
pub mod issuer;
pub mod ledgers;
pub mod life;
pub mod organization;
pub mod origin;
pub mod process;
pub mod program;
pub mod releases;
pub mod rpc;
pub mod runner;
pub mod scripted;
pub mod slow;
pub mod stored;
pub mod suite;

use std::path::Path;
use std::process::Command;

/// The Node that serves the gateways, with its SQLite.
pub fn node() -> Command {
    Command::new(root().join("node_modules/.bin/node"))
}

/// Random bytes; the machine has always some.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the machine has entropy");
    bytes
}

/// A fresh UUID that nobody else has.
pub fn random_id() -> String {
    postern_domain::id::TokenId::from_random(random()).to_string()
}

/// A DNS label that nobody else has.
pub fn random_name(prefix: &str) -> String {
    let digits: String = random::<6>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{prefix}-{digits}")
}

/// A client address for one test alone, so that limits for each address do not meet.
pub fn random_address() -> String {
    let [a, b, c] = random();
    format!("10.{a}.{b}.{c}")
}

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies inside the checkout")
}
