//! The audit log that anyone can check (R54), from outside: with public keys alone, against an operator who has every
//! other key, after an upgrade, and with witnesses.

mod proofs;
mod support;
mod upgraded;
mod witnessed;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Setup;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        [proofs::cases(), upgraded::cases(), witnessed::cases()]
            .into_iter()
            .flatten(),
    )
}
