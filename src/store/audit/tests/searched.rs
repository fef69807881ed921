//! Searches of the audit log by several tokens, by address and by request, and tokens by their names.

use super::super::asked::ACTED;
use super::*;

#[test]
fn r48_events_of_several_tokens_addresses_and_requests_are_one_list() {
    let db = query_plans::record();
    fill(&db);
    let none = EventFilter::default;
    let both = EventFilter {
        tokens: vec![Id::from_u128(1), Id::from_u128(2)],
        ..none()
    };
    let expected: Vec<u64> = (1..=50).rev().filter(|n| n % 3 != 0).collect();
    assert_eq!(sequences(&db, &both, &span(4, None)), expected[..5]);
    assert_eq!(
        sequences(&db, &both, &span(4, Some((470, 47)))),
        expected[3..8]
    );
    let address = EventFilter {
        address: Some("192.0.2.2".to_owned()),
        until: at(190),
        ..none()
    };
    assert_eq!(sequences(&db, &address, &span(9, None)), [18, 14, 6, 2]);
    let request = EventFilter {
        request_id: Some("r7".to_owned()),
        ..none()
    };
    assert_eq!(sequences(&db, &request, &span(9, None)), [7]);
    for (tokens, found) in [(vec![1], vec![7]), (vec![2, 3], vec![])] {
        let of = EventFilter {
            tokens: tokens.into_iter().map(Id::from_u128).collect(),
            ..request.clone()
        };
        assert_eq!(sequences(&db, &of, &span(9, None)), found);
    }
}

#[test]
fn r48_a_request_is_found_by_the_beginning_of_its_id() {
    let db = query_plans::record();
    fill(&db);
    let whole = "addcd651".repeat(4);
    for (sequence, id) in [(1, whole.as_str()), (2, "addcd650ffff"), (3, "addcd652")] {
        let sql = "update audit set content = json_set(content, '$.origin.request_id', ?) \
                   where sequence = ?";
        db.execute_batch("drop trigger if exists audit_is_append_only_update")
            .expect("without a guard");
        db.execute(sql, (id, sequence)).expect("an update");
    }
    let found = |request: &str| {
        let filter = EventFilter {
            request_id: Some(request.to_owned()),
            ..EventFilter::default()
        };
        sequences(&db, &filter, &span(9, None))
    };
    for (request, expected) in [
        ("addcd651", vec![1]),
        ("ADDCD651AD", vec![1]),
        (&whole, vec![1]),
        ("addcd652", vec![3]),
        ("addcd653", vec![]),
        // Too short, and no digits: only the whole of it.
        ("addcd65", vec![]),
        ("r7", vec![7]),
    ] {
        assert_eq!(found(request), expected, "{request}");
    }
    let filter = EventFilter {
        request_id: Some("addcd651".to_owned()),
        ..EventFilter::default()
    };
    let by = ways(&filter);
    let (sql, values) = page(Id::from_u128(1), &filter, &span(9, None), &by[0]).expect("a page");
    let plan = plan(&db, &sql, values);
    assert!(plan.contains("INDEX audit_by_request"), "{plan}");
    assert!(plan.contains(">? AND"), "{plan}");
}

#[test]
fn r48_which_actors_the_log_has() {
    let db = query_plans::record();
    fill(&db);
    let known: String = db
        .query_row("select actor from audit limit 1", [], |row| row.get(0))
        .expect("an actor");
    let asked = serde_json::json!([known, "nobody"]).to_string();
    let mut statement = db.prepare(ACTED).expect("a statement");
    let rows = statement.query_map((organization(1), &asked), |row| row.get(0));
    let acted: Vec<String> = rows.expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(acted, [known]);
    let plan = plan(&db, ACTED, vec![Bind::text("o"), Bind::text("[]")]);
    assert!(
        plan.contains("audit_by_actor (organization_id=? AND actor=?)"),
        "{plan}"
    );
}

/// An event by which a token has lost a name.
fn renamed(db: &Connection, (sequence, action): (i64, &str), token: &str, before: &str) {
    let content = serde_json::json!({ "changes": { "name": "x", "name.before": before } });
    let sql = "insert into audit (organization_id, sequence, at, action, actor, token_id, content, \
               previous, link, kid) values (?, ?, 0, ?, 'a', ?, ?, '', '', '')";
    let values = (
        organization(1),
        sequence,
        action,
        token,
        content.to_string(),
    );
    db.execute(sql, values).expect("an insert");
}

