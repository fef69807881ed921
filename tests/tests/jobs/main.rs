//! Job tokens of CI systems (R47), from an issuer of our own to the origin: exchanged and as bearers, once worldwide,
//! under the rules of their organization, revocable, and hostile ones, of which none opens anything.

mod bearer;
mod chainloop;
mod claims;
mod exchange;
mod forged;
mod hostile;
mod malformed;
mod organizations;
mod replay;
mod rules;
mod strangers;
mod support;
mod trouble;
mod unmet;

use std::process::ExitCode;

use postern_system_tests::runner;

use crate::support::Jobs;

fn main() -> ExitCode {
    runner::run(
        Jobs::start(),
        [
            exchange::cases(),
            bearer::cases(),
            replay::cases(),
            rules::cases(),
            hostile::cases(),
            chainloop::cases(),
            strangers::cases(),
            trouble::cases(),
        ]
        .into_iter()
        .flatten(),
    )
}
