//! Attestation calls by somebody who means harm, in each protocol that is spoken: messages, content types, paths, methods,
//! headers and credentials that two readers could take in two ways. (Framing of HTTP itself is in smuggling.rs.) Each is
//! refused with its own sentence and nothing of it reaches the origin, or the origin gets exactly what was decided on.

mod bodies;
mod heads;
mod messages;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        [messages::cases(), bodies::cases(), heads::cases()]
            .into_iter()
            .flatten(),
    )
}
