//! The `postern` command on a whole gateway: the life of a token from the terminal, attestation by
//! a native gRPC client through the bridge, and what is said when something is wrong.

mod checks;
mod finding;
mod support;
mod tokens;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        [tokens::cases(), finding::cases(), checks::cases()]
            .into_iter()
            .flatten(),
    )
}
