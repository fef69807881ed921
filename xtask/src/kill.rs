//! `cargo xtask kill`: more rounds of the whole-system test `kills` than `cargo xtask test` has. That test kills a gateway
//! under load with SIGKILL, starts it again on the same stores, and looks whether everything agrees.

use crate::args::Kill;
use crate::fail::Outcome;
use crate::test;

/// The file in tests/tests.
const KILLS: &str = "kills";

/// Builds the module and runs the rounds. The test prints a line for each, and what they came to.
pub fn run(request: &Kill) -> Outcome {
    let mut variables = vec![("POSTERN_KILLS", request.rounds.to_string())];
    variables.extend(
        request
            .seed
            .map(|seed| ("POSTERN_KILLS_SEED", seed.to_string())),
    );
    test::one_file(KILLS, &variables)
}
