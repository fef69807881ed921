//! The platform: HTTP entry, stores, objects, the way to the origin, clock and entropy. Refuses
//! decisions; every one is made below, and this layer carries it out.

mod brake;
mod entry;
mod http;
mod log;
mod memory;
mod objects;
mod platform;
mod revocations;
mod scheduled;
mod sessions;
mod store;
mod uses;
