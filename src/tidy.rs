//! The house rules that no compiler checks: a first line in each file that says what it is for,
//! and its length. There is no list of exceptions.

use crate::documents::{root, sources, text};

const MAX_LINES: usize = 400;

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    for path in sources() {
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
