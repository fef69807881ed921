//! The command from outside (R37). The bridge: a stock kind of gRPC client (tonic, HTTP/2) before
//! it, the sample origin or a hand-made server behind it. The other commands: the built program,
//! and a gateway of fixed answers. Internals are tested beside the code.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]
#![expect(clippy::disallowed_methods, reason = "tests of a program with a clock")]

mod actions;
mod actions_run;
mod activity;
mod artifacts;
mod attest;
mod audit;
mod calls;
mod child;
mod commands;
mod exchange;
mod exchange_refused;
mod find;
mod gateway;
mod golden;
mod help;
mod jobs;
mod limits;
mod lists;
mod local;
mod logs;
mod others;
mod pausing;
mod profiles;
mod program;
mod proxy;
mod public_audit;
mod public_proofs;
mod public_refused;
mod raw;
mod ready;
mod rebuild;
mod refusals;
mod revoke_many;
mod search;
mod setup;
mod setup_jobs;
mod shapes;
mod snippets;
mod standin;
mod support;
mod terminal;
mod tls;
mod tokens;
mod trouble;
mod trust;
mod trust_add;
mod upstream;
mod whoami;
mod witness;
