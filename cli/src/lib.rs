//! The `postern` command: a bridge for native gRPC clients, and the management of tokens from a
//! terminal (R37). Talks to a gateway over its public routes only; keeps no credential.

#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own, with a clock"
)]
#![warn(missing_docs)]

pub mod accept;
pub mod activity;
pub mod address;
pub mod api;
pub mod attest;
pub mod audit;
pub mod bridge;
pub mod command;
pub mod connect;
pub mod deployment;
pub mod doctor;
pub mod explain;
pub mod fail;
pub mod files;
pub mod help;
pub mod job;
pub mod leaks;
pub mod listening;
pub mod listing;
pub mod nearest;
pub mod organization;
pub mod output;
mod pause;
pub mod preflight;
pub mod problem;
pub mod profiles;
pub mod proxy;
pub mod rebuild;
pub mod registry;
pub mod settings;
pub mod setup;
pub mod shell;
pub mod table;
pub mod terminal;
pub mod text;
pub mod tokens;
pub mod trust;
pub mod trust_rules;
pub mod upstream;
pub mod when;
pub mod whoami;
