//! `cargo xtask release --check`: builds the module once more in another folder, from what git has, and compares.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::build::{self, Purpose};
use crate::fail::{Outcome, doing, failed};
use crate::{cargo, paths, process};

/// What must be the same, below the checkout.
const MADE: [&str; 2] = ["build/index.js", "build/index_bg.wasm"];

/// # Errors
/// If a file differs, or one of the builds fails.
pub fn check() -> Outcome {
    let changed = process::read(
        Command::new("git")
            .args(["status", "--porcelain"])
            .current_dir(paths::root()),
    )?;
    if !changed.is_empty() {
        return Err(failed(
            "the checkout has changes that are not committed: commit them, for the other build has what git has",
        ));
    }
    build::run(Purpose::Release)?;
    // Of another length than most names, so that no padding hides a path.
    let other = paths::target().join("another-folder-for-the-same-build");
    note!(
        "building the module once more in {} (3 to 6 min) ...",
        other.display()
    );
    if other.exists() {
        doing("emptying the other folder", fs::remove_dir_all(&other))?;
    }
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", "--no-hardlinks"]);
    process::quiet("git clone", clone.arg(paths::root()).arg(&other))?;
    let mut build = cargo::clean(&cargo::program()?);
    build
        .args(["xtask", "build"])
        .current_dir(&other)
        .env_remove("CARGO_TARGET_DIR");
    if !process::run(&mut build)?.success() {
        return Err(failed("the module does not build in the other folder"));
    }
    for name in MADE {
        let (first, second) = (sum(paths::root(), name)?, sum(&other, name)?);
        if first != second {
            return Err(failed(format_args!(
                "{name} differs: {first} here, {second} in {}",
                other.display()
            )));
        }
        say!("{first}  {name}");
    }
    doing("removing the other folder", fs::remove_dir_all(&other))?;
    say!("two builds in two folders made the same bytes");
    Ok(())
}

fn sum(folder: &Path, name: &str) -> Outcome<String> {
    const PROGRAM: &str = "process.stdin.pipe(require('crypto').createHash('sha256').setEncoding('hex')).pipe(process.stdout)";
    let file = doing(
        format_args!("opening {name}"),
        fs::File::open(folder.join(name)),
    )?;
    let mut node = Command::new(crate::node::node()?);
    node.args(["-e", PROGRAM]);
    process::read_from(&mut node, file)
}
