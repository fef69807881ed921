//! REST routes through the gate: those of routes.toml with tokens of every scope, the plain GET routes of the
//! control plane, and every trick that could make the gate and the origin read two things. What is refused must not
//! reach the origin.

mod open;
mod readings;
mod scopes;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.set("REST_ROUTES", "open")),
        [scopes::cases(), readings::cases(), open::cases()]
            .into_iter()
            .flatten(),
    )
}
