//! The audit log from outside (R35): what is written into it, who reads it, and that whoever changes it is found out by
//! the check of an export, whatever he can write to.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::slice;

use postern_domain::audit::mend::Mended;
use postern_domain::audit::verify::Problem;
use postern_system_tests::audit::{self, NDJSON, events, export, exporting, verified};
use postern_system_tests::forge::{self, Keys};
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::Answer;
use postern_system_tests::ledgers::{on_ledgers, on_record};
use postern_system_tests::life;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, fields};
use postern_system_tests::runner;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address, random_id};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            r35_every_management_write_is_an_event,
            r35_a_list_has_pages_and_filters,
            r35_the_log_is_for_who_holds_audit_read,
            r35_an_export_goes_on_over_many_pages_while_events_come,
            r35_refused_mints_are_written_down_and_bounded,
            r35_checkpoints_are_signed_daily_and_on_demand,
            r35_a_changed_log_is_found_out,
            r35_who_writes_to_d1_swallows_no_event,
            r35_what_is_no_id_of_a_token_is_not_written_down,
            no_log_line_has_a_credential,
            a_log_line_tells_who_did_what_and_for_how_long,
        ],
    )
}

/// The one event of a request.
#[track_caller]
fn of<'e>(events: &'e [Value], answer: &Answer) -> &'e Value {
    let id = answer.header("x-request-id").expect("a request id");
    let found: Vec<&Value> = events
        .iter()
        .filter(|event| event["request_id"] == id)
        .collect();
    match found.as_slice() {
        [only] => only,
        other => panic!("{}: events {other:#?}", answer.what),
    }
}

