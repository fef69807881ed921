//! docs/OPERATIONS.md against what tests/tests/failures found: its table.txt as a table.
//! `POSTERN_WRITE_DOCUMENTS=1` writes the document.

use std::fmt::Write as _;
use std::fs;

use super::{read, root};

const TABLE: &str = "tests/tests/failures/table.txt";
const DOCUMENT: &str = "docs/OPERATIONS.md";
const BEGIN: &str =
    "<!-- tests/tests/failures/table.txt, as src/documents/failures.rs prints it. -->";
const END: &str = "<!-- The end of that table. -->";
const BETWEEN: &str = " | ";

/// The parts in their order, and what the document calls them.
const PARTS: [(&str, &str); 8] = [
    ("d1", "D1"),
    ("kv", "KV"),
    ("ledger", "Ledger"),
    ("limiter", "MintLimiter"),
    ("origin", "origin"),
    ("session", "session endpoint"),
    ("issuer", "issuer of job tokens"),
    ("clock", "clock"),
];
const FAULTS: [&str; 4] = ["down", "slow", "lying", "half"];

fn printed(table: &str) -> String {
    let mut lines = String::from(
        "| part | fails | call, known token | call, first seen | create | revoke | list | audit list |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (part, called) in PARTS {
        for fault in FAULTS {
            let row = format!("{part} {fault}: ");
            let cells = table.lines().find_map(|line| line.strip_prefix(&row));
            let cells = cells.unwrap_or_else(|| panic!("{TABLE} has no row `{row}`"));
            let cells: Vec<String> = cells.split(BETWEEN).map(shown).collect();
            let _ = writeln!(lines, "| {called} | {fault} | {} |", cells.join(BETWEEN));
        }
    }
    lines
}

/// Codes as the documents write them.
fn shown(cell: &str) -> String {
    let (answer, then) = cell.split_once(',').unwrap_or((cell, ""));
    let answer = match answer.split_once(' ') {
        Some((status, code)) if status.parse::<u16>().is_ok() => format!("{status} `{code}`"),
        None if answer.chars().all(|letter| letter.is_ascii_uppercase()) => format!("`{answer}`"),
        _ => answer.to_owned(),
    };
    match then {
        "" => answer,
        then => format!("{answer},{then}"),
    }
}

#[test]
fn operations_has_the_table_of_failures() {
    let (table, document) = (read(TABLE), read(DOCUMENT));
    assert_eq!(table.lines().count(), PARTS.len() * FAULTS.len(), "{TABLE}");
    let (before, rest) = document
        .split_once(BEGIN)
        .expect("the beginning of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    let wanted = format!("{before}{BEGIN}\n\n{}\n{END}{after}", printed(&table));
    if std::env::var_os("POSTERN_WRITE_DOCUMENTS").is_some() {
        fs::write(root().join(DOCUMENT), wanted).expect("it is written");
        return;
    }
    assert!(
        document == wanted,
        "{DOCUMENT} has another table than {TABLE}: POSTERN_WRITE_DOCUMENTS=1 writes it"
    );
}

#[test]
fn cells_as_the_document_shows_them() {
    for (cell, expected) in [
        ("yes", "yes"),
        ("yes, nothing in it", "yes, nothing in it"),
        ("UNAVAILABLE", "`UNAVAILABLE`"),
        ("503 unavailable", "503 `unavailable`"),
        ("503 unavailable, revoked", "503 `unavailable`, revoked"),
        ("cut off", "cut off"),
    ] {
        assert_eq!(shown(cell), expected, "{cell}");
    }
}
