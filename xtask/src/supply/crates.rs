//! The crates that are linked into what is shipped: which they are, how often they say `unsafe`, and that those which
//! meet secrets are of the versions that docs/SUPPLY-CHAIN.md lists.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::rust::unsafes;
use crate::fail::{Outcome, doing, failed};
use crate::{cargo, paths, process};

/// What is shipped: a package of ours, and the target that tells which of its dependencies are linked.
const SHIPPED: [(&str, &str, &str); 2] = [
    ("module", "postern", "wasm32-unknown-unknown"),
    ("command", "postern-cli", "x86_64-unknown-linux-musl"),
];
/// The list of those that meet secrets.
const LIST: &str = "docs/SUPPLY-CHAIN.md";
/// Where the programs and tests lie that may say `unsafe`; everything else of ours has `unsafe_code = "forbid"`.
const MAY: [&str; 2] = ["xtask", "tests"];

type Crate = (String, String);

/// Counts what is shipped, and compares the list with it. Gives a line for each thing shipped.
pub fn check() -> Outcome<Vec<String>> {
    // What is only linked for another machine has not been unpacked yet.
    let mut fetch = cargo::host()?;
    fetch.args(["fetch", "--quiet", "--locked"]);
    for (_, _, target) in SHIPPED {
        fetch.args(["--target", target]);
    }
    process::quiet("cargo fetch", &mut fetch)?;
    let mut lines = vec![ours()?];
    let mut counts: BTreeMap<Crate, usize> = BTreeMap::new();
    let mut cryptographic = BTreeSet::new();
    for (what, package, target) in SHIPPED {
        let (mut with, mut total) = (0, 0);
        let linked = linked(package, target)?;
        for one in &linked {
            let folder = folder(one)?;
            // A few have their files beside the manifest.
            let inside = folder.join("src");
            let count = count(if inside.is_dir() { &inside } else { &folder })?;
            with += usize::from(count > 0);
            total += count;
            counts.insert(one.clone(), count);
            if is_cryptographic(&folder)? {
                cryptographic.insert(one.clone());
            }
        }
        lines.push(format!(
            "{what}: {} crates of others, {with} of them say `unsafe`, {total} times",
            linked.len()
        ));
    }
    let text = doing(
        format_args!("reading {LIST}"),
        fs::read_to_string(paths::root().join(LIST)),
    )?;
    let wrong = compare(&listed(&text), &counts, &cryptographic);
    match wrong.is_empty() {
        true => Ok(lines),
        false => Err(failed(format_args!(
            "{LIST} and what is linked differ; read what has changed in each, then change its row:\n  {}",
            wrong.join("\n  ")
        ))),
    }
}

/// That our crates forbid `unsafe`, and how often the others of ours say it.
fn ours() -> Outcome<String> {
    let root = paths::root();
    let mut packages = vec![root.to_owned(), root.join("cli"), root.join("bench")];
    packages.extend(["examples/origin", "xtask/bindgen", "xtask/dist"].map(|path| root.join(path)));
    for entry in doing("listing crates", fs::read_dir(root.join("crates")))? {
        packages.push(doing("listing crates", entry)?.path());
    }
    for package in &packages {
        let file = package.join("Cargo.toml");
        let text = doing(
            format_args!("reading {}", file.display()),
            fs::read_to_string(&file),
        )?;
        let forbids =
            text.contains("[lints]\nworkspace = true") || text.contains("unsafe_code = \"forbid\"");
        if !forbids {
            return Err(failed(format_args!(
                "{} does not forbid `unsafe`: give it `[lints] workspace = true`",
                file.display()
            )));
        }
    }
    let may: usize = MAY
        .iter()
        .map(|folder| count(&root.join(folder)))
        .sum::<Outcome<usize>>()?;
    Ok(format!(
        "ours: {} packages forbid `unsafe`; {} say it {may} times in all",
        packages.len(),
        MAY.join(" and ")
    ))
}

/// What a package links on a target, without what only runs while it is compiled.
fn linked(package: &str, target: &str) -> Outcome<BTreeSet<Crate>> {
    let mut tree = cargo::host()?;
    tree.args(["tree", "--locked", "--edges", "normal,no-proc-macro"])
        .args(["--package", package, "--target", target])
        .args(["--prefix", "none", "--format", "{p}"])
        .env("CARGO_TERM_COLOR", "never");
    let text = process::read(&mut tree)?;
    let found: BTreeSet<Crate> = text.lines().filter_map(named).collect();
    match found.is_empty() {
        true => Err(failed(format_args!(
            "cargo names nothing that {package} links"
        ))),
        false => Ok(found),
    }
}

/// `name v1.2.3`; of a crate of ours, nothing: it says where it lies.
fn named(line: &str) -> Option<Crate> {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    let is_ours = words.any(|word| word.starts_with("(/"));
    (!is_ours).then(|| (name.to_owned(), version.to_owned()))
}

