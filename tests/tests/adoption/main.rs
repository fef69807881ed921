//! Tokens that the origin minted (R39): registered, they attest unchanged, no further than they were registered for, and
//! end when they are revoked; not registered, they open nothing.

mod adopting;
mod presenting;
mod records;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

use crate::support::ISOLATES;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        [adopting::cases(), presenting::cases(), records::cases()]
            .into_iter()
            .flatten(),
    )
}
