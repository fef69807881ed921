//! Searches for tokens and events, the overview and the dry run on a whole gateway: the index by triggers in D1, the
//! secret that is found and left nowhere, and names in the audit log.

mod figures;
mod tokens;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        tokens::cases().into_iter().chain(figures::cases()),
    )
}
