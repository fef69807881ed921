//! The whole path on real input: tokens of every scope attest this project's own build through the gate with a real
//! gRPC-Web client, and are refused wherever their scope ends. What reaches the origin is looked at there.

mod arrival;
mod build;
mod scopes;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(2)),
        [build::cases(), arrival::cases(), scopes::cases()]
            .into_iter()
            .flatten(),
    )
}
