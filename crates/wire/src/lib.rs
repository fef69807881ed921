//! Protocols as pure functions: what arrives as text or bytes becomes a value or a typed refusal,
//! and values become text or bytes. No I/O, no clocks, no decisions.

#![warn(missing_docs)]

pub mod address;
pub mod answering;
pub mod assertion;
pub mod bearer;
pub mod coding;
pub mod conditional;
pub mod connect;
pub mod cursor;
pub mod digest;
pub mod duration;
pub mod forwarding;
pub mod grpc_answer;
pub mod grpc_status;
pub mod grpc_web;
pub mod headers;
pub mod identity;
pub mod job;
pub mod json;
pub mod jwt;
pub mod message;
pub mod method;
pub mod opaque;
pub mod own_token;
pub mod prefer;
pub mod problem;
pub mod protobuf;
pub mod protocol;
pub mod query;
pub mod rest;
pub mod rfc3339;
pub mod scan;
pub mod sign_in;
pub mod site;
pub mod timeout;
pub mod trace;

#[cfg(test)]
mod properties;
