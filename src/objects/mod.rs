//! The Durable Objects and the gate's calls to them. Refuses JSON on the one question that every
//! request asks: its usual answer is a status.

pub mod ledger;
pub mod ledger_client;
pub mod limiter;
pub mod limiter_client;
mod sql;
