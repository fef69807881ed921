//! The release before this one, for tests of upgrades and rollbacks: built from the repository's own history, by that
//! release's own `cargo xtask build`, and kept in `target/previous`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::{cache, cargo, paths, process};

/// Its version and its commit. Whoever publishes a release writes that one here.
const RELEASE: &str = include_str!("../previous-release");

/// What is kept of it, as it lies in its checkout: the module, what its D1 is like, and its configuration.
const KEPT: [&str; 3] = ["build", "migrations", "wrangler.toml"];

/// Where it is, once built. Each commit has a folder of its own.
pub fn folder() -> Outcome<PathBuf> {
    let (version, commit) = release()?;
    Ok(place().join(format!("{version}-{commit}")))
}

/// Builds it, unless it is there.
///
/// # Errors
/// If its commit is not in this clone, or does not build.
pub fn build() -> Outcome<PathBuf> {
    let folder = folder()?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let _lock = cache::lock(&place().join(".lock"))?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let (version, commit) = release()?;
    require_commit(version, commit)?;
    let source = place().join("source");
    extract(commit, &source)?;
    note!("building the module of {version}, the previous release, once (4 to 8 min) ...");
    compile(version, &source)?;
    keep(&source, &folder)?;
    doing(
        "removing the sources of the previous release",
        fs::remove_dir_all(&source),
    )?;
    Ok(folder)
}

/// The date of the platform that it asks for.
pub fn compatibility_date(folder: &Path) -> Outcome<String> {
    let file = folder.join("wrangler.toml");
    let text = doing(
        format_args!("reading {}", file.display()),
        fs::read_to_string(&file),
    )?;
    date(&text)
        .map(str::to_owned)
        .ok_or_else(|| failed(format_args!("{} has no compatibility_date", file.display())))
}

fn date(configuration: &str) -> Option<&str> {
    configuration.lines().find_map(|line| {
        line.strip_prefix("compatibility_date = \"")?
            .strip_suffix('"')
    })
}

fn place() -> PathBuf {
    paths::target().join("previous")
}

fn release() -> Outcome<(&'static str, &'static str)> {
    parse(RELEASE).ok_or_else(|| {
        failed("xtask/previous-release has to be one line: a version and a whole commit hash")
    })
}

/// A version, and a hash of 40 digits.
fn parse(text: &str) -> Option<(&str, &str)> {
    let (version, commit) = text.strip_suffix('\n')?.split_once(' ')?;
    let is_version = !version.is_empty()
        && version
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_version && is_commit).then_some((version, commit))
}

/// A clone can have been made without history, and an archive of the sources has none.
fn require_commit(version: &str, commit: &str) -> Outcome {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(paths::root());
        process::read(&mut git)
    };
    if git(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_ok() {
        return Ok(());
    }
    let how = match git(&["rev-parse", "--is-shallow-repository"]).as_deref() {
        Ok("true") => "this clone is shallow: run `git fetch --unshallow`".to_owned(),
        Ok(_) => format!("run `git fetch origin {commit}`"),
        Err(_) => "this is not a git clone: clone the repository".to_owned(),
    };
    Err(failed(format_args!(
        "the tests of upgrades build {version}, the previous release, from its commit {commit}, which is not here; {how}"
    )))
}

/// What git has at the commit, into an empty folder.
fn extract(commit: &str, source: &Path) -> Outcome {
    if source.exists() {
        doing(
            "removing what an interrupted build left",
            fs::remove_dir_all(source),
        )?;
    }
    doing("creating a folder", fs::create_dir_all(source))?;
    let archive = source.with_extension("tar");
    let mut write = Command::new("git");
    write
        .args(["archive", "--format=tar", "--output"])
        .arg(&archive)
        .arg(commit)
        .current_dir(paths::root());
    process::quiet("git archive", &mut write)?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xf").arg(&archive).arg("-C").arg(source);
    process::quiet("tar", &mut unpack)?;
    doing("removing an archive", fs::remove_file(&archive))
}

/// With target folders of its own, which are removed with its sources.
fn compile(version: &str, source: &Path) -> Outcome {
    let mut build = cargo::clean(&cargo::program()?);
    build
        .args(["xtask", "build"])
        .current_dir(source)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("WRANGLER_COMMAND");
    match process::run(&mut build)?.success() {
        true => Ok(()),
        false => Err(failed(format_args!(
            "the module of {version}, the previous release, does not build; what went wrong is above"
        ))),
    }
}

/// The folder appears under its name whole or not at all.
fn keep(source: &Path, folder: &Path) -> Outcome {
    let partial = place().join(".partial");
    if partial.exists() {
        doing(
            "removing what an interrupted build left",
            fs::remove_dir_all(&partial),
        )?;
    }
    doing("creating a folder", fs::create_dir_all(&partial))?;
    for name in KEPT {
        doing(
            format_args!("keeping {name} of the previous release"),
            fs::rename(source.join(name), partial.join(name)),
        )?;
    }
    doing("naming the previous release", fs::rename(&partial, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_release_is_a_version_and_a_commit() {
        assert!(release().is_ok(), "{RELEASE:?}");
        let commit = "b5773c1347d505ad729fc845d41851f43f7b55b6";
        let line = format!("0.1.0 {commit}\n");
        assert_eq!(parse(&line), Some(("0.1.0", commit)));
        for wrong in [
            String::new(),
            line.trim_end().to_owned(),
            format!("{commit}\n"),
            "0.1.0 b5773c1\n".to_owned(),
            format!("../0 {commit}\n"),
            format!("0.1.0 {commit} \n"),
        ] {
            assert_eq!(parse(&wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_date_of_the_platform_is_found() {
        let text = "name = \"postern\"\ncompatibility_date = \"2026-04-01\"\n";
        assert_eq!(date(text), Some("2026-04-01"));
        assert_eq!(date("# compatibility_date = \"2026-04-01\"\n"), None);
    }
}
