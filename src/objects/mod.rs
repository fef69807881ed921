//! The Durable Objects and the gateway's calls to them. The one question that every request asks
//! needs no JSON: its usual answer is a status.

pub mod ledger;
pub mod ledger_client;
pub mod limiter;
pub mod limiter_client;
mod sql;
