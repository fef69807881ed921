//! The Python side of the tests of docs/openapi.json: pinned packages with hashes, in a virtual environment of the
//! cache. Runs nothing of it.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::{cache, paths, process, toolchain};

/// What the packages ask for.
const OLDEST: (u32, u32) = (3, 11);

/// The Python that has the packages of this file of requirements; `None`, said on stderr, where the machine has no
/// Python for them and is not CI.
pub fn environment(requirements: &Path) -> Outcome<Option<PathBuf>> {
    match program() {
        Ok(python) => installed(&python, requirements).map(Some),
        Err(failure) if env::var_os("CI").is_some() => Err(failure),
        Err(failure) => {
            note!("skipping what runs on Python: {}", failure.message);
            Ok(None)
        }
    }
}

/// A Python that is new enough and can make virtual environments.
fn program() -> Outcome<PathBuf> {
    let (major, minor) = OLDEST;
    let advice =
        format!("the tests of docs/openapi.json need Python {major}.{minor} or newer, with `venv`");
    let python = paths::on_path("python3").ok_or_else(|| failed(&advice))?;
    let script = "import sys; print(*sys.version_info[:2], sep='.')";
    let version = process::read(Command::new(&python).args(["-c", script]))?;
    if !is_new_enough(&version) {
        return Err(failed(format_args!("{advice}; `python3` is {version}")));
    }
    let has_venv =
        || process::read(Command::new(&python).args(["-c", "import ensurepip, venv"])).is_ok();
    if !has_venv() && paths::on_path("apt-get").is_some() {
        note!(
            "apt-get: installing python3-venv, for the tests of docs/openapi.json (about 10 s) ..."
        );
        toolchain::install(&["python3-venv"])?;
    }
    if has_venv() {
        Ok(python)
    } else {
        Err(failed(advice))
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST
}

fn installed(python: &Path, requirements: &Path) -> Outcome<PathBuf> {
    let wanted = doing(
        format_args!("reading {}", requirements.display()),
        fs::read_to_string(requirements),
    )?;
    let about = process::read(
        Command::new(python).args(["-c", "import sys; print(sys.executable, sys.version)"]),
    )?;
    let mut hasher = DefaultHasher::new();
    (wanted, about).hash(&mut hasher);
    let folder = cache::once(&format!("python-{:016x}", hasher.finish()), |partial| {
        note!(
            "pip: installing what docs/openapi.json is tested with, once for this user (about 1 min) ..."
        );
        process::quiet(
            "python3 -m venv",
            Command::new(python).args(["-m", "venv"]).arg(partial),
        )?;
        process::quiet(
            "pip install",
            Command::new(partial.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                // What was tested is what runs: every file by its hash, and no code of a package while it installs.
                .args([
                    "--require-hashes",
                    "--only-binary",
                    ":all:",
                    "--no-deps",
                    "--requirement",
                ])
                .arg(requirements),
        )
    })?;
    Ok(folder.join("bin/python"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_versions() {
        for (version, expected) in [
            ("3.11", true),
            ("3.10", false),
            ("3.9", false),
            ("3.14", true),
            ("2.7", false),
            ("4.0", true),
            ("nonsense", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