#[test]
fn r48_tokens_are_found_by_their_name_and_by_ranges() {
    let db = query_plans::record();
    register(&db, 1);
    register(&db, 2);
    let id = |n: u128| Id::<postern_domain::id::Token>::from_u128(n).to_string();
    for (n, own, name) in [
        (1, 1, "ci"),
        (2, 1, "ci"),
        (3, 1, "CI"),
        (4, 2, "ci"),
        (90, 1, "far"),
        (91, 1, "daemon"),
    ] {
        let sql = "insert into tokens (id, organization_id, name, format, policies, is_system, created_at, \
                   created_by) values (?, ?, ?, 'jwt', '[]', 0, 0, 'a')";
        db.execute(sql, (id(n), organization(own), name))
            .expect("a token");
    }
    db.execute(
        "insert into projects (id, organization_id, name, created_at) values ('p', ?, 'shop', 0)",
        [organization(1)],
    )
    .expect("a project");
    db.execute("update tokens set project_id = 'p' where id = ?", [id(2)])
        .expect("an update");
    db.execute("update tokens set is_system = 1 where id = ?", [id(91)])
        .expect("an update");
    let called = |name: &str, with_system: bool| -> Vec<String> {
        let mut statement = db.prepare(CALLED).expect("a statement");
        let rows =
            statement.query_map((organization(1), name, with_system, 9), |row| row.get("id"));
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    };
    assert_eq!(called("ci", false), [id(1), id(2)]);
    assert_eq!(called("c", true), Vec::<String>::new());
    renamed(&db, (1, "token.edit"), &id(90), "stolen");
    renamed(&db, (2, "token.edit"), &id(90), "stolen");
    renamed(&db, (3, "token.edit"), &id(91), "stolen");
    renamed(&db, (4, "organization.update"), &id(1), "stolen");
    assert_eq!(
        called("stolen", false),
        [id(90)],
        "once, and no system token"
    );
    assert_eq!(called("stolen", true), [id(90), id(91)]);
    let values = vec![
        Bind::text("o"),
        Bind::text("n"),
        Bind::number(0),
        Bind::number(9),
    ];
    let planned = plan(&db, CALLED, values);
    assert!(planned.contains("INDEX tokens_by_name"), "{planned}");
    assert!(
        planned.contains("audit_by_former_name (organization_id=? AND <expr>=?)"),
        "{planned}"
    );
    assert_eq!(called("daemon", true), [id(91)]);
    assert_eq!(
        called("daemon", false),
        Vec::<String>::new(),
        "it is hidden"
    );
    let ranges =
        serde_json::json!([[id(2), id(9)], [id(90), id(91)], [id(50), id(60)]]).to_string();
    let within = |with_system: bool| -> Vec<(i64, String, Option<String>)> {
        let mut statement = db.prepare(WITHIN).expect("a statement");
        let rows = statement.query_map((organization(1), &ranges, 9, with_system), |row| {
            Ok((row.get("place")?, row.get("id")?, row.get("project")?))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    };
    let mut expected = vec![
        (0, id(2), Some("shop".to_owned())),
        (0, id(3), None),
        (1, id(90), None),
    ];
    assert_eq!(within(false), expected, "a system token is hidden");
    expected.push((1, id(91), None));
    assert_eq!(within(true), expected);
    let by_name = plan(
        &db,
        CALLED,
        vec![
            Bind::text("o"),
            Bind::text("n"),
            Bind::number(1),
            Bind::number(1),
        ],
    );
    assert!(
        by_name.contains("tokens_by_name (organization_id=? AND name=?)"),
        "{by_name}"
    );
    let by_id = plan(
        &db,
        WITHIN,
        vec![
            Bind::text("o"),
            Bind::text("[]"),
            Bind::number(1),
            Bind::number(0),
        ],
    );
    assert!(
        by_id.contains("sqlite_autoindex_tokens_1 (id>? AND id<?)"),
        "{by_id}"
    );
}