async fn r35_every_management_write_is_an_event(suite: &Suite) {
    let (gateway, admin) = (&suite.gateway, &suite.keys.admin);
    let organization =
        Organization::with(gateway, admin, &json!({ "on_leak": "quarantine" })).await;
    let call = |method: &str, path: &str, body: &Value| {
        let call = organization.call(gateway, method, path);
        call.header("user-agent", "an agent").json(body)
    };
    let mint = async |body: Value| {
        let answer = call("POST", "/org/tokens", &body).send().await;
        (Minted::of(answer.json(201)), answer)
    };
    let (token, minted) = mint(json!({ "project": SHOP })).await;
    let path = format!("/org/tokens/{}/rotate", token.id);
    let rotated = call("POST", &path, &json!({})).send().await;
    let successor = Minted::of(rotated.json(201));
    let path = format!("/org/tokens/{}", successor.id);
    let revoked = organization.call(gateway, "DELETE", &path).send().await;
    let again = organization.call(gateway, "DELETE", &path).send().await;
    let (one, _) = mint(json!({})).await;
    let selector = json!({ "ids": [one.id] });
    let swept = call("POST", "/org/tokens/revoke", &selector).send().await;
    let (lost, _) = mint(json!({ "project": SHOP })).await;
    let report = gateway.call("POST", "/leaks").from(&random_address());
    let reported = report.json(&json!({ "tokens": [lost.token] })).send().await;
    reported.json(202);
    // The report is worked off after its answer.
    loop {
        let view = organization.token(gateway, &lost.id).await;
        if !view["quarantined_at"].is_null() {
            break;
        }
    }
    let path = format!("/org/tokens/{}/release", lost.id);
    let released = organization.call(gateway, "POST", &path).send().await;
    released.json(200);
    let own = gateway
        .call("POST", "/oauth/revoke")
        .from(&random_address());
    let own = own.form(&[("token", &lost.token)]).send().await;
    own.json(200);
    let limits = json!({ "mint_ceiling": 7, "max_idle_days": 30 });
    let path = format!("/orgs/{}", organization.name);
    let changed = call("PATCH", &path, &limits).send().await;
    changed.json(200);
    let project = call("POST", "/org/projects", &json!({ "name": "made" }))
        .send()
        .await;
    project.json(201);
    let path = "/org/projects/made/workflows";
    let workflow = call("POST", path, &json!({ "name": "flow" })).send().await;
    workflow.json(201);

    let listed = events(gateway, &organization, "").await;
    let actor = |token: &Minted| {
        format!(
            "org-token:{}",
            token.answer["prefix"].as_str().expect("a prefix")
        )
    };
    let admin = "admin-token".to_owned();
    let rows = [
        (&minted, "token.mint", &admin, Some(&token), None),
        (&rotated, "token.rotate", &admin, Some(&successor), None),
        (&revoked, "token.revoke", &admin, Some(&successor), None),
        (&swept, "token.revoke", &admin, Some(&one), None),
        (
            &reported,
            "token.quarantine",
            &"leak-report".to_owned(),
            Some(&lost),
            None,
        ),
        (&released, "token.release", &admin, Some(&lost), None),
        (&own, "token.revoke", &actor(&lost), Some(&lost), None),
        (&changed, "organization.update", &admin, None, None),
        (
            &project,
            "project.create",
            &admin,
            None,
            Some("project:made"),
        ),
        (
            &workflow,
            "workflow.create",
            &admin,
            None,
            Some("workflow:made/flow"),
        ),
    ];
    for (answer, action, actor, token, target) in rows {
        let event = of(&listed, answer);
        let what = &answer.what;
        assert_eq!(event["action"], action, "{what}");
        assert_eq!(event["actor"], *actor, "{what}");
        assert_eq!(event["outcome"], "ok", "{what}");
        assert_eq!(event["target"], json!(target), "{what}");
        assert_eq!(
            event["token_id"],
            json!(token.map(|token| &token.id)),
            "{what}"
        );
        let prefix = token.map(|token| &token.answer["prefix"]);
        assert_eq!(event["token_prefix"], json!(prefix), "{what}");
        assert_eq!(event["organization_id"], organization.id, "{what}");
    }
    assert_eq!(of(&listed, &rotated)["replaces"], token.id);
    assert_eq!(of(&listed, &changed)["changes"], limits);
    assert_eq!(of(&listed, &minted)["address"], organization.address);
    assert_eq!(of(&listed, &minted)["user_agent"], "an agent");
    assert_eq!(of(&listed, &minted)["tier"], "admin");
    let repeated = again.header("x-request-id").expect("an id");
    assert!(
        !listed.iter().any(|event| event["request_id"] == repeated),
        "a second revoke changes nothing"
    );
    // All of them, and no others: the organization itself, its project and two workflows come first.
    let told: Vec<u64> = listed
        .iter()
        .filter_map(|event| event["sequence"].as_u64())
        .collect();
    let count = rows.len() as u64 + 4 + 2; // and two mints
    assert_eq!(told, (1..=count).rev().collect::<Vec<_>>());
    let first = &listed[listed.len() - 1];
    assert_eq!(first["action"], "organization.create");
    assert_eq!(
        first["target"],
        format!("organization:{}", organization.name)
    );
    assert_eq!(first["previous"], "0".repeat(64));
    // What is listed is what is exported.
    let exported = verified(gateway, &organization, &suite.keys).await;
    let ids = |events: &[Value], pointer: &str| -> BTreeSet<(String, String)> {
        let of = |event: &Value| {
            let id = event.pointer(pointer).and_then(Value::as_str);
            (id.expect("an id").to_owned(), event["sequence"].to_string())
        };
        events.iter().map(of).collect()
    };
    assert_eq!(
        ids(&listed, "/request_id"),
        ids(&exported, "/origin/request_id")
    );
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
        ("actor=nobody".to_owned(), vec![]),
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
        ("token=x".to_owned(), "token_id_invalid"),
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
    let gateway = Serve::new(&suite.origin.url, keys).start().await;
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

fn hour() -> i64 {
    life::now() / 3_600_000
}

async fn r35_refused_mints_are_written_down_and_bounded(suite: &Suite) {
    let keys = &suite.keys;
    let serve = Serve::new(&suite.origin.url, keys).set("MINT_PER_HOUR", "3");
    let mut gateway = serve.start().await;
    let limits = json!({ "mint_ceiling": 1 });
    let refused =
        async |gateway: &Gateway, organization: &Organization, code: &str, body: Value| {
            let status = if code == "name_taken" { 409 } else { 429 };
            let answer = organization.minting(gateway, &body).send().await;
            answer.problem(status, code);
            answer
        };
    // A full hour, that the bound is not stretched by the end of one.
    let (organization, answers) = loop {
        let begun = hour();
        let organization = Organization::with(&gateway, &keys.admin, &limits).await;
        organization
            .mint(&gateway, &json!({ "name": "first" }))
            .await;
        let mut answers = Vec::new();
        for _ in 0..13 {
            answers.push(refused(&gateway, &organization, "mint_ceiling_reached", json!({})).await);
        }
        if hour() == begun {
            break (organization, answers);
        }
    };
    let taken = refused(
        &gateway,
        &organization,
        "name_taken",
        json!({ "name": "first" }),
    )
    .await;
    let narrow = json!({ "mint_ceiling": 0 });
    let path = format!("/orgs/{}", organization.name);
    organization
        .call(&gateway, "PATCH", &path)
        .json(&narrow)
        .send()
        .await
        .json(200);
    let token = organization
        .mint(&gateway, &json!({ "project": SHOP }))
        .await;
    let call = organization.minting_as(&gateway, &token, &json!({ "project": SHOP }));
    let denied = call.send().await;
    denied.problem(403, "operation_not_allowed");
    let empty = organization.mint(&gateway, &json!({})).await;
    let limited = refused(&gateway, &organization, "mint_rate_exceeded", json!({})).await;
    let rotation = organization
        .rotating(&gateway, &empty.id, &json!({}))
        .send()
        .await;
    rotation.problem(429, "mint_rate_exceeded");
    // Not refusals of a mint, but wrong requests.
    let call = organization.minting(&gateway, &json!({ "name": "" }));
    call.send().await.problem(400, "name_invalid");
    let call = organization.minting(&gateway, &json!({ "project": "none" }));
    call.send().await.problem(404, "not_found");

    let told = events(&gateway, &organization, "action=token.mint_refused").await;
    for (answer, outcome, actor) in [
        (&taken, "name_taken", "admin-token".to_owned()),
        (
            &denied,
            "operation_not_allowed",
            format!(
                "org-token:{}",
                token.answer["prefix"].as_str().expect("a prefix")
            ),
        ),
        (&limited, "mint_rate_exceeded", "admin-token".to_owned()),
        (&rotation, "mint_rate_exceeded", "admin-token".to_owned()),
    ] {
        let event = of(&told, answer);
        assert_eq!(event["outcome"], outcome);
        assert_eq!(event["actor"], actor);
        assert_eq!(event["address"], organization.address);
        assert_eq!(event["token_id"], Value::Null, "no token was born");
    }
    assert_eq!(
        of(&told, &rotation)["target"],
        format!("token:{}", empty.id)
    );
    let ceilings = |events: &[Value]| -> Vec<Value> {
        let of = |event: &&Value| event["outcome"] == "mint_ceiling_reached";
        events.iter().filter(of).cloned().collect()
    };
    let written: BTreeSet<String> = ceilings(&told)
        .iter()
        .map(|event| event["request_id"].as_str().expect("an id").to_owned())
        .collect();
    let first: BTreeSet<String> = answers[..10]
        .iter()
        .map(|answer| answer.header("x-request-id").expect("an id").to_owned())
        .collect();
    assert_eq!(written, first, "the first ten of the hour, and no more");
    assert_eq!(told.len(), 10 + 4);

    // The hour passes: what was left out becomes one event, at the next word to the Ledger.
    gateway.stop();
    on_ledgers(&serve.state(), "update refusals set hour = hour - 1");
    gateway = serve.start().await;
    let call = organization.minting_as(&gateway, &token, &json!({ "project": SHOP }));
    call.send().await.problem(403, "operation_not_allowed");
    let told = events(&gateway, &organization, "action=token.mint_refused").await;
    let sums: Vec<Value> = told
        .iter()
        .filter(|event| !event["count"].is_null())
        .cloned()
        .collect();
    assert_eq!(sums.len(), 1, "only what was left out has a sum: {sums:#?}");
    assert_eq!(sums[0]["count"], 3);
    assert_eq!(sums[0]["outcome"], "mint_ceiling_reached");
    assert_eq!(sums[0]["actor"], "ledger");
    assert_eq!(ceilings(&told).len(), 11);
    assert_eq!(told.len(), 10 + 4 + 1 + 1);
    verified(&gateway, &organization, keys).await;
    gateway.stop();
}

async fn checkpoints(gateway: &Gateway, organization: &Organization) -> Vec<Value> {
    // What the Ledger still has to bring.
    export(gateway, organization).await;
    let path = "/org/audit/checkpoints";
    organization.all(gateway, path, "", "checkpoints").await
}

fn content(checkpoint: &Value) -> Value {
    let text = checkpoint["checkpoint"].as_str().expect("a text");
    serde_json::from_str(text).expect("JSON")
}

async fn r35_checkpoints_are_signed_daily_and_on_demand(suite: &Suite) {
    let keys = &suite.keys;
    let serve = Serve::new(&suite.origin.url, keys);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &keys.admin).await;
    let quiet = Organization::new(&gateway, &keys.admin).await;
    organization.mint(&gateway, &json!({})).await;
    let path = "/org/audit/checkpoints";
    let sign = async |gateway: &Gateway| {
        let answer = organization.call(gateway, "POST", path).send().await;
        answer.json(201)
    };
    let asked = sign(&gateway).await;
    assert_eq!(fields(&asked), ["checkpoint", "kid", "mac"].into());
    let told = content(&asked);
    assert_eq!(
        fields(&told),
        ["at", "link", "organization_id", "sequence"].into()
    );
    assert_eq!(
        (&told["sequence"], &told["organization_id"]),
        (&json!(5), &json!(organization.id))
    );
    assert_eq!(
        content(&sign(&gateway).await)["sequence"],
        5,
        "again, of the same event"
    );
    assert_eq!(
        checkpoints(&gateway, &organization).await,
        slice::from_ref(&asked),
        "kept once"
    );
    organization.mint(&gateway, &json!({})).await;
    // The schedule finds by D1 what is due, so D1 must have the quiet one's events before the end.
    export(&gateway, &quiet).await;
    gateway.stop();

    // The schedule runs at the start: it signs what was never signed, and what was, once a day.
    let gateway = serve.start().await;
    let kept = checkpoints(&gateway, &quiet).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(content(&kept[0])["sequence"], 4);
    assert_eq!(
        checkpoints(&gateway, &organization).await,
        slice::from_ref(&asked),
        "within the day"
    );
    gateway.stop();
    // A day passes for the one that is kept.
    let refused = on_record(&serve.state(), "update checkpoints set at = at - 86400000");
    let refused = refused.expect_err("append-only");
    assert!(refused.contains("checkpoints are append-only"), "{refused}");
    let back = "drop trigger checkpoints_are_append_only_update; \
                update checkpoints set at = at - 86400000";
    assert_eq!(on_record(&serve.state(), back), Ok(()));
    let gateway = serve.start().await;
    let kept = checkpoints(&gateway, &organization).await;
    let sequences: Vec<Value> = kept
        .iter()
        .map(|kept| content(kept)["sequence"].clone())
        .collect();
    assert_eq!(sequences, [6, 5], "newest first");
    assert_eq!(
        checkpoints(&gateway, &quiet).await.len(),
        1,
        "it has not grown"
    );
    let first = organization.call(&gateway, "GET", &format!("{path}?limit=1"));
    let first = first.send().await.json(200);
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = organization.call(&gateway, "GET", &format!("{path}?limit=1&cursor={cursor}"));
    assert_eq!(rest.send().await.json(200)["checkpoints"], json!([asked]));

    // All of them fit the log, and those of another do not.
    let mut lines = export(&gateway, &organization).await;
    lines.extend(kept.iter().map(Value::to_string));
    let report = audit::check(&lines, keys);
    assert!(report.is_clean(), "{:#?}", report.faults);
    lines.push(checkpoints(&gateway, &quiet).await[0].to_string());
    let report = audit::check(&lines, keys);
    assert_eq!(report.faults_in_all, 1);
    assert!(matches!(report.faults[0].problem, Problem::Foreign { .. }));
    gateway.stop();
}

