//! Who may do what to whose tokens (R10, R15 to R18, R21): organization-level tokens and project tokens, tokens that
//! were given `org_api_token:*`, narrow tokens, and chains of mints, through HTTP and in both formats.

mod chains;
mod narrow;
mod organization_tokens;
mod stars;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;
use postern_system_tests::suite::Suite;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        [
            organization_tokens::cases(),
            narrow::cases(),
            stars::cases(),
            chains::cases(),
        ]
        .into_iter()
        .flatten(),
    )
}
