//! Policy of an organization (R53): a pause that is final everywhere and leaves its administrators what they need, and
//! what new tokens must keep to.

mod new_tokens;
mod pause;
mod support;
mod under_load;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

use crate::support::ISOLATES;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        [pause::cases(), under_load::cases(), new_tokens::cases()]
            .into_iter()
            .flatten(),
    )
}
