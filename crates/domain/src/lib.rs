//! The rules of the gateway as values and pure functions.
//!
//! No clock, no randomness, no I/O, no `async`, and no type of the layers above. Time comes in as a
//! [`time::Timestamp`], chance as bytes, and the answer goes out as a value.

#![warn(missing_docs)]

pub mod audit;
pub mod beginning;
pub mod bucket;
pub mod caller;
pub mod claims;
pub mod conditions;
pub mod decide;
pub mod edit;
pub mod id;
pub mod keys;
pub mod leak;
pub mod limit;
pub mod location;
pub mod name;
pub mod operation;
pub mod organization;
pub mod placeholder;
pub mod policy;
pub mod policy_text;
pub mod role;
pub mod route;
pub mod rpc;
pub mod scope;
pub mod secret;
pub mod session;
pub mod standing;
pub mod time;
pub mod token;
pub mod trust;
pub mod unicode;
pub mod upstream;
pub mod usage;

#[cfg(feature = "testing")]
pub mod testing;
