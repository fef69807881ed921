//! Searches among a million tokens: what a page reads is bounded, whatever the words are.

use rusqlite::StatementStatus;

use super::searched::{acme, words};
use super::*;

/// Steps of SQLite's machine that a statement took, and its rows.
fn steps(db: &Connection, sql: &str, values: Vec<Bind>) -> (i32, usize) {
    let mut statement = db.prepare(sql).expect("a statement");
    let mut rows = statement.query(params_from_iter(values)).expect("rows");
    let mut count = 0;
    while rows.next().expect("a row").is_some() {
        count += 1;
    }
    drop(rows);
    let steps = statement.get_status(StatementStatus::VmStep);
    println!("{count} rows, {steps} steps");
    (steps, count)
}

#[test]
#[ignore = "a million tokens take minutes: run it by name, with --nocapture"]
fn r48_a_page_of_a_million_tokens_reads_a_bounded_part() {
    let db = query_plans::record();
    let organization = acme().to_string();
    db.execute(
        "insert into organizations (id, name, created_at) values (?, 'acme', 0)",
        [&organization],
    )
    .expect("an organization");
    let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000) \
                insert into tokens (id, organization_id, name, description, format, policies, is_system, \
                created_at, created_by) \
                select lower(printf('%08x', i * 2654435761 % 4294967296) || '-0000-4000-8000-' || printf('%012x', i)), ?, \
                'ci-' || iif(i % 2, 'shop', 'billing') || '-' || i, 'GitHub Actions run of acme', 'jwt', '[]', 0, i, 'a' from n";
    db.execute(many, [&organization]).expect("tokens");
    // Steps for a token that is looked at, and for one whose words are compared.
    let bound = i32::try_from(LOOKED_AT).expect("a number") * 150;
    for (asked, way) in [
        (vec!["ci"], Way::Index("tokens_not_over")),
        (vec!["ci", "shop"], Way::Index("tokens_not_over")),
        (vec!["shop", "billing"], Way::Index("tokens_not_over")),
        (vec!["hub"], Way::Index("tokens_not_over")),
        (vec!["ci", "777777"], Way::Word("777777".to_owned())),
        (vec!["99"], Way::Word("99".to_owned())),
    ] {
        let filter = TokenFilter {
            status: Status::Active,
            search: Some(words(&asked)),
            ..filter()
        };
        println!("{asked:?} by {way:?}");
        let end = match way {
            Way::Index(index) => {
                let (sql, values) = floor(acme(), &filter, None, index);
                let (taken, _) = steps(&db, &sql, values);
                assert!(taken < bound, "{asked:?}: {taken}");
                Some(Cursor {
                    at: Timestamp::from_millis(1_000_000 - i64::from(LOOKED_AT) + 1),
                    id: String::new(),
                })
            }
            _ => None,
        };
        let (sql, values) =
            page(acme(), &filter, &first(101), &way, end.as_ref()).expect("a statement");
        let (taken, _) = steps(&db, &sql, values);
        assert!(taken < bound, "{asked:?}: {taken}");
    }
    for word in ["ci", "777777", "nothing"] {
        let words = vec![
            Bind::text(&organization),
            Bind::Text(format!("[\"{word}\"]")),
            Bind::number(20_001),
        ];
        let (taken, _) = steps(&db, crate::store::token_words::COUNTS, words);
        assert!(taken < bound, "{word}: {taken}");
    }
}
