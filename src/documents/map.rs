//! docs/ARCHITECTURE.md against the tree: its map has every source file and nothing that is not
//! there, and its invariants are those that comments in the code name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Names, files, read, root, section, sources, text, ticked};

/// The paths that the map names, files and folders, from the root of the repository.
fn mapped() -> Vec<String> {
    let page = read("docs/ARCHITECTURE.md");
    let mut below = String::new();
    let mut paths = Vec::new();
    for line in section(&page, "## The map").lines() {
        let Some((place, said)) = line
            .strip_prefix("| `")
            .and_then(|row| row.split_once(" | "))
        else {
            continue;
        };
        let names = ticked(&format!("`{place}"));
        match said.trim() {
            "|" => below = names.into_iter().filter(|name| name != "./").collect(),
            _ => paths.extend(names.iter().map(|name| format!("{below}{name}"))),
        }
    }
    paths
}

/// A file of tests alone: it belongs to the row of what it tests.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.ends_with("/properties.rs") || path.contains("/tests/")
}

#[test]
fn the_map_names_every_source_file() {
    let mapped = mapped();
    assert!(mapped.len() > 100, "the map was not understood");
    let missing: Vec<String> = sources()
        .iter()
        .map(|path| path.strip_prefix(root()).expect("a file of ours"))
        .map(|path| path.to_string_lossy().into_owned())
        .filter(|path| !is_test(path))
        .filter(|path| {
            let named = |row: &String| row == path || (row.ends_with('/') && path.starts_with(row));
            !mapped.iter().any(named)
        })
        .map(|path| match path.split_once("/src/") {
            Some((package, file)) => format!("below `{package}/src/`: | `{file}` | what it is |"),
            None => format!("| `{path}` | what it is |"),
        })
        .collect();
    assert!(
        missing.is_empty(),
        "add to the map of docs/ARCHITECTURE.md:\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_map_names_nothing_that_is_not_there_or_twice() {
    let mut seen = BTreeSet::new();
    for path in mapped() {
        let there = root().join(&path);
        let kind = if path.ends_with('/') {
            there.is_dir()
        } else {
            there.is_file()
        };
        assert!(
            kind,
            "the map of docs/ARCHITECTURE.md: `{path}` is not there"
        );
        assert!(seen.insert(path.clone()), "`{path}` has two rows");
    }
}

/// The invariants that comments name, each with a file that does.
fn kept() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in ["src", "crates", "cli/src", "xtask/src", "tests/src"] {
        for path in files(&root().join(folder), ".rs") {
            if path.starts_with(root().join("src/documents")) {
                continue;
            }
            let comments: Vec<String> = text(&path)
                .lines()
                .map(|line| line.trim().trim_start_matches(['/', '!']).trim().to_owned())
                .collect();
            for piece in comments.join(" ").split("INVARIANT (").skip(1) {
                let (name, _) = piece.split_once(')').expect("the end of a name");
                let name = name.split(", R").next().unwrap_or(name);
                found.insert(name.to_owned(), path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn the_invariants_are_those_of_the_code() {
    let page = read("docs/ARCHITECTURE.md");
    let list = section(&page, "## Invariants");
    let listed: Names = list
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(name, _)| name.to_owned())
        .collect();
    let kept = kept();
    assert!(kept.len() > 10, "the comments were not understood");
    for (name, path) in &kept {
        let line = format!("- **{name}** — …");
        assert!(
            listed.contains(name),
            "add to docs/ARCHITECTURE.md: {line}, kept in {path}"
        );
    }
    for name in &listed {
        assert!(
            kept.contains_key(name),
            "no comment says INVARIANT ({name})"
        );
    }
    for path in ticked(list) {
        let is_path = path.contains('/') && path.ends_with(".rs");
        assert!(
            !is_path || root().join(&path).is_file(),
            "`{path}` is not there"
        );
    }
}
