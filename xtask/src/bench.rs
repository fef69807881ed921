//! `cargo xtask bench`: builds the module and the bench, and runs it. Knows nothing of what it measures.

use std::process::Command;

use crate::fail::{Outcome, failed};
use crate::{build, cargo, node, paths, process};

pub fn run(words: Vec<String>) -> Outcome {
    node::modules()?;
    build::run(build::Purpose::Release)?;
    let what = "compiling the bench (1 to 2 min from nothing) ...";
    let arguments = ["--release", "--package", "postern-bench"];
    cargo::build(&arguments, what, "the bench")?;
    let mut bench = Command::new(paths::target().join("release/postern-bench"));
    bench
        .args(words)
        .current_dir(paths::root())
        .env("POSTERN_XTASK", paths::program()?);
    if cfg!(target_os = "linux") {
        bench.env("POSTERN_GUARD", paths::program()?);
    }
    // The report is its stdout.
    let mut child = process::spawn(&mut bench)?;
    match process::wait(&mut child)?.success() {
        true => Ok(()),
        false => Err(failed(
            "the bench did not end well; what went wrong is above",
        )),
    }
}
