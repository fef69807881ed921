//! Requests with good credentials and everything else wrong, each refused in its own protocol with nothing changed;
//! the limits on minting; and an origin that is down, slow, or not one at all.

mod frames;
mod management;
mod messages;
mod mints;
mod names;
mod origins;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

use crate::support::PATIENCE;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| {
            let patience = PATIENCE.to_string();
            serve.set("ORIGIN_TIMEOUT_SECONDS", &patience).isolates(2)
        }),
        [
            mints::cases(),
            names::cases(),
            management::cases(),
            frames::cases(),
            messages::cases(),
            origins::cases(),
        ]
        .into_iter()
        .flatten(),
    )
}