async fn r35_a_changed_log_is_found_out(suite: &Suite) {
    let keys = &suite.keys;
    let serve = Serve::new(&suite.origin.url, keys);
    let gateway = serve.start().await;
    let mut organizations = Vec::new();
    for _ in 0..5 {
        let organization = Organization::new(&gateway, &keys.admin).await;
        for _ in 0..3 {
            organization.mint(&gateway, &json!({})).await;
        }
        assert_eq!(verified(&gateway, &organization, keys).await.len(), 7);
        organizations.push(organization);
    }
    gateway.stop();
    for sql in ["update audit set actor = 'x'", "delete from audit"] {
        let refused = on_record(&serve.state(), sql).expect_err("append-only");
        assert!(
            refused.contains("the audit log is append-only"),
            "{refused}"
        );
    }
    let of = |index: usize| format!("organization_id = '{}'", organizations[index].id);
    let sql = format!(
        "drop trigger audit_is_append_only_update; drop trigger audit_is_append_only_delete; \
         update audit set content = replace(content, 'admin-token', 'somebody') where {} and sequence = 3; \
         delete from audit where {} and sequence = 4; \
         delete from audit where {} and sequence > 5; \
         update audit set sequence = 99 where {d} and sequence = 5; \
         update audit set sequence = 5 where {d} and sequence = 6; \
         update audit set sequence = 6 where {d} and sequence = 99; \
         delete from audit where {};",
        of(0),
        of(1),
        of(2),
        of(4),
        d = of(3),
    );
    assert_eq!(on_record(&serve.state(), &sql), Ok(()));
    // The Ledgers have copies of all that: each export is whole, and says what D1 lacks.
    let gateway = serve.start().await;
    let missing = |from: u64, to: u64| (from..=to).map(|n| (n, Mended::Missing)).collect();
    let differed = |numbers: &[u64]| numbers.iter().map(|n| (*n, Mended::Differed)).collect();
    let mended: [Vec<(u64, Mended)>; 5] = [
        differed(&[3]),
        missing(4, 4),
        missing(6, 7),
        differed(&[5, 6]),
        missing(1, 7),
    ];
    for (organization, mended) in organizations.iter().zip(mended) {
        let report = audit::check(&export(&gateway, organization).await, keys);
        assert!(report.is_clean(), "{:#?}", report.faults);
        assert_eq!((report.rows, report.mended), (7, mended));
    }
    // A page is what D1 has, and says what on it does not fit.
    let told: [&[(u64, &str)]; 5] = [
        &[(3, "changed")],
        &[(5, "missing")],
        &[],
        &[(6, "renumbered"), (5, "renumbered")],
        &[],
    ];
    for (organization, told) in organizations.iter().zip(told) {
        let page = organization
            .call(&gateway, "GET", "/org/audit")
            .send()
            .await
            .json(200);
        let fault = |fault: &Value| {
            let problem = fault["problem"].as_str().expect("a word").to_owned();
            (fault["sequence"].as_u64().expect("a number"), problem)
        };
        let faults = page["faults"].as_array().expect("a list");
        let found: Vec<(u64, String)> = faults.iter().map(fault).collect();
        let told: Vec<(u64, String)> = told
            .iter()
            .map(|(n, word)| (*n, (*word).to_owned()))
            .collect();
        assert_eq!(found, told, "{page:#}");
    }
    gateway.stop();

    // Without them, as when the log is longer than what a Ledger keeps, the check of an export finds out.
    on_ledgers(&serve.state(), "delete from events");
    let gateway = serve.start().await;
    let rows: [(&[(usize, Problem)], &str); 5] = [
        (&[(3, Problem::Changed { sequence: 3 })], "a changed row"),
        (&[(4, Problem::Missing { from: 4, to: 4 })], "a removed row"),
        (
            &[(
                6,
                Problem::Truncated {
                    last: 5,
                    checkpoint: 7,
                },
            )],
            "a removed end",
        ),
        (
            &[(
                6,
                Problem::Misplaced {
                    sequence: 5,
                    after: 6,
                },
            )],
            "two rows swapped",
        ),
        (
            &[(
                1,
                Problem::Truncated {
                    last: 0,
                    checkpoint: 7,
                },
            )],
            "everything removed",
        ),
    ];
    for (organization, (expected, what)) in organizations.iter().zip(rows) {
        let report = audit::check(&export(&gateway, organization).await, keys);
        let found: Vec<(usize, Problem)> = report
            .faults
            .into_iter()
            .map(|fault| (fault.line, fault.problem))
            .collect();
        assert_eq!(found, expected, "{what}");
    }
    // The list shows what D1 has; it is the export that proves.
    let changed = events(&gateway, &organizations[0], "").await;
    assert!(changed.iter().any(|event| event["actor"] == "somebody"));
    gateway.stop();
}

