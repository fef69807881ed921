//! When bodies arrive and when credentials are checked (R40): who is revoked while a slow body is on its way is refused
//! by every call, a body that never comes ends the call, and a refusal reaches a client that is still sending.

mod refused;
mod slow;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.set("REST_ROUTES", "open").sessions()),
        [slow::cases(), refused::cases()].into_iter().flatten(),
    )
}
