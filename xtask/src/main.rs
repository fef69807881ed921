//! Postern's developer commands: build, serve, try and test the gateway. No part of this ships with it.

mod args;
mod build;
mod cache;
mod fail;
mod guard;
mod json;
mod migrations;
mod node;
mod paths;
mod process;
mod serve;
mod toolchain;
mod tools;
mod wasm_std;
mod wrappers;

use std::process::ExitCode;

use args::Request;
use fail::Outcome;

fn main() -> ExitCode {
    if let Some(code) = guard::become_workerd() {
        return code;
    }
    process::guard();
    let result = args::parse(std::env::args().skip(1)).and_then(execute);
    process::stop_all();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn execute(request: Request) -> Outcome {
    match request {
        Request::Help => {
            println!("{}", args::USAGE);
            Ok(())
        }
        Request::Build => build::run(),
        Request::Serve(request) => serve::run(&request),
        Request::Test | Request::Origin { .. } | Request::Dev { .. } | Request::Attest(_) => {
            Err(fail::failed("not here yet"))
        }
    }
}
