//! Use cases over ports, and in [`api`] the routes that lead to them. No platform types, no SQL: what
//! a use case needs of the world comes in through [`ports`], and what it refuses goes out as an
//! [`error::Error`]. HTTP is for `api` alone.

#![warn(missing_docs)]

pub mod activity;
pub mod adopt;
pub mod api;
pub mod audit;
pub mod authenticate;
pub mod body;
mod conditions;
pub mod exchange;
pub mod explain;
pub mod jobs;
mod known_policies;
pub mod leaks;
pub mod mint;
mod mint_limits;
pub mod oauth;
pub mod openapi;
pub mod organization;
pub mod origin_tokens;
pub mod page;
pub mod ports;
pub mod rebuild;
pub mod refusal;
pub mod registry;
pub mod session;
pub mod tokens;
pub mod trust_rules;
pub mod upstream;
pub mod ways_in;

pub use postern_gate::{config, error};

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_door;
