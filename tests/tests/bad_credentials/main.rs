//! Credentials that must not open anything, on a management route and on an attestation route: each refusal in the
//! caller's protocol, with its reason where the holder may know it and one and the same answer where not (R12).

mod jwts;
mod opaque;
mod rows;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        [opaque::cases(), jwts::cases(), rows::cases()]
            .into_iter()
            .flatten(),
    )
}
