//! The statements of the audit log on the tables that the migrations make: which index serves each,
//! and what the triggers refuse.

mod guarded;
mod searched;

use rusqlite::{Connection, params_from_iter};

use super::*;
use crate::query_plans;
use postern_domain::audit::Action;
use postern_domain::id::Id;

fn plan(db: &Connection, sql: &str, values: Vec<Bind>) -> String {
    query_plans::plan(db, sql, params_from_iter(values)).join("; ")
}

fn organization(n: u128) -> String {
    Id::<postern_domain::id::Organization>::from_u128(n).to_string()
}

fn register(db: &Connection, n: u128) {
    let sql = "insert into organizations (id, name, created_at) values (?, ?, 0)";
    let name = format!("o{n}");
    db.execute(sql, (organization(n), name)).expect("an insert");
}

/// Fifty events: every second one by somebody else, every fifth a revoke.
fn fill(db: &Connection) {
    register(db, 1);
    for sequence in 1..=50 {
        let actor = if sequence % 2 == 0 { "even" } else { "odd" };
        let action = if sequence % 5 == 0 {
            "token.revoke"
        } else {
            "token.mint"
        };
        // The tenth is no JSON, the eleventh no event: somebody has written them.
        let content = match sequence {
            10 => String::new(),
            11 => "[]".to_owned(),
            _ => format!(
                r#"{{"origin":{{"address":"192.0.2.{}","request_id":"r{sequence}"}}}}"#,
                sequence % 4
            ),
        };
        let values = (
            organization(1),
            sequence,
            sequence * 10,
            action,
            actor,
            Id::<postern_domain::id::Token>::from_u128(sequence as u128 % 3).to_string(),
            content,
        );
        let sql = "insert into audit (organization_id, sequence, at, action, actor, token_id, \
                   content, previous, link, kid) values (?, ?, ?, ?, ?, ?, ?, '', '', '')";
        db.execute(sql, values).expect("an insert");
    }
}

fn sequences(db: &Connection, filter: &EventFilter, span: &Span) -> Vec<u64> {
    let mut all = Vec::new();
    for by in ways(filter) {
        let (sql, values) = page(Id::from_u128(1), filter, span, &by).expect("a statement");
        let mut statement = db.prepare(&sql).expect("a statement");
        let rows = statement.query_map(params_from_iter(values), |row| {
            Ok(AuditRow {
                sequence: row.get("sequence")?,
                at: row.get("at")?,
                content: row.get("content")?,
                previous: row.get("previous")?,
                link: row.get("link")?,
                kid: row.get("kid")?,
            })
        });
        all.extend(rows.expect("rows").map(|row| row.expect("a row")));
    }
    let rows = merged(all, span).into_iter();
    rows.map(|row| row.sequence).collect()
}

fn at(ms: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(ms))
}

fn span(limit: u32, after: Option<(i64, u64)>) -> Span {
    let after = after.map(|(at, sequence)| EventCursor {
        at: Timestamp::from_millis(at),
        sequence,
    });
    Span { limit, after }
}