/// The statement of somebody who writes to D1: a row of this number, before the Ledger brings its own.
fn planting(verb: &str, organization: &str, sequence: u64) -> String {
    let content = json!({ "organization_id": organization, "sequence": sequence });
    format!(
        "{verb} into audit (organization_id, sequence, at, action, actor, token_id, content, previous, link, kid) \
         values ('{organization}', {sequence}, 1, 'token.mint', 'nobody', '', '{content}', '{zeros}', '{zeros}', 'k2')",
        zeros = "0".repeat(64),
    )
}

async fn r35_who_writes_to_d1_swallows_no_event(suite: &Suite) {
    let keys = &suite.keys;
    let serve = Serve::new(&suite.origin.url, keys);
    let mut gateway = serve.start().await;
    let organization = Organization::new(&gateway, &keys.admin).await;
    let other = Organization::new(&gateway, &keys.admin).await;
    let mut living = Vec::new();
    for _ in 0..2 {
        living.push(organization.mint(&gateway, &json!({})).await);
    }
    assert_eq!(verified(&gateway, &organization, keys).await.len(), 6);
    gateway.stop();

    for (sql, why) in [
        (
            planting("insert or replace", &organization.id, 5),
            "the audit log has another row of this number",
        ),
        (
            planting("insert", &random_id(), 1),
            "no Ledger writes such a row",
        ),
        (
            planting("insert", &organization.id, 0),
            "no Ledger writes such a row",
        ),
    ] {
        let refused = on_record(&serve.state(), &sql).expect_err(&sql);
        assert!(refused.contains(why), "{refused}");
    }
    let trigger = "audit_is_append_only_insert";
    // With the trigger, the batch of the Ledger fails; without it, the Ledger sees that its row is not there.
    for without in ["", &format!("drop trigger {trigger};")] {
        let sequence = verified_length(&serve, &organization, keys).await + 1;
        let planted = planting("insert", &organization.id, sequence);
        assert_eq!(
            on_record(&serve.state(), &format!("{without} {planted}")),
            Ok(())
        );
        gateway = serve.start().await;
        let minting = organization.minting(&gateway, &json!({})).send().await;
        minting.problem(503, "unavailable");
        // The rest of the gateway goes on, and revoking there too.
        other.mint(&gateway, &json!({})).await;
        let ended = living.pop().expect("a token for each round");
        organization.revoke(&gateway, &ended.id).await;
        life::assert_dead(&gateway, &ended, "its revoke has answered").await;
        let readiness = gateway.call("GET", "/readyz").send().await.json(503);
        assert_eq!(
            readiness["dependencies"]["audit"], "unavailable",
            "{readiness:#}"
        );
        assert_eq!(
            readiness["dependencies"]["record"], "ready",
            "{readiness:#}"
        );
        let log = serve.log();
        let told = log
            .lines()
            .any(|line| line.contains("audit.conflict") && line.contains(&organization.id));
        assert!(told, "{log}");
        let page = organization
            .call(&gateway, "GET", "/org/audit")
            .send()
            .await
            .json(200);
        let fault = json!({
            "sequence": sequence,
            "problem": "changed",
            "detail": format!("row {sequence} was changed: its link does not fit"),
        });
        assert_eq!(page["faults"], json!([fault]));
        // Nothing is lost: the export has the events that D1 lacks, and says of which it has another.
        let lines = export(&gateway, &organization).await;
        let report = audit::check(&lines, keys);
        assert!(report.is_clean(), "{:#?}", report.faults);
        assert_eq!(
            report.rows,
            sequence + 2,
            "the mint, that it came to nothing, and the revoke"
        );
        // With the trigger, what comes after the planted row waits too.
        let waiting = [
            (sequence, Mended::Differed),
            (sequence + 1, Mended::Missing),
            (sequence + 2, Mended::Missing),
        ];
        let expected = if without.is_empty() {
            &waiting[..]
        } else {
            &waiting[..1]
        };
        assert_eq!(report.mended, expected);
        gateway.stop();

        // The operator takes the row out, and the Ledger brings its own.
        let again = trigger_of("0008", trigger);
        let sql = format!(
            "drop trigger audit_is_append_only_delete; drop trigger if exists {trigger}; \
             delete from audit where organization_id = '{}' and sequence = {sequence}; {} {again}",
            organization.id,
            trigger_of("0001", "audit_is_append_only_delete"),
        );
        assert_eq!(on_record(&serve.state(), &sql), Ok(()));
    }
    gateway = serve.start().await;
    organization.mint(&gateway, &json!({})).await;
    verified(&gateway, &organization, keys).await;
    let page = organization
        .call(&gateway, "GET", "/org/audit")
        .send()
        .await
        .json(200);
    assert_eq!(page["faults"], json!([]));
    let readiness = gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(readiness["dependencies"]["audit"], "ready");
    gateway.stop();
}

