//! cargo-deny over the whole workspace, as deny.toml has it: licences, bans and sources; advisories where there is a
//! database of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::{cache, cargo, paths, process};

/// Raise it in .github/workflows/ci.yml too.
const VERSION: &str = "0.20.2";
/// Where cargo-deny looks for the one database that it knows, below the folder of databases.
const DATABASE: &str = "advisory-db-3157b0e258782691";

/// Licences, bans and sources.
pub fn check() -> Outcome<String> {
    deny(None, &["licenses", "bans", "sources"])?;
    Ok(
        "cargo-deny: licences, bans and sources of the workspace are as deny.toml allows"
            .to_owned(),
    )
}

/// Advisories: of a clone of RustSec's database, or of the database itself, which cargo-deny fetches.
pub fn advisories(clone: Option<&Path>) -> Outcome<String> {
    let Some(clone) = clone else {
        deny(None, &["advisories"])?;
        return Ok(
            "advisories: none against a crate of the workspace, nor a yanked one".to_owned(),
        );
    };
    let newest = process::read(
        Command::new("git")
            .args(["log", "-1", "--format=%cs"])
            .current_dir(clone),
    )?;
    let folder = paths::target().join("advisory-databases");
    if folder.exists() {
        doing("emptying a folder", fs::remove_dir_all(&folder))?;
    }
    doing("creating a folder", fs::create_dir_all(&folder))?;
    let mut copy = Command::new("git");
    copy.args(["clone", "--quiet", "--depth", "1", "--no-local"])
        .args([clone, &folder.join(DATABASE)]);
    process::quiet("git clone", &mut copy)?;
    let settings = doing(
        "reading deny.toml",
        fs::read_to_string(paths::root().join("deny.toml")),
    )?;
    let file = folder.join("deny.toml");
    let settings = with_database(&settings, &folder)?;
    doing("writing settings", fs::write(&file, settings))?;
    deny(Some(&file), &["advisories"])?;
    Ok(format!(
        "advisories: none against a crate of the workspace in the database as of {newest}; yanked crates not looked for"
    ))
}

/// The settings, with a database that is there already, however old: its date is printed.
fn with_database(settings: &str, folder: &Path) -> Outcome<String> {
    let (before, after) = settings
        .split_once("[advisories]\n")
        .ok_or_else(|| failed("deny.toml has no part `[advisories]`"))?;
    let folder = crate::json::string(&folder.to_string_lossy());
    Ok(format!(
        "{before}[advisories]\ndb-path = {folder}\nmaximum-db-staleness = \"P10Y\"\n{after}"
    ))
}

/// `--workspace`, or cargo-deny looks at the package in the root alone: neither the command line nor the tools.
fn deny(offline: Option<&Path>, what: &[&str]) -> Outcome {
    let mut deny = cargo::clean(&tool()?);
    deny.args(["--locked", "--workspace"]);
    if let Some(settings) = offline {
        deny.args([
            "--offline".as_ref(),
            "--config".as_ref(),
            settings.as_os_str(),
        ]);
    }
    deny.args(["check", "--hide-inclusion-graph"])
        .args(what)
        .env("CARGO", cargo::program()?);
    process::quiet("cargo-deny", &mut deny)
}

/// One of this version on PATH, or one that is built once for this user.
fn tool() -> Outcome<PathBuf> {
    if let Some(found) = paths::on_path("cargo-deny") {
        let version = process::read(Command::new(&found).arg("--version"))?;
        if version.ends_with(VERSION) {
            return Ok(found);
        }
        note!("`cargo-deny` on PATH is {version}, and not {VERSION}");
    }
    let folder = cache::once(&format!("cargo-deny-{VERSION}"), |partial| {
        note!("cargo install: cargo-deny {VERSION}, once for this user (5 to 10 min) ...");
        let mut install = cargo::host()?;
        install
            .args(["install", "--locked", "--quiet", "--debug", "cargo-deny"])
            .args(["--version", VERSION, "--root"])
            .arg(partial)
            .env("CARGO_TARGET_DIR", partial.join("target"));
        process::quiet("cargo install", &mut install)?;
        doing(
            "removing the build folder",
            fs::remove_dir_all(partial.join("target")),
        )
    })?;
    Ok(folder.join("bin/cargo-deny"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_with_a_database() {
        let settings = fs::read_to_string(paths::root().join("deny.toml")).expect("deny.toml");
        let made = with_database(&settings, Path::new("/some/folder")).expect("it has advisories");
        assert!(
            made.contains("[advisories]\ndb-path = \"/some/folder\"\n"),
            "{made}"
        );
        assert!(made.contains("yanked = \"deny\""));
        assert!(with_database("[bans]\n", Path::new("/x")).is_err());
    }

    #[test]
    fn the_workflow_takes_the_same_version() {
        let file = paths::root().join(".github/workflows/ci.yml");
        let text = fs::read_to_string(file).expect("the workflow");
        assert!(text.contains(&format!("cargo-deny --version {VERSION}")));
    }
}
