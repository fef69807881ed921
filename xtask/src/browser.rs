//! The dashboard's tests in Debian's Chromium: finds or installs it, then runs tests/browser on the pinned Node.
//! Downloads no browser from anywhere but the machine's own package source.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::{Outcome, failed};
use crate::{node, paths, toolchain};

/// Names under which distributions have it.
const PROGRAMS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// What to type where we may not.
const ADVICE: &str =
    "the dashboard's tests need Chromium: install it, so that `chromium` is on PATH";

/// The tests as a command, ready to run; `xtask` starts the gateway for them.
pub fn tests(xtask: &Path) -> Outcome<Command> {
    node::modules()?;
    let chromium = chromium()?;
    let mut command = Command::new(node::node()?);
    command
        .arg("--test-reporter=./tests/browser/reporter.mjs")
        .arg("--test-force-exit") // the last case is the end, whatever is still open
        .arg("tests/browser/main.mjs")
        .current_dir(paths::root())
        .env("POSTERN_XTASK", xtask)
        .env("POSTERN_CHROMIUM", chromium);
    Ok(command)
}

/// Chromium, installed where it is missing and this is Debian.
fn chromium() -> Outcome<PathBuf> {
    if let Some(found) = found() {
        return Ok(found);
    }
    if paths::on_path("apt-get").is_none() {
        return Err(failed(ADVICE));
    }
    note!("apt-get: installing chromium, for the dashboard's tests (about a minute) ...");
    toolchain::install(&["chromium"])?;
    found().ok_or_else(|| failed(ADVICE))
}

fn found() -> Option<PathBuf> {
    PROGRAMS.iter().find_map(|name| paths::on_path(name))
}