/// How many events an organization's log has, once D1 has all of them.
async fn verified_length(serve: &Serve, organization: &Organization, keys: &Keys) -> u64 {
    let gateway = serve.start().await;
    let length = verified(&gateway, organization, keys).await.len();
    gateway.stop();
    length as u64
}

/// The statement that makes a trigger, as the migration with this number has it.
fn trigger_of(migration: &str, name: &str) -> String {
    let folder = postern_system_tests::root().join("migrations");
    let file = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().contains(&format!("/{migration}_")))
        .expect("the migration");
    let text = std::fs::read_to_string(file).expect("text");
    let begin = text
        .find(&format!("create trigger {name} "))
        .expect("the trigger");
    let end = text[begin..].find("end;").expect("its end") + "end;".len();
    text[begin..][..end].to_owned()
}

async fn r35_what_is_no_id_of_a_token_is_not_written_down(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token = organization.mint_for_release(gateway, "opaque").await;
    let long = "x".repeat(7_000);
    for (id, target) in [
        (format!("{long}-pst_looks_like_a_secret"), Value::Null),
        ("pst_looks_like_a_secret".to_owned(), Value::Null),
        (token.id.clone(), json!(format!("token:{}", token.id))),
    ] {
        let path = format!("/org/tokens/{id}/rotate");
        let call = organization.call_as(gateway, &token, "POST", &path);
        let call = call.header("user-agent", &long).json(&json!({}));
        let denied = call.send().await;
        denied.problem(403, "operation_not_allowed");
        let told = events(gateway, &organization, "action=token.mint_refused").await;
        let event = of(&told, &denied);
        assert_eq!(event["target"], target);
        let agent = event["user_agent"].as_str().expect("a user agent");
        assert_eq!(agent.chars().count(), 200);
        assert!(agent.ends_with("x…"), "{agent}");
    }
}

