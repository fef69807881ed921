//! The audit log from outside (R35): what is written into it, who reads it, and that whoever changes it is found out by
//! the check of an export, whatever he can write to.

mod events;
mod growth;
mod lines;
mod readers;
mod support;
mod tampering;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        [
            events::cases(),
            readers::cases(),
            growth::cases(),
            tampering::cases(),
            lines::cases(),
        ]
        .into_iter()
        .flatten(),
    )
}
