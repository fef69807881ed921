//! The artifact store of strict mode: credentials that the control plane hands out and the store
//! checks, and the store itself, on a port of its own. It keeps artifacts in memory.

mod credential;
mod download;
mod falsify;
mod gob;
mod store;
mod stream;

pub use credential::Credential;
pub(crate) use credential::Mint;
pub(crate) use falsify::Falsified;
pub use falsify::Wrong;
pub use gob::{Resource, encode};
pub(crate) use store::{Store, routes};

/// Bytes in one piece of a stream, as the control plane's client sends them.
pub const CHUNK: usize = 1024 * 1024;

/// Longest artifact that is kept here.
pub const MAX_ARTIFACT: u64 = 100 * 1024 * 1024;
