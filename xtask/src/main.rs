//! Postern's developer commands: build, serve, try and test the gateway. No part of this ships with it.

#[macro_use]
mod output;

mod args;
mod bench;
mod browser;
mod build;
mod cache;
mod cargo;
mod dev;
mod ends;
mod fail;
mod fuzz;
mod guard;
mod http;
mod issuer;
mod json;
mod kill;
mod migrations;
mod node;
mod openapi;
mod origin;
mod pack;
mod paths;
mod previous;
mod process;
mod python;
mod release;
mod remap;
mod secret;
mod serve;
mod supply;
mod test;
mod toolchain;
mod warden;
mod wasm_std;

use std::process::ExitCode;

use args::{Release, Request};
use fail::Outcome;

fn main() -> ExitCode {
    if let Some(code) = guard::become_workerd() {
        return code;
    }
    if let Some(code) = warden::become_warden() {
        return code;
    }
    ends::watch();
    let _ = paths::program(); // while the system still knows
    let result = {
        let _ending = process::Ending;
        args::parse(std::env::args().skip(1)).and_then(execute)
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn execute(request: Request) -> Outcome {
    match request {
        Request::Help => {
            say!("{}", args::USAGE);
            Ok(())
        }
        Request::Build(args::Module::Current) => build::run(build::Purpose::Release),
        Request::Build(args::Module::Previous) => previous::build().map(drop),
        Request::Serve(request) => serve::run(&request),
        Request::Origin { port, with } => origin::run(port, &with),
        Request::Issuer { port } => issuer::run(port),
        Request::Dev(request) => dev::run(&request),
        Request::Attest(words) => origin::attest(words),
        Request::Test(tests) => test::run(&tests),
        Request::Fuzz(request) => fuzz::run(&request),
        Request::Kill(request) => kill::run(&request),
        Request::Bench(words) => bench::run(words),
        Request::Release(Release::Make) => release::run(),
        Request::Release(Release::Command) => release::command(),
        Request::Release(Release::Check) => release::check(),
        Request::Release(Release::Test) => release::test(),
        Request::SupplyChain(request) => supply::run(&request),
    }
}
