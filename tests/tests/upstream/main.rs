//! Upstream credentials (R42): a stored credential goes to the origin in place of the caller's, the narrowest there is; a
//! run keeps the one that it began under, a change is final when it answers, and the text stays where it is.

mod managing;
mod sending;
mod support;
mod trouble;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

use crate::support::ISOLATES;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES).set("ORIGIN_AUTH", "upstream")),
        [sending::cases(), managing::cases(), trouble::cases()]
            .into_iter()
            .flatten(),
    )
}
