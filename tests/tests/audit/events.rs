//! Every management write is an event, and nothing else is written down.

use std::collections::BTreeSet;

use postern_system_tests::audit::{events, verified};
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address};
use serde_json::{Value, json};

use crate::support::of;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r35_every_management_write_is_an_event,
        r35_what_is_no_id_of_a_token_is_not_written_down,
    ]
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
    let told = json!({ "mint_ceiling": 7, "mint_ceiling.before": null, "max_idle_days": 30, "max_idle_days.before": 0 });
    assert_eq!(of(&listed, &changed)["changes"], told);
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