/// Where cargo has unpacked a crate.
fn folder((name, version): &Crate) -> Outcome<PathBuf> {
    let home = match (env::var_os("CARGO_HOME"), env::var_os("HOME")) {
        (Some(home), _) => PathBuf::from(home),
        (None, Some(home)) => PathBuf::from(home).join(".cargo"),
        (None, None) => return Err(failed("neither CARGO_HOME nor HOME is set")),
    };
    let sources = home.join("registry/src");
    let what = || format!("listing {}", sources.display());
    for entry in doing(what(), fs::read_dir(&sources))? {
        let folder = doing(what(), entry)?
            .path()
            .join(format!("{name}-{version}"));
        if folder.is_dir() {
            return Ok(folder);
        }
    }
    Err(failed(format_args!(
        "cargo has not unpacked {name} {version}: run `cargo fetch --locked` first"
    )))
}

/// By what its authors say of it.
fn is_cryptographic(folder: &Path) -> Outcome<bool> {
    let file = folder.join("Cargo.toml");
    let text = doing(
        format_args!("reading {}", file.display()),
        fs::read_to_string(&file),
    )?;
    let (_, categories) = text.split_once("\ncategories = [").unwrap_or_default();
    let (categories, _) = categories.split_once(']').unwrap_or_default();
    Ok(categories.contains("\"cryptography\"") || categories.contains("\"authentication\""))
}

/// How often the Rust files below a folder say `unsafe`.
fn count(folder: &Path) -> Outcome<usize> {
    let mut total = 0;
    let what = || format!("reading {}", folder.display());
    for entry in doing(what(), fs::read_dir(folder))? {
        let path = doing(what(), entry)?.path();
        if path.is_dir() {
            let is_made = path.ends_with("node_modules") || path.ends_with("generated");
            total += if is_made { 0 } else { count(&path)? };
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let bytes = doing(what(), fs::read(&path))?;
            total += unsafes(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(total)
}

/// The rows of the list: `| `name` | version | unsafe | …`.
fn listed(text: &str) -> BTreeMap<Crate, String> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let (version, count) = (cells.next()?, cells.next()?);
        let is_version = version.starts_with(|digit: char| digit.is_ascii_digit());
        is_version.then(|| ((name.to_owned(), version.to_owned()), count.to_owned()))
    });
    rows.collect()
}

/// What does not fit.
fn compare(
    listed: &BTreeMap<Crate, String>,
    counts: &BTreeMap<Crate, usize>,
    cryptographic: &BTreeSet<Crate>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for ((name, version), told) in listed {
        match counts.get(&(name.clone(), version.clone())) {
            None => wrong.push(format!("{name} {version} is listed, and not linked")),
            Some(count) if count.to_string() != *told => wrong.push(format!(
                "{name} {version} says `unsafe` {count} times, the list {told}"
            )),
            Some(_) => {}
        }
    }
    let missing = cryptographic
        .iter()
        .filter(|one| !listed.contains_key(*one));
    wrong.extend(missing.map(|one| {
        let count = counts.get(one).copied().unwrap_or_default();
        format!(
            "{} {} is linked, and not listed (`unsafe` {count} times)",
            one.0, one.1
        )
    }));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, version: &str) -> Crate {
        (name.to_owned(), version.to_owned())
    }

    #[test]
    fn lines_of_cargo_tree() {
        for (line, expected) in [
            ("hmac v0.12.1", Some(of("hmac", "0.12.1"))),
            ("hmac v0.12.1 (*)", Some(of("hmac", "0.12.1"))),
            (
                "toml v1.2.1+spec-1.1.0",
                Some(of("toml", "1.2.1+spec-1.1.0")),
            ),
            ("postern v0.1.0 (/somewhere)", None),
            ("", None),
        ] {
            assert_eq!(named(line), expected, "{line}");
        }
    }

    #[test]
    fn the_list_and_what_is_linked() {
        let list = listed(
            "| crate | version | `unsafe` | for |\n|---|---|---|---|\n\
             | `hmac` | 0.12.1 | 0 | signs |\n| `aes` | 0.8.4 | 9 | seals |\n| `gone` | 1.0.0 | 0 | nothing |\n\
             | `not` | a version | 0 | |\n",
        );
        assert_eq!(list.len(), 3);
        let counts = BTreeMap::from([
            (of("hmac", "0.12.1"), 0),
            (of("aes", "0.8.4"), 110),
            (of("ring", "0.17.14"), 228),
            (of("itoa", "1.0.18"), 4),
        ]);
        let cryptographic = BTreeSet::from([of("hmac", "0.12.1"), of("ring", "0.17.14")]);
        assert_eq!(
            compare(&list, &counts, &cryptographic),
            [
                "aes 0.8.4 says `unsafe` 110 times, the list 9",
                "gone 1.0.0 is listed, and not linked",
                "ring 0.17.14 is linked, and not listed (`unsafe` 228 times)",
            ]
        );
    }
}