#[test]
fn r35_every_filter_is_served_by_an_index_and_none_by_sorting() {
    let db = query_plans::record();
    fill(&db);
    let none = EventFilter::default;
    let rows = [
        (none(), "audit_by_time"),
        (
            EventFilter {
                since: at(1),
                until: at(2),
                ..none()
            },
            "audit_by_time",
        ),
        (
            EventFilter {
                action: Some(Action::TokenMint),
                ..none()
            },
            "audit_by_action",
        ),
        (
            EventFilter {
                actors: vec!["admin-token".to_owned()],
                ..none()
            },
            "audit_by_actor",
        ),
        (
            EventFilter {
                tokens: vec![Id::from_u128(1)],
                since: at(1),
                ..none()
            },
            "audit_by_token",
        ),
        (
            EventFilter {
                tokens: vec![Id::from_u128(1), Id::from_u128(2)],
                actors: vec!["a".to_owned(), "b".to_owned()],
                ..none()
            },
            "audit_by_token",
        ),
        (
            EventFilter {
                address: Some("192.0.2.7".to_owned()),
                action: Some(Action::TokenMint),
                ..none()
            },
            "audit_by_address",
        ),
        (
            EventFilter {
                request_id: Some("r".to_owned()),
                tokens: vec![Id::from_u128(1)],
                address: Some("192.0.2.7".to_owned()),
                ..none()
            },
            "audit_by_request",
        ),
    ];
    for (filter, index) in rows {
        let ways = ways(&filter).into_iter();
        for (after, by) in ways.flat_map(|by| [(None, by.clone()), (Some((1, 1)), by)]) {
            let (sql, values) =
                page(Id::from_u128(1), &filter, &span(100, after), &by).expect("a statement");
            let plan = plan(&db, &sql, values);
            let expected = format!("SEARCH audit USING INDEX {index} (organization_id=?");
            assert!(plan.starts_with(&expected), "{filter:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
        }
    }
    let text = || Bind::text("x");
    let number = || Bind::number(1);
    let rows = plan(&db, ROWS, vec![text(), number(), number(), number()]);
    let key = "USING PRIMARY KEY (organization_id=? AND sequence";
    assert!(rows.contains(key) && !rows.contains("TEMP"), "{rows}");
    let marks = plan(&db, CHECKPOINTS, vec![text(), number(), number()]);
    assert!(marks.contains(key) && !marks.contains("TEMP"), "{marks}");
    let due = plan(&db, DUE, vec![number(), number()]);
    assert!(!due.contains("SCAN a") && !due.contains("SCAN k"), "{due}");
}

#[test]
fn r35_pages_are_newest_first_and_meet_without_a_gap() {
    let db = query_plans::record();
    fill(&db);
    let all = EventFilter::default();
    let first = sequences(&db, &all, &span(20, None));
    assert_eq!(first, (30..=50).rev().collect::<Vec<_>>(), "and one more");
    let second = sequences(&db, &all, &span(20, Some((310, 31))));
    assert_eq!(second, (10..=30).rev().collect::<Vec<_>>());
    let filter = EventFilter {
        action: Some(Action::TokenRevoke),
        actors: vec!["odd".to_owned(), "nobody".to_owned()],
        since: at(150),
        until: at(450),
        ..all
    };
    assert_eq!(sequences(&db, &filter, &span(20, None)), [35, 25, 15]);
    let filter = EventFilter {
        tokens: vec![Id::from_u128(2)],
        until: at(120),
        ..EventFilter::default()
    };
    assert_eq!(sequences(&db, &filter, &span(20, None)), [11, 8, 5, 2]);
}

#[test]
fn r35_the_log_and_its_checkpoints_are_append_only() {
    let db = query_plans::record();
    fill(&db);
    db.execute(
        "insert into checkpoints (organization_id, sequence, at, content, kid, mac) \
         values (?, 1, 1, '', '', '')",
        [organization(1)],
    )
    .expect("an insert");
    for (sql, why) in [
        (
            "update audit set actor = 'x'",
            "the audit log is append-only",
        ),
        (
            "delete from audit where sequence = 1",
            "the audit log is append-only",
        ),
        (
            "update checkpoints set mac = 'x'",
            "checkpoints are append-only",
        ),
        ("delete from checkpoints", "checkpoints are append-only"),
    ] {
        let error = db.execute(sql, ()).expect_err(sql).to_string();
        assert!(error.contains(why), "{sql}: {error}");
    }
}

#[test]
fn r35_the_schedule_signs_once_a_day_what_has_grown() {
    let db = query_plans::record();
    let day = CHECKPOINT_EVERY_MS;
    for n in 1..=5 {
        register(&db, n);
    }
    let event = |n, sequence: u64| {
        let sql = "insert into audit (organization_id, sequence, at, action, actor, token_id, \
                   content, previous, link, kid) values (?, ?, 0, '', '', '', '', '', '', '')";
        db.execute(sql, (organization(n), sequence))
            .expect("an insert");
    };
    let signed = |n, sequence: u64, at: i64| {
        let sql = "insert into checkpoints (organization_id, sequence, at, content, kid, mac) \
                   values (?, ?, ?, '', '', '')";
        db.execute(sql, (organization(n), sequence, at))
            .expect("an insert");
    };
    // 1 was never signed; 2 has not grown; 3 has, and was signed long ago; 4 has, but was signed
    // within the day, beside an older one; 5 has no event.
    for n in 1..=4 {
        event(n, 1);
        event(n, 2);
    }
    signed(2, 2, 0);
    signed(3, 1, 5);
    event(4, 3);
    signed(4, 1, 0);
    signed(4, 2, day);
    let due = |now: i64| -> Vec<String> {
        let mut statement = db.prepare(DUE).expect("a statement");
        let values = vec![Bind::whole(now - day), Bind::number(10)];
        let rows = statement
            .query_map(params_from_iter(values), |row| row.get::<_, String>(0))
            .expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    assert_eq!(due(day + 5), [organization(1), organization(3)]);
    assert_eq!(due(day + 4), [organization(1)]);
    assert_eq!(
        due(2 * day),
        [organization(1), organization(3), organization(4)]
    );
}
