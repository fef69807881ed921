//! Keeps this machine's folders out of what is compiled: the compiler writes the same name for each of them everywhere,
//! so that two folders, or two machines with the same compiler, make the same bytes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::toolchain::Toolchain;
use crate::{cargo, paths, process};

/// What the sources of dependencies are called, whichever registry or mirror they came from.
const REGISTRY: &str = "/cargo";
const CHECKOUT: &str = "/postern";
const TARGET: &str = "/postern/target";

/// The flags for the compiler of the module.
pub fn flags(toolchain: &Toolchain) -> Outcome<Vec<String>> {
    of(&toolchain.rustc)
}

/// The flags for the compiler that builds this workspace.
pub fn of_host() -> Outcome<Vec<String>> {
    of(&cargo::active_sysroot()?.join("bin/rustc"))
}

/// Later ones come first where two fit.
fn of(rustc: &Path) -> Outcome<Vec<String>> {
    let mut flags = vec![
        flag(paths::root(), CHECKOUT),
        flag(&paths::target(), TARGET),
    ];
    flags.extend(registries()?.iter().map(|folder| flag(folder, REGISTRY)));
    flags.push(library(rustc)?);
    Ok(flags)
}

fn flag(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

/// Where cargo unpacks what it downloads, a folder for each registry.
fn registries() -> Outcome<Vec<PathBuf>> {
    let home = match (env::var_os("CARGO_HOME"), env::var_os("HOME")) {
        (Some(home), _) if !home.is_empty() => paths::root().join(home),
        (_, Some(home)) if !home.is_empty() => PathBuf::from(home).join(".cargo"),
        _ => {
            return Err(failed(
                "neither CARGO_HOME nor HOME is set: where are cargo's sources?",
            ));
        }
    };
    let sources = home.join("registry/src");
    if !sources.is_dir() {
        return Ok(Vec::new()); // before the first download, or with vendored sources in the checkout
    }
    let mut folders = Vec::new();
    for entry in doing("listing cargo's sources", fs::read_dir(&sources))? {
        folders.push(doing("listing cargo's sources", entry)?.path());
    }
    folders.sort();
    Ok(folders)
}

/// The compiler calls the library's sources by their commit, unless it finds them on this machine.
fn library(rustc: &Path) -> Outcome<String> {
    let sysroot = process::read(Command::new(rustc).args(["--print", "sysroot"]))?;
    let about = process::read(Command::new(rustc).arg("-vV"))?;
    let commit = about
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .unwrap_or("unknown");
    let sources = Path::new(&sysroot).join("lib/rustlib/src/rust");
    Ok(flag(&sources, &format!("/rustc/{commit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_names_both_sides() {
        let flag = flag(Path::new("/a b"), CHECKOUT);
        assert_eq!(flag, "--remap-path-prefix=/a b=/postern");
    }
}
