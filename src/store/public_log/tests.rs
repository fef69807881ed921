//! Checkpoints and cosignatures on the tables that the migrations make: what is kept, what is due, and what the
//! triggers refuse.

use rusqlite::{Connection, params_from_iter};

use super::*;
use crate::query_plans::record;
use postern_domain::id::{Id, Organization};

const DAY: i64 = 86_400_000;

fn id(n: u128) -> OrganizationId {
    Id::<Organization>::from_u128(n)
}

fn register(db: &Connection, n: u128, events: i64) {
    let sql = "insert into organizations (id, name, created_at) values (?, ?, 0)";
    db.execute(sql, (id(n).to_string(), format!("o{n}")))
        .expect("an insert");
    let sql = "insert into audit (organization_id, sequence, at, action, actor, token_id, content, \
               previous, link, kid) values (?, ?, 0, '', '', '', '', '', '', '')";
    for sequence in 1..=events {
        db.execute(sql, (id(n).to_string(), sequence))
            .expect("an insert");
    }
}

fn run(db: &Connection, sql: &str, values: Vec<Bind>) -> core::result::Result<usize, String> {
    db.execute(sql, params_from_iter(values))
        .map_err(|error| error.to_string())
}

fn keep(
    db: &Connection,
    n: u128,
    size: u64,
    at: i64,
    note: &str,
) -> core::result::Result<usize, String> {
    let at = Bind::time(Timestamp::from_millis(at));
    let values = vec![Bind::text(id(n)), whole(size), at, Bind::text(note)];
    run(db, KEEP_NOTE, values)
}

fn cosign(db: &Connection, n: u128, size: u64, witness: &str, line: &str) {
    let values = vec![
        Bind::text(id(n)),
        whole(size),
        Bind::text(witness),
        Bind::text(line),
        Bind::whole(0),
    ];
    assert_eq!(run(db, KEEP_COSIGNATURE, values), Ok(1));
}

/// The first column of every row.
fn column(db: &Connection, sql: &str, values: Vec<Bind>) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("a statement");
    let rows = statement.query_map(params_from_iter(values), |row| {
        row.get::<_, rusqlite::types::Value>(0)
    });
    let rows = rows.expect("rows").map(|row| match row.expect("a row") {
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Integer(number) => number.to_string(),
        other => panic!("{other:?}"),
    });
    rows.collect()
}

#[test]
fn r54_the_first_note_of_a_size_stays() {
    let db = record();
    register(&db, 1, 3);
    assert_eq!(keep(&db, 1, 2, 5, "first"), Ok(1));
    assert_eq!(keep(&db, 1, 2, 6, "second"), Ok(0));
    assert_eq!(keep(&db, 1, 3, 7, "third"), Ok(1));
    let sql = "select note from audit_notes order by size";
    assert_eq!(column(&db, sql, Vec::new()), ["first", "third"]);
    for (sql, why) in [
        ("update audit_notes set note = 'x'", "append-only"),
        ("delete from audit_notes", "append-only"),
        (
            "insert or replace into audit_notes values ('x', 2, 0, '')",
            "no gateway writes",
        ),
    ] {
        let refused = db.execute(sql, ()).expect_err(sql).to_string();
        assert!(refused.contains(why), "{sql}: {refused}");
    }
    let replaced = format!(
        "insert or replace into audit_notes values ('{}', 2, 0, 'x')",
        id(1)
    );
    assert_eq!(db.execute(&replaced, ()), Ok(0));
    assert!(keep(&db, 2, 1, 0, "of nobody").is_err());
    assert!(keep(&db, 1, 0, 0, "of nothing").is_err());
}

#[test]
fn r54_notes_come_with_their_cosignatures_the_largest_first() {
    let db = record();
    register(&db, 1, 9);
    for size in [3, 5, 9] {
        keep(&db, 1, size, 0, &format!("note {size}")).expect("kept");
    }
    cosign(&db, 1, 5, "w1", "old");
    cosign(&db, 1, 5, "w1", "line 1");
    cosign(&db, 1, 5, "w2", "line 2");
    let page = |before: u64| vec![Bind::text(id(1)), whole(before), Bind::number(2)];
    assert_eq!(column(&db, NOTES, page(100)), ["9", "5"]);
    assert_eq!(column(&db, NOTES, page(5)), ["3"]);
    let lines = format!("select lines from ({NOTES}) where lines is not null");
    assert_eq!(column(&db, &lines, page(100)), ["line 1\nline 2"]);
    let largest = |witness: &str| vec![Bind::text(id(1)), Bind::text(witness)];
    assert_eq!(column(&db, COSIGNED, largest("w2")), ["5"]);
}

#[test]
fn r54_logs_that_have_grown_are_due_and_unseen_notes_are_offered() {
    let db = record();
    let now = 10 * DAY;
    // Never signed; signed and grown; signed yesterday and not grown; signed just now; without events.
    for (n, events) in [(1, 3), (2, 3), (3, 3), (4, 3), (5, 0)] {
        register(&db, n, events);
    }
    keep(&db, 2, 2, now - DAY, "").expect("kept");
    keep(&db, 3, 3, now - DAY, "").expect("kept");
    keep(&db, 4, 2, now - DAY + 1, "").expect("kept");
    let asked = vec![Bind::whole(now - DAY), Bind::number(9)];
    let due: Vec<String> = [1, 2].map(|n| id(n).to_string()).to_vec();
    assert_eq!(column(&db, DUE, asked), due);

    keep(&db, 1, 1, now - 8 * DAY, "").expect("kept");
    cosign(&db, 2, 2, "w1", "");
    cosign(&db, 2, 2, "w2", "");
    cosign(&db, 3, 3, "w1", "");
    cosign(&db, 4, 1, "w2", "");
    let asked = vec![
        Bind::text(r#"["w1","w2"]"#),
        Bind::whole(now - 7 * DAY),
        Bind::number(9),
    ];
    let unseen: Vec<String> = [4, 3].map(|n| id(n).to_string()).to_vec();
    assert_eq!(column(&db, UNSEEN, asked), unseen);
}