async fn no_log_line_has_a_credential(suite: &Suite) {
    let keys = &suite.keys;
    let gateway = Serve::new(&suite.origin.url, keys).start().await;
    let organization = Organization::new(&gateway, &keys.admin).await;
    let opaque = organization.mint_for_release(&gateway, "opaque").await;
    let jwt = organization.mint_for_release(&gateway, "jwt").await;
    let revoked = organization.mint(&gateway, &json!({})).await;
    organization.revoke(&gateway, &revoked.id).await;
    let forged = forge::opaque(&random_id(), &Keys::random().root());
    let secrets = [
        ("the administrator key", keys.admin.clone()),
        ("an opaque key", opaque.token.clone()),
        ("a JWT", jwt.token.clone()),
        ("a revoked key", revoked.token.clone()),
        ("a forged key", forged),
    ];
    let mut ids = Vec::new();
    for (_, secret) in &secrets {
        let quoted = json!({ "tokens": secret, "name": secret, secret: 1 });
        let calls = [
            // Where they belong, right and wrong.
            organization
                .call(&gateway, "GET", "/org/tokens")
                .without("authorization")
                .bearer(secret),
            gateway
                .call("GET", "/org/tokens")
                .header("authorization", &format!("Basic {secret}")),
            gateway.call("GET", "/orgs").bearer(&format!("{secret}x")),
            life::call(&gateway, 0, secret),
            life::call(&gateway, 0, &format!("{secret}x")),
            gateway
                .call("POST", "/oauth/introspect")
                .bearer(&keys.admin)
                .form(&[("token", secret)]),
            // Where they do not.
            organization.call(&gateway, "GET", &format!("/org/tokens/{secret}")),
            organization
                .call(&gateway, "PATCH", &format!("/orgs/{secret}"))
                .json(&json!({})),
            gateway.call("GET", &format!("/{secret}")),
            gateway.call("GET", &format!("/dashboard/{secret}")),
            gateway.call("POST", &format!("/controlplane.v1.{secret}/Init")),
            organization.call(&gateway, "GET", &format!("/org/tokens?{secret}=1")),
            organization.call(
                &gateway,
                "GET",
                &format!("/org/tokens?project={secret}&cursor={secret}"),
            ),
            organization.call(
                &gateway,
                "GET",
                &format!("/org/audit?actor={secret}&action={secret}"),
            ),
            organization
                .call(&gateway, "GET", "/org/tokens")
                .without("postern-organization")
                .organization(secret),
            organization.minting(&gateway, &quoted),
            organization.minting(&gateway, &json!({ "name": [secret] })),
            organization.minting(&gateway, &json!({ "project": secret })),
            organization.minting(&gateway, &json!({ "policies": [secret] })),
            organization.revoking(&gateway, &json!({ "minted_by": secret })),
            organization
                .call(&gateway, "POST", "/org/projects")
                .json(&json!({ "name": secret })),
            gateway
                .call("POST", "/leaks")
                .json(&json!({ "tokens": secret })),
            gateway.call("POST", "/leaks").json(&quoted),
            gateway
                .call("GET", "/healthz")
                .header("user-agent", secret)
                .header("cookie", secret),
            gateway
                .call("GET", "/healthz")
                .header("traceparent", secret)
                .header("x-request-id", secret),
        ];
        for call in calls {
            let answer = call.send().await;
            if let Some(id) = answer.header("x-request-id") {
                ids.push(id.to_owned());
            }
        }
    }
    for id in &ids {
        gateway.log_line(id).await;
    }
    assert!(ids.len() >= 24 * secrets.len(), "{} lines", ids.len());
    let serve = gateway.serve().clone();
    gateway.stop();
    let log = serve.log();
    let ring = keys.ring();
    let signing = ring.split(',').map(|entry| {
        let (_, key) = entry.split_once(':').expect("a key");
        ("a signing key", key)
    });
    let tokens = secrets
        .iter()
        .map(|(what, secret)| (*what, secret.as_str()));
    for (what, secret) in tokens.chain(signing) {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "the log has {what}");
        // Nor any half of one: the first half of a key is its public part.
        let (_, half) = secret.split_at(secret.len() / 2);
        assert!(!log.contains(half), "the log has half of {what}");
    }
    println!(
        "log: {} requests, no credential in {} bytes",
        ids.len(),
        log.len()
    );
}

