//! The tests of docs/openapi.json: a linter, a property tester against the served gateway, and clients of two
//! generators. Installs what they need and hands over to tests/openapi/main.mjs, which reports like cargo's tests.

use std::path::Path;
use std::process::Command;

use crate::args::OpenApi;
use crate::fail::Outcome;
use crate::{node, paths, python};

/// The tests as a command, ready to run; `xtask` starts the gateway for them.
pub fn tests(xtask: &Path, request: &OpenApi) -> Outcome<Command> {
    node::modules()?;
    let folder = paths::root().join("tests/openapi");
    node::modules_of(
        &folder,
        "npm: installing what docs/openapi.json is tested with into tests/openapi/node_modules (about 10 s) ...",
    )?;
    let python = python::environment(&folder.join("requirements.txt"))?;
    let mut command = Command::new(node::node()?);
    command
        .arg("--test-reporter=./tests/browser/reporter.mjs")
        .arg("--test-force-exit") // the last case is the end, whatever is still open
        .arg("tests/openapi/main.mjs")
        .current_dir(paths::root())
        .env("POSTERN_XTASK", xtask)
        .env("POSTERN_EXAMPLES", request.examples.to_string())
        .env("POSTERN_SEED", request.seed.to_string());
    if let Some(python) = python {
        command.env("POSTERN_PYTHON", python);
    }
    Ok(command)
}
