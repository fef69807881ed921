//! People in front of a control plane that is closed to everybody but the gateway (R44): what they may, what the plane's
//! plain HTTP gives, and that nothing gets there past the gateway.

mod calls;
mod plain_http;
mod support;

use std::process::ExitCode;

use postern_system_tests::runner;

use crate::support::Plane;

fn main() -> ExitCode {
    let cases = [calls::cases(), plain_http::cases()];
    runner::run(Plane::start(), cases.into_iter().flatten())
}