async fn a_log_line_tells_who_did_what_and_for_how_long(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token = organization.mint_for_release(gateway, "opaque").await;
    let answer = life::call(gateway, 0, &token.token).send().await;
    answer.accepted();
    let line = gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    for (field, expected) in [
        ("tier", json!("token")),
        ("token_id", json!(token.id)),
        ("token_prefix", token.answer["prefix"].clone()),
        ("organization", json!(organization.name)),
        (
            "operation",
            json!("AttestationService/FindOrCreateWorkflow"),
        ),
        ("outcome", json!("ok")),
        ("status", json!(200)),
        ("origin_status", json!(200)),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    let ms = |field: &str| {
        line[field]
            .as_i64()
            .unwrap_or_else(|| panic!("{field}: {line}"))
    };
    for part in ["credential_ms", "ledger_ms", "origin_ms"] {
        assert!((0..=ms("ms")).contains(&ms(part)), "{part}: {line}");
    }
    let call = organization
        .call(gateway, "GET", "/org/audit")
        .header("accept", NDJSON);
    let answer = call.send().await;
    let line = gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    assert_eq!(line["operation"], "audit.read");
    assert_eq!(line["organization"], organization.name);
    assert_eq!(line["tier"], "admin");
    let answer = life::call(gateway, 0, &format!("{}x", token.token))
        .send()
        .await;
    answer.refused(16, "Token is invalid");
    let line = gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    assert_eq!(
        (&line["outcome"], &line["grpc_status"]),
        (&json!("credential_malformed"), &json!(16))
    );
    assert!(
        line["cause"].is_string() && line["tier"].is_null(),
        "{line}"
    );
}
