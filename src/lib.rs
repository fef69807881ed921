//! Postern: a guarded gateway in front of an attestation API, on Cloudflare Workers.
//!
//! This package is the shell, the only one that knows the platform: fetch event, D1, KV, Durable
//! Objects, the way to the origin, clock and entropy. What it carries out is decided in `crates/`.

mod activity;
mod brake;
mod calls;
mod entry;
mod http;
mod leases;
mod log;
mod memory;
mod objects;
mod platform;
mod reports;
mod scheduled;
mod sessions;
mod store;

#[cfg(test)]
mod documents;
#[cfg(test)]
mod query_plans;
#[cfg(test)]
mod tidy;
