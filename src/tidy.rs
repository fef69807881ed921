//! The house rules that no compiler checks: a first line in each file that says what it is for,
//! and its length. There is no list of exceptions.

use crate::documents::{files, root, text};

const MAX_LINES: usize = 400;

/// Where our sources lie. Not whole packages: some have modules of other people's below them.
const FOLDERS: [&str; 12] = [
    "src",
    "crates",
    "tests/src",
    "tests/tests",
    "cli/src",
    "cli/tests",
    "xtask/src",
    "xtask/tests",
    "bench/src",
    "bench/benches",
    "examples/origin/src",
    "examples/origin/tests",
];

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let folders = FOLDERS.iter().map(|folder| root().join(folder));
    for path in folders.flat_map(|folder| files(&folder, ".rs")) {
        let text = text(&path);
        assert!(text.starts_with("//!"), "{} does not", path.display());
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_oldest_rust_is_the_one_that_is_checked() {
    let manifest = text(&root().join("Cargo.toml"));
    let (_, rest) = manifest.split_once("rust-version = \"").expect("a version");
    let (oldest, _) = rest.split_once('"').expect("its end");
    let workflow = text(&root().join(".github/workflows/ci.yml"));
    let installs = format!("rustup toolchain install {oldest} ");
    assert!(workflow.contains(&installs), "{oldest} is not checked");
}
