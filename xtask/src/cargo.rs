//! Nested cargo runs, free of what the cargo that started us said about *us*. Decides nothing about what is built.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::{Outcome, failed};
use crate::{paths, process};

/// Cargo for this machine's own programs, in the checkout.
pub fn host() -> Outcome<Command> {
    let mut cargo = clean(&program()?);
    // A package may name a toolchain of its own: rustup's stand-in for the compiler would heed it.
    if env::var_os("RUSTC").is_none() {
        cargo.env("RUSTC", active_sysroot()?.join("bin/rustc"));
    }
    if is_terminal() {
        cargo.env("CARGO_TERM_COLOR", "always"); // its output passes through us
    }
    Ok(cargo)
}

/// Builds a program of this workspace with these arguments. `what` is said if that takes a while; `name` says what has
/// failed to compile.
pub fn build(arguments: &[&str], what: &str, name: &str) -> Outcome {
    let mut build = host()?;
    build.args(["build", "--quiet"]).args(arguments);
    if process::announced(what, || process::run(&mut build))?.success() {
        return Ok(());
    }
    Err(failed(format_args!(
        "{name} does not compile; cargo's messages are above"
    )))
}

/// Any program that will run cargo in the checkout.
pub fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root());
    for (name, _) in env::vars_os() {
        let about_us = name.to_str().is_some_and(|name| {
            name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if about_us {
            command.env_remove(name);
        }
    }
    command
}

/// By its full path, beside the compiler that builds this workspace.
pub fn program() -> Outcome<PathBuf> {
    let beside = active_sysroot()
        .map(|sysroot| sysroot.join("bin/cargo"))
        .ok()
        .filter(|file| file.is_file());
    beside
        .or_else(|| paths::on_path("cargo"))
        .ok_or_else(|| failed("`cargo` is not on PATH"))
}

/// Where the compiler that builds this workspace lives.
pub fn active_sysroot() -> Outcome<PathBuf> {
    process::read(
        Command::new("rustc")
            .args(["--print", "sysroot"])
            .current_dir(paths::root()),
    )
    .map(PathBuf::from)
}

pub fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}
