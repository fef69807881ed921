//! What the triggers of the audit log and its checkpoints refuse, and that one which is missing shows.

use super::*;
use crate::store::audit::guards::{Guards, TRIGGERS};
use crate::store::record_changes;

/// A row as the Ledger brings it, by its columns.
type Columns = [rusqlite::types::Value; 10];

fn columns(organization: &str, sequence: i64, at: i64, link: &str) -> Columns {
    let text = |text: &str| rusqlite::types::Value::Text(text.to_owned());
    [
        text(organization),
        sequence.into(),
        at.into(),
        text("token.mint"),
        text("admin-token"),
        text(""),
        text("{}"),
        text("00"),
        text(link),
        text("r1"),
    ]
}

const INTO: &str = "into audit (organization_id, sequence, at, action, actor, token_id, content, \
                    previous, link, kid) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn rows(db: &Connection) -> Vec<(i64, String, String)> {
    let sql = "select sequence, actor, link from audit order by sequence";
    let mut statement = db.prepare(sql).expect("a statement");
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

#[test]
fn r35_a_number_that_is_taken_takes_no_other_row() {
    let db = query_plans::record();
    register(&db, 1);
    let own = organization(1);
    let append = |row: Columns| db.execute(record_changes::APPEND_AUDIT, params_from_iter(row));
    append(columns(&own, 1, 10, "aa")).expect("the first event");
    // What somebody else may put there before the Ledger does.
    let planted = format!("insert {INTO}");
    db.execute(&planted, params_from_iter(columns(&own, 2, 20, "ff")))
        .expect("a number that nobody has yet");
    let before = rows(&db);

    // A second delivery is harmless.
    append(columns(&own, 1, 10, "aa")).expect("the same event again");
    let error = append(columns(&own, 2, 20, "bb")).expect_err("the Ledger's own second event");
    assert!(
        error.to_string().contains(record_changes::OTHER_ROW),
        "{error}"
    );

    // No way of inserting replaces a row, or any column of it.
    for verb in ["insert", "insert or replace", "replace", "insert or ignore"] {
        for changed in 2..10 {
            let mut row = columns(&own, 1, 10, "aa");
            row[changed] = match changed {
                2 => 11.into(),
                _ => rusqlite::types::Value::Text("other".to_owned()),
            };
            let sql = format!("{verb} {INTO}");
            let error = db.execute(&sql, params_from_iter(row)).expect_err(verb);
            let told = error.to_string().contains(record_changes::OTHER_ROW);
            assert!(told, "{verb}, column {changed}: {error}");
        }
    }
    let sql =
        format!("insert {INTO} on conflict (organization_id, sequence) do update set actor = 'x'");
    let same = columns(&own, 1, 10, "aa");
    let error = db
        .execute(&sql, params_from_iter(same))
        .expect_err("an upsert");
    let told = error.to_string().contains("the audit log is append-only");
    assert!(told, "{error}");
    assert_eq!(rows(&db), before);
}

#[test]
fn r35_rows_that_no_ledger_writes_are_refused() {
    let db = query_plans::record();
    register(&db, 1);
    let own = organization(1);
    for (organization, sequence, at) in [
        (own.as_str(), 0, 10),
        (&own, -1, 10),
        (&own, i64::MAX, 10),
        (&own, 1, -1),
        (&own, 1, i64::MAX),
        (&organization(2), 1, 10),
        (&own.to_uppercase().replace('0', "A"), 1, 10),
        ("", 1, 10),
    ] {
        let row = columns(organization, sequence, at, "aa");
        let error = db
            .execute(&format!("insert {INTO}"), params_from_iter(row))
            .expect_err("no Ledger writes it");
        let told = error.to_string().contains("no Ledger writes such a row");
        assert!(told, "{organization} {sequence} {at}: {error}");
        let sql = "insert into checkpoints (organization_id, sequence, at, content, kid, mac) \
                   values (?, ?, ?, '', '', '')";
        let error = db
            .execute(sql, (organization, sequence, at))
            .expect_err(sql);
        let told = error
            .to_string()
            .contains("no Ledger writes such a checkpoint");
        assert!(told, "{organization} {sequence} {at}: {error}");
    }
}

#[test]
fn r35_the_first_checkpoint_of_an_event_stays() {
    let db = query_plans::record();
    register(&db, 1);
    for verb in ["insert", "insert", "insert or replace", "replace"] {
        let sql = format!(
            "{verb} into checkpoints (organization_id, sequence, at, content, kid, mac) \
             values (?, 1, 1, 'first', '', '')"
        );
        let sql = match verb {
            "insert" => sql,
            _ => sql.replace("first", "other"),
        };
        db.execute(&sql, [organization(1)]).expect(verb);
    }
    let kept: Vec<String> = db
        .prepare("select content from checkpoints")
        .and_then(|mut statement| statement.query_map((), |row| row.get(0))?.collect())
        .expect("rows");
    assert_eq!(kept, ["first"]);
}

#[test]
fn r35_a_trigger_that_is_missing_or_new_shows() {
    let db = query_plans::record();
    let guarded = || {
        let guards = db.query_row(TRIGGERS, (), |row| {
            Ok(Guards {
                found: row.get("found")?,
                known: row.get("known")?,
            })
        });
        guards.expect("a row").are_all()
    };
    assert!(guarded());
    let body = "begin select raise(ignore); end";
    db.execute_batch(&format!(
        "create trigger swallow before insert on audit {body}"
    ))
    .expect("a trigger");
    assert!(!guarded(), "one more");
    db.execute_batch("drop trigger audit_is_append_only_insert")
        .expect("a trigger");
    assert!(!guarded(), "another in its place");
    db.execute_batch("drop trigger swallow").expect("a trigger");
    assert!(!guarded(), "one less");
}
