//! Refused mints are bounded, and checkpoints are signed.

use std::collections::BTreeSet;
use std::slice;

use postern_domain::audit::verify::Problem;
use postern_system_tests::audit::{self, events, export, verified};
use postern_system_tests::cases;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::ledgers::{on_ledgers, on_record};
use postern_system_tests::life;
use postern_system_tests::organization::{Organization, SHOP, fields};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{checkpoints, content, of};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r35_refused_mints_are_written_down_and_bounded,
        r35_checkpoints_are_signed_daily_and_on_demand,
    ]
}

fn hour() -> i64 {
    life::now() / 3_600_000
}

async fn r35_refused_mints_are_written_down_and_bounded(suite: &Suite) {
    let keys = &suite.keys;
    let serve = suite.serve().set("MINT_PER_HOUR", "3");
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

async fn r35_checkpoints_are_signed_daily_and_on_demand(suite: &Suite) {
    let keys = &suite.keys;
    let serve = suite.serve();
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
