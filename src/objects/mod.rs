//! The Durable Objects and the gateway's calls to them.

pub mod ledger;
pub mod ledger_client;
pub mod limiter;
pub mod limiter_client;
mod sql;
