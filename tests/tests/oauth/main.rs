//! Introspection (RFC 7662) and revocation by the holder (RFC 7009): what tools that know nothing of ours can rely on.

mod introspection;
mod revocation;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

use crate::support::ISOLATES;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        [introspection::cases(), revocation::cases()]
            .into_iter()
            .flatten(),
    )
}
