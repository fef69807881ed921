//! docs/THREATS.md against the tests: each finding of the reviewers has a row, and the tests that
//! hold it exist.

use std::collections::BTreeSet;

use super::{files, read, root, section, text, ticked};

/// How many findings there are.
const FINDINGS: usize = 39;

/// Where tests lie.
const TESTS: [(&str, &str); 7] = [
    ("src", ".rs"),
    ("crates", ".rs"),
    ("cli", ".rs"),
    ("tests/tests", ".rs"),
    ("tests/browser", ".mjs"),
    ("xtask/src", ".rs"),
    ("xtask/tests", ".rs"),
];

/// The names of functions, and of the browser's tests.
fn names() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (folder, ending) in TESTS {
        for path in files(&root().join(folder), ending) {
            let text = text(&path);
            for before in ["fn ", "test(\""] {
                let rests = text.split(before).skip(1);
                found.extend(rests.filter_map(|rest| {
                    let end =
                        rest.find(|letter: char| letter != '_' && !letter.is_alphanumeric())?;
                    rest.get(..end).map(str::to_owned)
                }));
            }
        }
    }
    found
}

#[test]
fn each_finding_has_tests_that_exist() {
    let page = read("docs/THREATS.md");
    let names = names();
    let mut count = 0;
    for line in section(&page, "## What reviewers found").lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [number, found, now, held] = cells[..] else {
            continue;
        };
        let Ok(number) = number.trim_start_matches("| ").parse::<usize>() else {
            continue;
        };
        count += 1;
        assert_eq!(number, count, "the numbers follow each other");
        for said in [found, now] {
            assert!(said.ends_with('.'), "{number}: `{said}` is no sentence");
        }
        let tests = ticked(held);
        assert!(!tests.is_empty(), "{number}: nothing holds it");
        for test in tests {
            assert!(names.contains(&test), "{number}: there is no test `{test}`");
        }
    }
    assert_eq!(count, FINDINGS);
}
