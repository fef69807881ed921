//! The npm side: node_modules as the lock file says, and the Node that runs them. Adds no package on its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::cache;
use crate::fail::{Outcome, failed};
use crate::{paths, process};

/// Makes node_modules agree with package-lock.json. Cheap when it already does.
pub fn modules() -> Outcome {
    modules_of(
        paths::root(),
        "npm: installing workerd, wrangler and the wasm tools into node_modules (about 20 s) ...",
    )
}

/// The same for the package in another folder of the checkout; `what` is said before a long wait.
pub fn modules_of(folder: &Path, what: &str) -> Outcome {
    if is_fresh(folder) {
        return Ok(());
    }
    let _lock = cache::lock(&paths::target().join("npm.lock"))?;
    if is_fresh(folder) {
        return Ok(());
    }
    if paths::on_path("npm").is_none() {
        return Err(failed(
            "`npm` is not on PATH: install Node 20 or newer, which brings it",
        ));
    }
    note!("{what}");
    process::quiet(
        "npm ci",
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder),
    )
}

/// The folder of the programs that npm installed; first on PATH, it makes Node scripts run on the Node below.
pub fn bin() -> PathBuf {
    paths::root().join("node_modules/.bin")
}

/// The pinned Node 22 where npm has it for this machine, else the one on PATH if it is new enough.
pub fn node() -> Outcome<PathBuf> {
    let pinned = bin().join("node");
    if pinned.is_file() {
        return Ok(pinned);
    }
    let system = paths::on_path("node")
        .ok_or_else(|| failed("`node` is not on PATH: install Node 22.12 or newer"))?;
    let version = process::read(Command::new(&system).arg("--version"))?;
    if is_new_enough(&version) {
        return Ok(system);
    }
    Err(failed(format_args!(
        "npm has no Node 22 for this machine and `node` is {version}: install Node 22.12 or newer"
    )))
}

/// npm writes node_modules/.package-lock.json last, so its time tells when an install was completed.
fn is_fresh(folder: &Path) -> bool {
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    let wanted = modified(&folder.join("package-lock.json"));
    matches!((installed, wanted), (Some(installed), Some(wanted)) if installed >= wanted)
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

/// wrangler and Miniflare ask for 22.12.
fn is_new_enough(version: &str) -> bool {
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (22, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions() {
        for (version, expected) in [
            ("v22.12.0", true),
            ("v22.11.9", false),
            ("v20.20.2", false),
            ("v24.0.0", true),
            ("nonsense", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
