//! What becomes of what, while which part fails in which way: table.txt, to which the cases hold the gateway, and
//! src/documents/failures.rs docs/OPERATIONS.md to it. `POSTERN_WRITE_DOCUMENTS=1` writes it as it was found: read the
//! difference, it is the change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use postern_system_tests::root;

use crate::world::Tried;

const TABLE: &str = "tests/tests/failures/table.txt";
const BETWEEN: &str = " | ";

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
    if std::env::var_os("POSTERN_WRITE_DOCUMENTS").is_some() {
        let lines = known
            .iter()
            .map(|((part, fault), cells)| format!("{part} {fault}: {cells}\n"));
        fs::write(file(), lines.collect::<String>()).expect("the table is written");
    } else {
        assert!(differs.is_empty(), "{TABLE} has another:{differs}");
    }
}
