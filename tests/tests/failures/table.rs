//! What becomes of what, while which part fails in which way: table.txt, to which the cases hold the gateway, and
//! docs/OPERATIONS.md to it. `POSTERN_WRITE_DOCUMENTS=1` writes both as they were found: read the difference, it is the
//! change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use postern_system_tests::root;

use crate::world::Tried;

const TABLE: &str = "tests/tests/failures/table.txt";
const DOCUMENT: &str = "docs/OPERATIONS.md";
const BEGIN: &str = "<!-- The table of tests/tests/failures, as its test prints it. -->";
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

fn writes() -> bool {
    std::env::var_os("POSTERN_WRITE_DOCUMENTS").is_some()
}

fn file() -> PathBuf {
    root().join(TABLE)
}

/// The lines of the table by part and fault.
fn known() -> BTreeMap<(String, String), String> {
    let text = fs::read_to_string(file()).unwrap_or_default();
    let rows = text.lines().map(|line| {
        let (row, cells) = line.split_once(": ").expect("`part fault: cells`");
        let (part, fault) = row.split_once(' ').expect("`part fault`");
        ((part.to_owned(), fault.to_owned()), cells.to_owned())
    });
    rows.collect()
}

/// Compares what becomes of things while a part fails with the table.
#[track_caller]
pub fn holds(part: &str, found: &[(&str, Tried)]) {
    let mut known = known();
    let mut differs = String::new();
    for (fault, cells) in found {
        let cells = cells.join(BETWEEN);
        println!("{part} {fault}: {cells}");
        let key = (part.to_owned(), (*fault).to_owned());
        let before = known.insert(key, cells.clone());
        if before.as_ref() != Some(&cells) {
            let _ = write!(differs, "\n  {part} {fault}: {cells}\n    not {before:?}");
        }
    }
    if writes() {
        let lines = known
            .iter()
            .map(|((part, fault), cells)| format!("{part} {fault}: {cells}\n"));
        fs::write(file(), lines.collect::<String>()).expect("the table is written");
    } else {
        assert!(differs.is_empty(), "{TABLE} has another:{differs}");
    }
}

/// Asserts that the table has a row for each fault of each part, and the document the table.
pub fn documented(faults: &[&str]) {
    let file = root().join(DOCUMENT);
    let text = fs::read_to_string(&file).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    let wanted = format!("{before}{BEGIN}\n\n{}\n{END}{after}", printed(faults));
    if writes() {
        fs::write(&file, wanted).expect("it is written");
    } else {
        assert!(
            text == wanted,
            "{DOCUMENT} has another table: POSTERN_WRITE_DOCUMENTS=1 writes it"
        );
    }
}

fn printed(faults: &[&str]) -> String {
    let mut lines = String::from(
        "| part | fails | call, known token | call, first seen | create | revoke | list | audit list |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let known = known();
    assert_eq!(known.len(), PARTS.len() * faults.len(), "rows of {TABLE}");
    for (part, called) in PARTS {
        for fault in faults {
            let key = (part.to_owned(), (*fault).to_owned());
            let cells = known
                .get(&key)
                .unwrap_or_else(|| panic!("no row: {part} {fault}"));
            let cells: Vec<String> = cells.split(BETWEEN).map(shown).collect();
            let _ = writeln!(lines, "| {called} | {fault} | {} |", cells.join(BETWEEN));
        }
    }
    lines
}

/// Codes as the documents write them.
fn shown(cell: &str) -> String {
    match cell.split_once(' ') {
        Some((status, code)) if status.parse::<u16>().is_ok() => format!("{status} `{code}`"),
        _ if cell.chars().all(|letter| letter.is_ascii_uppercase()) => format!("`{cell}`"),
        _ => cell.to_owned(),
    }
}
