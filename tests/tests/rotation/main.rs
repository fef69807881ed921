//! Rotation (R9): the successor is the old token in all but its secret, and the old one ends when it was said to, in
//! every isolate.

mod callers;
mod overlaps;
mod successors;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

use crate::support::ISOLATES;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        [overlaps::cases(), successors::cases(), callers::cases()]
            .into_iter()
            .flatten(),
    )
}
