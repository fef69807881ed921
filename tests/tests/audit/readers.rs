//! Lists, exports, and who may read them.

use postern_system_tests::audit::{self, events, export, exporting, verified};
use postern_system_tests::forge::Keys;
use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::life;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r35_a_list_has_pages_and_filters,
        r35_the_log_is_for_who_holds_audit_read,
        r35_an_export_goes_on_over_many_pages_while_events_come,
    ]
}

async fn r35_a_list_has_pages_and_filters(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, other) = (suite.organization().await, suite.organization().await);
    other.mint(gateway, &json!({})).await;
    let minter = organization
        .mint(gateway, &json!({ "policies": ["project_api_token:*"] }))
        .await;
    let mut children = Vec::new();
    for _ in 0..5 {
        let body = json!({ "project": SHOP, "policies": [] });
        children.push(organization.mint_as(gateway, &minter, &body).await);
    }
    organization.revoke(gateway, &children[2].id).await;
    let all = events(gateway, &organization, "").await;
    let sequences = |events: &[Value]| -> Vec<u64> {
        events
            .iter()
            .map(|event| event["sequence"].as_u64().expect("a number"))
            .collect()
    };
    assert_eq!(sequences(&all), (1..=11).rev().collect::<Vec<_>>());
    for limit in [1, 2, 4, 11, 12] {
        let paged = events(gateway, &organization, &format!("limit={limit}")).await;
        assert_eq!(paged, all, "by {limit}");
    }
    let prefix = minter.answer["prefix"].as_str().expect("a prefix");
    let at = |sequence: u64| {
        let event = all.iter().find(|event| event["sequence"] == sequence);
        event.expect("an event")["at"]
            .as_str()
            .expect("a moment")
            .to_owned()
    };
    let rows = [
        (format!("actor=org-token:{prefix}"), vec![10, 9, 8, 7, 6]),
        ("action=token.mint".to_owned(), vec![10, 9, 8, 7, 6, 5]),
        ("action=token.revoke&actor=admin-token".to_owned(), vec![11]),
        (format!("token={}", children[2].id), vec![11, 8]),
        (
            format!("token={}&action=token.mint", children[2].id),
            vec![8],
        ),
        (format!("token={}", random_id()), vec![]),
        ("actor=session:nobody".to_owned(), vec![]),
        ("action=token.rotate".to_owned(), vec![]),
    ];
    for (query, expected) in rows {
        for limit in ["", "&limit=1"] {
            let query = format!("{query}{limit}");
            let found = events(gateway, &organization, &query).await;
            assert_eq!(sequences(&found), expected, "{query}");
        }
    }
    let (since, until) = (at(7), at(10));
    let expected: Vec<u64> = all
        .iter()
        .filter(|event| {
            let at = life::millis(&event["at"]);
            at >= life::millis(&json!(since)) && at < life::millis(&json!(until))
        })
        .map(|event| event["sequence"].as_u64().expect("a number"))
        .collect();
    let found = events(
        gateway,
        &organization,
        &format!("since={since}&until={until}"),
    )
    .await;
    assert_eq!(sequences(&found), expected);

    let page = organization
        .call(gateway, "GET", "/org/audit?limit=2")
        .send()
        .await
        .json(200);
    let cursor = page["next_cursor"].as_str().expect("more").to_owned();
    let tokens = organization
        .call(gateway, "GET", "/org/tokens?limit=1")
        .send()
        .await
        .json(200);
    let foreign = tokens["next_cursor"].as_str().expect("more").to_owned();
    let rows = [
        (format!("cursor={cursor}x"), "cursor_invalid"),
        (format!("cursor={foreign}"), "cursor_invalid"),
        ("cursor=NS83JyBvciAxPTE".to_owned(), "cursor_invalid"),
        ("limit=501".to_owned(), "limit_invalid"),
        ("limit=0".to_owned(), "limit_invalid"),
        ("action=token.minted".to_owned(), "action_invalid"),
        (format!("actor={}", "x".repeat(201)), "actor_invalid"),
        ("since=yesterday".to_owned(), "moment_invalid"),
        ("actors=x".to_owned(), "query_invalid"),
        ("action=".to_owned(), "query_invalid"),
        ("actor=".to_owned(), "query_invalid"),
        ("token=".to_owned(), "query_invalid"),
        ("since=".to_owned(), "query_invalid"),
        ("until".to_owned(), "query_invalid"),
        ("limit=".to_owned(), "query_invalid"),
        ("cursor=".to_owned(), "query_invalid"),
        (
            "action=token.mint&action=token.mint".to_owned(),
            "query_invalid",
        ),
    ];
    for (query, code) in rows {
        let call = organization.call(gateway, "GET", &format!("/org/audit?{query}"));
        call.send().await.problem(400, code);
    }
    // By name, of which there is none.
    let call = organization.call(gateway, "GET", "/org/audit?token=x");
    call.send().await.problem(404, "not_found");
    // A cursor of one organization shows nothing of another's.
    let path = format!("/org/audit?cursor={cursor}");
    let page = other.call(gateway, "GET", &path).send().await.json(200);
    for event in page["events"].as_array().expect("a list") {
        assert_eq!(event["organization_id"], other.id);
    }
}

