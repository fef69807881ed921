//! docs/RULES.md against code and tests: each rule has a line, is cited where it is kept and named
//! by a test; a rule marked as open has neither.

use std::collections::BTreeSet;
use std::path::Path;

use super::{files, read, root, text};

/// The rules there are: R1 to this one.
const LAST: u8 = 55;

/// A row of the page.
struct Rule {
    number: u8,
    open: bool,
}

fn rules() -> Vec<Rule> {
    let page = read("docs/RULES.md");
    page.lines()
        .filter_map(|line| line.strip_prefix("| R"))
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [number, said, state, ""] = cells[..] else {
                panic!("a row of three cells, not: | R{row}");
            };
            assert!(said.ends_with('.'), "R{number} is no sentence");
            assert!(["", "open"].contains(&state), "R{number} is `{state}`");
            Rule {
                number: number.parse().expect("the number of a rule"),
                open: state == "open",
            }
        })
        .collect()
}

/// The rules that a text cites: as `R12`, or as the name of a test, `r12_…`.
fn cited(text: &str) -> BTreeSet<u8> {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter: char| !inside(letter))
        .filter_map(|word| match word.strip_prefix('R') {
            Some(number) => Some(number),
            None => word.strip_prefix('r')?.split_once('_').map(|(n, _)| n),
        })
        .filter(|number| !number.starts_with('0'))
        .filter_map(|number| number.parse().ok())
        .filter(|number| (1..=99).contains(number))
        .collect()
}

fn is_test(path: &Path) -> bool {
    let inside = path.strip_prefix(root()).expect("a file of ours");
    inside.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part == "tests" || part.ends_with("tests.rs") || part == "properties.rs"
    })
}

/// What code cites, and what tests do.
fn citations() -> (BTreeSet<u8>, BTreeSet<u8>) {
    let (mut code, mut tests) = (BTreeSet::new(), BTreeSet::new());
    for (folder, ending) in [
        ("src", ".rs"),
        ("crates", ".rs"),
        ("cli", ".rs"),
        ("dashboard", ".js"),
        ("tests/src", ".rs"),
        ("tests/tests", ".rs"),
        ("tests/browser", ".mjs"),
    ] {
        for path in files(&root().join(folder), ending) {
            if path.starts_with(root().join("src/documents")) {
                continue;
            }
            let text = text(&path);
            let (above, below) = text
                .split_once("#[cfg(test)]\nmod tests {")
                .unwrap_or((&text, ""));
            match is_test(&path) {
                true => tests.extend(cited(&text)),
                false => code.extend(cited(above)),
            }
            tests.extend(cited(below));
        }
    }
    (code, tests)
}

#[test]
fn every_number_has_one_line_in_order() {
    let numbers: Vec<u8> = rules().iter().map(|rule| rule.number).collect();
    assert_eq!(numbers, (1..=LAST).collect::<Vec<_>>());
}

#[test]
fn every_rule_is_kept_and_tested_or_open() {
    let (code, tests) = citations();
    let mut wrong = Vec::new();
    for Rule { number, open } in rules() {
        let found = (code.contains(&number), tests.contains(&number));
        wrong.extend(match (open, found) {
            (false, (false, _)) => Some(format!("R{number}: no code cites it")),
            (false, (_, false)) => Some(format!("R{number}: no test names it")),
            (true, (_, true)) => Some(format!("R{number}: marked open, but a test names it")),
            _ => None,
        });
    }
    let unknown = code.union(&tests).filter(|number| **number > LAST);
    wrong.extend(unknown.map(|number| format!("R{number}: cited, but has no line")));
    assert!(wrong.is_empty(), "docs/RULES.md:\n{}", wrong.join("\n"));
}

#[test]
fn a_citation_is_found_however_it_is_written() {
    let found = cited("(R12), R3: r40_the_body_comes_first; xR9, R07, r5 and FOR1 are none; R100");
    assert_eq!(found, BTreeSet::from([3, 12, 40]));
}
