//! What the ceiling of an organization counts (R27): its active tokens, pending ones too, and what is
//! being rotated out beyond one for each token that replaced it. System tokens are not counted, nor those
//! of trust rules, which have limits of their own.
//!
//! A rotation with overlap leaves two tokens in one place for a while, and counts as one. To rotate
//! again while the first overlap lasts leaves three, and counts as two.

use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;

use super::Store;
use crate::sql::{self, Result, Sql};

/// Active and pending tokens: two ranges of one index, so that those that have expired are passed
/// over. And those being rotated out, without one for each line of successors that has an active
/// token at its end. A pending successor is counted as itself, and covers nobody yet.
const COUNTED: &str = "with recursive line (old, id) as (\
     select id, id from tokens where state < 2 and is_system = 0 and revoked_at > ?1 \
     and (expires_at is null or expires_at > ?1) \
     union select line.old, t.id from line join tokens t on t.replaces = line.id) \
     select (select count(*) from tokens where state < 2 and is_system = 0 \
     and revoked_at is null and expires_at is null) \
     + (select count(*) from tokens where state < 2 and is_system = 0 \
     and revoked_at is null and expires_at > ?1 and rule is null) \
     + (select count(distinct line.old) - count(distinct case when t.state = 1 \
     and t.revoked_at is null and (t.expires_at is null or t.expires_at > ?1) then t.id end) \
     from line join tokens t on t.id = line.id) as count";

/// Of how many tokens that are being rotated out this one is a successor.
const BEFORE: &str = "with recursive line (old, id) as (\
     select id, id from tokens where state < 2 and is_system = 0 and revoked_at > ?1 \
     and (expires_at is null or expires_at > ?1) \
     union select line.old, t.id from line join tokens t on t.replaces = line.id) \
     select count(*) as count from line where id = ?2";

impl<S: Sql> Store<S> {
    /// What counts under the ceiling at `now`.
    pub fn counted(&self, now: Timestamp) -> Result<i64> {
        self.number(COUNTED, &[sql::time(now)])
    }

    /// Whether a rotation that lets `old` live on for a while would exceed the ceiling. The first one
    /// of a line does not count, so it never does.
    pub fn rotation_exceeds(&self, old: TokenId, now: Timestamp, ceiling: u32) -> Result<bool> {
        let before = self.number(BEFORE, &[sql::time(now), sql::text(old)])?;
        Ok(before > 0 && self.counted(now)? >= i64::from(ceiling))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;
    use crate::testing::Sqlite;

    const NOW: i64 = 1_000;

    /// A token: its id, the one that it replaces, its state, its end and its expiry.
    type Row<'r> = (&'r str, Option<&'r str>, i64, Option<i64>, Option<i64>);

    fn ledger(rows: &[Row]) -> Sqlite {
        let sql = Sqlite::new();
        let db = sql.connection();
        Store::new(sql.clone()).create().expect("the tables");
        for (id, replaces, state, revoked_at, expires_at) in rows {
            db.execute(
                "insert into tokens (id, facts, place, name, is_system, state, replaces, \
                 created_at, revoked_at, expires_at) values (?, '', '', ?, 0, ?, ?, 0, ?, ?)",
                params![id, id, state, replaces, revoked_at, expires_at],
            )
            .expect("a row");
        }
        sql
    }

    fn counted(sql: &Sqlite) -> i64 {
        let counted = sql
            .connection()
            .query_row(COUNTED, params![NOW], |row| row.get(0));
        counted.expect("a count")
    }

    fn before(sql: &Sqlite, old: &str) -> i64 {
        let before = sql
            .connection()
            .query_row(BEFORE, params![NOW, old], |row| row.get(0));
        before.expect("a count")
    }

    #[test]
    fn r27_each_token_covers_one_that_it_replaced() {
        let rows: &[(&[Row], i64, &str)] = &[
            (&[], 0, "none"),
            (&[("a", None, 1, None, None)], 1, "one"),
            (&[("a", None, 0, None, None)], 1, "a pending one"),
            (&[("a", None, 1, None, Some(1_000))], 0, "an expired one"),
            (&[("a", None, 2, Some(900), None)], 0, "a revoked one"),
            (
                &[
                    ("a", None, 1, Some(2_000), None),
                    ("b", Some("a"), 1, None, None),
                ],
                1,
                "rotated once, in its overlap",
            ),
            (
                &[
                    ("a", None, 1, Some(1_000), None),
                    ("b", Some("a"), 1, None, None),
                ],
                1,
                "rotated once, the overlap over",
            ),
            (
                &[
                    ("a", None, 1, Some(2_000), None),
                    ("b", Some("a"), 1, Some(2_000), None),
                    ("c", Some("b"), 1, None, None),
                ],
                2,
                "rotated twice, both in their overlap",
            ),
            (
                &[
                    ("a", None, 1, Some(2_000), None),
                    ("b", Some("a"), 1, Some(900), None),
                    ("c", Some("b"), 1, None, None),
                ],
                1,
                "rotated twice, the second time without overlap",
            ),
            (
                &[
                    ("a", None, 1, Some(2_000), None),
                    ("b", Some("a"), 2, Some(900), None),
                    ("c", Some("b"), 1, None, None),
                ],
                1,
                "the one between was revoked",
            ),
            (
                &[
                    ("a", None, 1, Some(2_000), None),
                    ("b", Some("a"), 2, Some(900), None),
                ],
                1,
                "the successor was revoked: the old one counts",
            ),
            (
                &[
                    ("a", None, 1, Some(2_000), None),
                    ("b", Some("a"), 1, None, None),
                    ("c", Some("b"), 0, None, None),
                ],
                2,
                "a second rotation on its way",
            ),
            (
                &[
                    ("a", None, 1, Some(2_000), None),
                    ("b", Some("a"), 1, None, None),
                    ("c", None, 1, Some(2_000), None),
                    ("d", Some("c"), 1, None, None),
                    ("e", None, 1, None, None),
                ],
                3,
                "two lines and one alone: one line does not cover another",
            ),
        ];
        for (rows, expected, what) in rows {
            assert_eq!(counted(&ledger(rows)), *expected, "{what}");
        }
    }

    #[test]
    fn r27_only_a_second_overlap_in_one_line_counts() {
        let db = ledger(&[
            ("a", None, 1, Some(2_000), None),
            ("b", Some("a"), 1, None, None),
            ("c", None, 1, None, None),
            ("d", None, 1, Some(900), None),
            ("e", Some("d"), 1, None, None),
        ]);
        assert_eq!(before(&db, "b"), 1, "its predecessor still lives");
        assert_eq!(before(&db, "c"), 0, "never rotated");
        assert_eq!(before(&db, "e"), 0, "the overlap is over");
    }

    #[test]
    fn those_being_rotated_out_are_found_by_an_index() {
        let sql = ledger(&[]);
        let query = format!("explain query plan {COUNTED}");
        let mut statement = sql.connection().prepare(&query).expect("a plan");
        let lines = statement.query_map(params![NOW], |row| row.get::<_, String>(3));
        let lines: Vec<String> = lines
            .expect("lines")
            .map(|line| line.expect("a line"))
            .collect();
        let plan = lines.join("; ");
        assert!(plan.contains("tokens_retiring"), "{plan}");
        assert!(!plan.contains("SCAN tokens"), "{plan}");
    }
}
