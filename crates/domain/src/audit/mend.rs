//! Mending an export: where D1 lacks a row that the Ledger still has, or has another one, the
//! Ledger's row is used and marked (R35). The mended chain is checked like any other: the mark
//! makes no row genuine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::verify::Row;

/// Events that a Ledger keeps a copy of, the newest ones.
pub const KEPT: u64 = 1_000;

/// Why a row of an export is the Ledger's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mended {
    /// D1 has no row of this number.
    Missing,
    /// D1 has another row of this number.
    Differed,
}

/// The rows of D1 with those of the Ledger put in where they are missing or differ, in their order.
pub fn mend(recorded: Vec<(u64, Row)>, kept: Vec<(u64, Row)>) -> Vec<(u64, Row)> {
    let mut rows: BTreeMap<u64, Row> = recorded.into_iter().collect();
    for (sequence, row) in kept {
        let mended = match rows.get(&sequence) {
            Some(recorded) if *recorded == row => continue,
            Some(_) => Mended::Differed,
            None => Mended::Missing,
        };
        let mended = Some(mended);
        rows.insert(sequence, Row { mended, ..row });
    }
    rows.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(content: &str, mended: Option<Mended>) -> Row {
        Row {
            content: content.to_owned(),
            previous: String::new(),
            link: String::new(),
            kid: String::new(),
            mended,
        }
    }

    fn rows(rows: &[(u64, &str)]) -> Vec<(u64, Row)> {
        let row = |(sequence, content): &(u64, &str)| (*sequence, row(content, None));
        rows.iter().map(row).collect()
    }

    #[test]
    fn r35_the_ledgers_copy_stands_where_d1_has_none_or_another() {
        let recorded = rows(&[(1, "a"), (2, "forged"), (4, "d"), (9, "planted")]);
        let kept = rows(&[(2, "b"), (3, "c"), (4, "d"), (5, "e")]);
        let expected = [
            (1, row("a", None)),
            (2, row("b", Some(Mended::Differed))),
            (3, row("c", Some(Mended::Missing))),
            (4, row("d", None)),
            (5, row("e", Some(Mended::Missing))),
            (9, row("planted", None)),
        ];
        assert_eq!(mend(recorded, kept), expected);
    }

    #[test]
    fn r35_a_row_as_it_is_has_no_mark() {
        let plain = row("a", None);
        let text = serde_json::to_string(&plain).expect("serializes");
        assert_eq!(text, r#"{"content":"a","previous":"","link":"","kid":""}"#);
        let marked = row("a", Some(Mended::Missing));
        let text = serde_json::to_string(&marked).expect("serializes");
        assert!(text.ends_with(r#","mended":"missing"}"#), "{text}");
        assert_eq!(serde_json::from_str::<Row>(&text).ok(), Some(marked));
    }
}
