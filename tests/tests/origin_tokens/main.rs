//! The origin's own tokens, made and ended through the gateway (R43), in front of a control plane that believes only
//! what it made itself; and credentials for the gateway that it makes there (R42).

mod creating;
mod credentials;
mod rubbish;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;

use crate::support::Plane;

fn main() -> ExitCode {
    runner::run(
        Plane::start(),
        [creating::cases(), credentials::cases(), rubbish::cases()]
            .into_iter()
            .flatten(),
    )
}
