//! The management API as the contract has it: what each call answers, which fields and no others, what lists show and
//! how they page, and that the plaintext of a token is nowhere but in the answer that made it.

mod lists;
mod mints;
mod organizations;
mod support;
mod surface;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        [
            organizations::cases(),
            mints::cases(),
            lists::cases(),
            surface::cases(),
        ]
        .into_iter()
        .flatten(),
    )
}
