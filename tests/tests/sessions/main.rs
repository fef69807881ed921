//! Tiers 1 and 3: browser sessions that the control plane verifies (R23), and workflow tokens that may still read
//! (R25). With several administrator keys at a time (R24).

mod endpoint;
mod keys;
mod people;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.sessions().isolates(2)),
        [people::cases(), endpoint::cases(), keys::cases()]
            .into_iter()
            .flatten(),
    )
}
