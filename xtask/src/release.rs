//! `cargo xtask release`: what is published, in `target/dist`. Builds the module and the `postern` command, asks tools
//! for what is in them, and has `xtask/dist` pack all of it.

mod check;
mod parts;
mod program;
mod sbom;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{self, Purpose};
use crate::fail::{Outcome, doing, failed};
use crate::{cargo, paths, process};

pub use check::check;
pub use trial::test;

/// Where the artifacts are, once made.
pub fn folder() -> PathBuf {
    paths::target().join("dist")
}

pub fn run() -> Outcome {
    build::run(Purpose::Release)?;
    let parts = empty_parts()?;
    let programs = program::build(&parts.join("bin"))?;
    parts::of_module(&parts)?;
    parts::of_command(&parts, &programs)?;
    sbom::write(&parts.join("sbom"), &programs)?;
    pack(&parts, &[])?;
    list()
}

/// The command alone, for another kind of machine than that which builds the module.
pub fn command() -> Outcome {
    let parts = empty_parts()?;
    let programs = program::build(&parts.join("bin"))?;
    parts::of_command(&parts, &programs)?;
    sbom::of_command(&parts.join("sbom"), &programs)?;
    pack(&parts, &["--command"])?;
    list()
}

fn empty_parts() -> Outcome<PathBuf> {
    let parts = paths::target().join("release-parts");
    if parts.exists() {
        doing(
            "emptying the parts of the release",
            fs::remove_dir_all(&parts),
        )?;
    }
    doing("creating a folder for parts", fs::create_dir_all(&parts))?;
    Ok(parts)
}

fn list() -> Outcome {
    for entry in doing("listing the release", fs::read_dir(folder()))? {
        let entry = doing("listing the release", entry)?;
        let size = doing("looking at the release", entry.metadata())?.len();
        say!("{size:>9}  {}", entry.path().display());
    }
    Ok(())
}

fn pack(parts: &Path, options: &[&str]) -> Outcome {
    let what = "compiling what packs a release (about 20 s) ...";
    cargo::build(&["--locked", "--package", "xtask-dist"], what, "xtask-dist")?;
    let mut pack = Command::new(paths::target().join("debug/xtask-dist"));
    pack.arg(paths::root())
        .arg(parts)
        .arg(folder())
        .args(options);
    match process::run(&mut pack)?.success() {
        true => Ok(()),
        false => Err(failed(
            "the release was not packed; what went wrong is above",
        )),
    }
}
