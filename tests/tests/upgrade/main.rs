//! Two releases, this one and the one before, on one D1, one KV, the same Ledgers and limiters: each gateway with the
//! other's Ledgers, an upgrade and a rollback on kept stores, both at once, and what only the later one knows.

mod kept;
mod made;
mod mixed;
mod unknown;

use std::process::ExitCode;

use postern_system_tests::gateway::Serve;
use postern_system_tests::releases::Module;
use postern_system_tests::runner;
use postern_system_tests::suite::Setup;

/// Whose credential goes to the origin in all of these: a stored one, so that upgrades have to keep it.
fn serve(setup: &Setup, modules: &[Module]) -> Serve {
    setup
        .serve()
        .set("ORIGIN_AUTH", "upstream")
        .modules(modules)
}

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        [mixed::cases(), kept::cases(), unknown::cases()]
            .into_iter()
            .flatten(),
    )
}
