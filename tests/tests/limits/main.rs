//! Limits that hold across isolates, restarts and clocks: ceilings (R27), buckets of addresses and of minters (R26), and
//! the brake on refused credentials, which never holds up a good one.

mod brake;
mod mints;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Setup;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        [mints::cases(), brake::cases()].into_iter().flatten(),
    )
}
