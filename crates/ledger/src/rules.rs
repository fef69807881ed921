//! The rules of a Ledger, by their numbers: a few lines for each, on SQLite itself.

mod activity;
mod artifacts;
mod creation;
mod edit;
mod ending;
mod exchange;
mod exchange_histories;
mod in_use;
mod leases;
mod log;
mod names;
mod pause;
mod policy;
mod questions;
mod rebuild;
mod releases;
mod reservations;
mod runs;
mod told;
mod tree;
mod trust;
mod upstream;
mod upstream_list;
mod waits;
