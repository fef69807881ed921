//! Revoking many tokens by what they have in common (R11, R16, R35): each selector against the identities that died, a
//! thousand at once under load in four isolates, and what is left of it after a power cut.

mod callers;
mod selectors;
mod support;
mod thousand;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

use crate::support::ISOLATES;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        [selectors::cases(), callers::cases(), thousand::cases()]
            .into_iter()
            .flatten(),
    )
}
