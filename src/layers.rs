//! The house rules that no compiler checks: arrows between layers, a first line in each file, and
//! its length. Refuses exceptions; there is no list of them.

use std::path::PathBuf;

use crate::documents::{files, root, text};

/// What each layer may not name.
const FORBIDDEN: [(&str, &[&str]); 3] = [
    (
        "domain",
        &[
            "crate::wire",
            "crate::app",
            "crate::edge",
            "worker::",
            "web_sys",
            "js_sys",
        ],
    ),
    (
        "wire",
        &["crate::app", "crate::edge", "worker::", "web_sys", "js_sys"],
    ),
    ("app", &["crate::edge", "worker::", "web_sys", "js_sys"]),
];

const MAX_LINES: usize = 400;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let paths = files(&root().join("src").join(folder), ".rs");
    assert!(!paths.is_empty(), "no sources in {folder}");
    paths
        .into_iter()
        .map(|path| {
            let text = text(&path);
            (path, text)
        })
        .collect()
}

#[test]
fn arrows_point_down_only() {
    for (layer, forbidden) in FORBIDDEN {
        for (path, text) in sources(layer) {
            for name in forbidden {
                let found = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .any(|line| line.contains(name));
                assert!(!found, "{} names {name}", path.display());
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    for (path, text) in sources("") {
        assert!(text.starts_with("//!"), "{} does not", path.display());
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}