async fn r35_the_log_is_for_who_holds_audit_read(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(gateway, &body).await;
    let reader = mint(json!({ "policies": ["audit:read"] })).await;
    let denied = [
        mint(json!({})).await,
        mint(json!({ "policies": ["org_api_token:*", "project_api_token:*"] })).await,
        mint(json!({ "project": SHOP, "policies": ["audit:read"] })).await,
        mint(json!({ "project": SHOP, "workflow": RELEASE, "policies": ["audit:*"] })).await,
    ];
    let ways = [
        ("GET", "/org/audit"),
        ("GET", "/org/audit/checkpoints"),
        ("POST", "/org/audit/checkpoints"),
    ];
    for (method, path) in ways {
        let answer = organization
            .call_as(gateway, &reader, method, path)
            .send()
            .await;
        answer.json(if method == "POST" { 201 } else { 200 });
        for token in &denied {
            let call = organization.call_as(gateway, token, method, path);
            call.send().await.problem(403, "operation_not_allowed");
        }
        gateway
            .call(method, path)
            .send()
            .await
            .problem(401, "credential_missing");
        let call = gateway.call(method, path).bearer(&suite.keys.admin);
        call.send().await.problem(400, "organization_required");
        let call = gateway
            .call(method, path)
            .bearer(&suite.keys.admin)
            .organization("nobody");
        call.send().await.problem(404, "not_found");
    }
    for token in &denied {
        let call = exporting(organization.call_as(gateway, token, "GET", "/org/audit"));
        call.send().await.problem(403, "operation_not_allowed");
    }
    let call = exporting(organization.call_as(gateway, &reader, "GET", "/org/audit"));
    let answer = call.send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let report = audit::check(&audit::lines(&answer), &suite.keys);
    assert!(report.is_clean(), "{:?}", report.faults);
    let foreign = Keys::random();
    assert!(!audit::check(&audit::lines(&answer), &foreign).is_clean());
    // An export has no parameters: a filtered one would prove nothing.
    let call = exporting(organization.call(gateway, "GET", "/org/audit?action=token.mint"));
    call.send().await.problem(400, "query_invalid");
    for (method, path) in [
        ("POST", "/org/audit"),
        ("DELETE", "/org/audit"),
        ("DELETE", "/org/audit/checkpoints"),
    ] {
        let call = organization.call(gateway, method, path);
        call.send().await.problem(405, "method_not_allowed");
    }
}

async fn r35_an_export_goes_on_over_many_pages_while_events_come(suite: &Suite) {
    let keys = &suite.keys;
    let gateway = suite.serve().start().await;
    let serve = gateway.serve().clone();
    let organization = Organization::new(&gateway, &keys.admin).await;
    let token = organization.mint(&gateway, &json!({})).await;
    gateway.stop();
    // 1,300 tokens that a bulk revoke will end: three pages of events, in one step.
    let copies = format!(
        "insert into tokens (id, facts, place, name, is_system, state, created_at) \
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1300) \
         select printf('%08x-0000-4000-8000-000000000000', i), \
                replace(facts, '{id}', printf('%08x-0000-4000-8000-000000000000', i)), \
                place, 'copy-' || i, 0, 1, created_at from n, tokens where tokens.id = '{id}'",
        id = token.id
    );
    on_ledgers(&serve.state(), &copies);
    let gateway = serve.start().await;
    let selector = json!({ "never_used": true });
    let swept = organization
        .revoking(&gateway, &selector)
        .send()
        .await
        .json(200);
    assert_eq!(swept["matched"], 1_301);
    // Events come while the log is read.
    let (reading, writing) = tokio::join!(export(&gateway, &organization), async {
        for _ in 0..5 {
            organization.mint(&gateway, &json!({})).await;
        }
    });
    let () = writing;
    let report = audit::check(&reading, keys);
    assert!(report.is_clean(), "{:#?}", report.faults);
    assert!(report.rows >= 5 + 1_301, "{} rows", report.rows);
    assert_eq!(
        verified(&gateway, &organization, keys).await.len(),
        5 + 1_301 + 5
    );
    println!("export: {} rows verified", 5 + 1_301 + 5);
    gateway.stop();
}
