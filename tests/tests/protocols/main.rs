//! The protocols that an edge can carry: Connect beside gRPC-Web, both shapes of gRPC-Web errors, details, calls that
//! are open or name nothing. What the origin got is looked at there.

mod answers;
mod calls;
mod connect;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        [connect::cases(), answers::cases(), calls::cases()]
            .into_iter()
            .flatten(),
    )
}
