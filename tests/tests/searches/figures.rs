//! The overview, what a bulk revoke tells of its tokens, and searches of the audit log.

use postern_system_tests::audit::events;
use postern_system_tests::cases;
use postern_system_tests::life;
use postern_system_tests::organization::{Minted, RELEASE, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r50_an_overview_counts_what_lists_show,
        r48_a_dry_run_tells_what_would_be_revoked,
        r48_the_audit_log_is_searched_by_names,
        r10_system_tokens_are_hidden_from_readers_of_the_log,
    ]
}

async fn r50_an_overview_counts_what_lists_show(suite: &Suite) {
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(&suite.gateway, &body).await;
    mint(json!({ "name": "a", "expires_in": "1d" })).await;
    mint(json!({ "name": "b", "project": SHOP })).await;
    mint(json!({ "name": "c", "system": true })).await;
    let reader = mint(json!({ "name": "d", "expires_in": "60d" })).await;
    let gone = mint(json!({ "name": "e" })).await;
    organization.revoke(&suite.gateway, &gone.id).await;
    // The log has what it counts.
    events(&suite.gateway, &organization, "").await;
    let seen = organization
        .call(&suite.gateway, "GET", "/org/overview")
        .send()
        .await
        .json(200);
    let expected = json!({
        "active": 3, "expiring": 1, "never_expire": 1, "unused": 0, "quarantined": 0, "created_today": 4,
        "more": false,
    });
    // At midnight those of a moment ago are of yesterday.
    let mut tokens = seen["tokens"].clone();
    if tokens["created_today"] == 0 {
        tokens["created_today"] = json!(4);
    }
    assert_eq!(tokens, expected);
    assert_eq!(seen["ceiling"], Value::Null);
    let hours = seen["mints_by_hour"].as_array().expect("hours");
    let created: u64 = hours
        .iter()
        .filter_map(|hour| hour["created"].as_u64())
        .sum();
    // The revoked one too, and no system token; as a list of all has them.
    assert_eq!((hours.len(), created), (48, 4));
    let call = organization.call(&suite.gateway, "GET", "/org/tokens?status=all");
    let all = call.send().await.json(200);
    assert_eq!(all["tokens"].as_array().map(Vec::len), Some(4));
    let own = organization.call_as(&suite.gateway, &reader, "GET", "/org/overview");
    let own = own.send().await.json(200);
    assert_eq!(
        (&own["tokens"]["active"], &own["mints_by_hour"]),
        (&json!(1), &Value::Null)
    );
}

async fn r48_a_dry_run_tells_what_would_be_revoked(suite: &Suite) {
    let organization = suite.organization().await;
    let minter = organization
        .mint(&suite.gateway, &json!({ "name": "minter" }))
        .await;
    let mint = async |body: Value| organization.mint_as(&suite.gateway, &minter, &body).await;
    let idle = mint(json!({ "name": "idle", "project": SHOP, "policies": [] })).await;
    let used =
        mint(json!({ "name": "used", "project": SHOP, "workflow": RELEASE, "policies": [] })).await;
    life::assert_live(&suite.gateway, &used, "before").await;
    // Uses are written within seconds.
    for _ in 0..60 {
        if organization.token(&suite.gateway, &used.id).await["uses"] != 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    for dry_run in [true, false] {
        let selector = json!({ "minted_by": minter.id, "dry_run": dry_run });
        let told = organization
            .revoking(&suite.gateway, &selector)
            .send()
            .await
            .json(200);
        let tokens = told["tokens"].as_array().expect("tokens");
        assert_eq!(
            tokens.iter().map(id).collect::<Vec<_>>(),
            [used.id.clone(), idle.id.clone()]
        );
        let first = &tokens[0];
        assert_eq!(
            (&first["name"], &first["scope"]),
            (&json!("used"), &json!("workflow"))
        );
        assert_eq!(first["workflow"]["name"], RELEASE);
        assert_eq!(first["creator_name"], "minter");
        assert_eq!(first["prefix"], used.answer["prefix"]);
        assert!(first["uses_since_yesterday"].as_u64() > Some(0), "{first}");
        assert_eq!(tokens[1]["last_used_at"], Value::Null);
        assert_eq!(told["projects"], json!([{ "name": SHOP, "count": 2 }]));
        assert_eq!(told["matched"], 2);
    }
}

async fn r48_the_audit_log_is_searched_by_names(suite: &Suite) {
    let organization = suite.organization().await;
    let minter = organization
        .mint(&suite.gateway, &json!({ "name": "night minter" }))
        .await;
    let body = json!({ "name": "nightly", "project": SHOP, "policies": [] });
    let child = organization.mint_as(&suite.gateway, &minter, &body).await;
    organization.revoke(&suite.gateway, &child.id).await;
    let prefix = |token: &Minted| {
        token.answer["prefix"]
            .as_str()
            .expect("a prefix")
            .to_owned()
    };
    let actions = async |query: String| -> Vec<Value> {
        let list = events(&suite.gateway, &organization, &query).await;
        list.iter().map(|event| event["action"].clone()).collect()
    };
    let both = [json!("token.revoke"), json!("token.mint")];
    for token in [child.id.clone(), prefix(&child), "nightly".to_owned()] {
        assert_eq!(actions(format!("token={token}")).await, both, "{token}");
    }
    for actor in [
        prefix(&minter),
        minter.id.clone(),
        "night%20minter".to_owned(),
        format!("org-token:{}", prefix(&minter)),
    ] {
        assert_eq!(
            actions(format!("actor={actor}")).await,
            both[1..],
            "{actor}"
        );
    }
    let by = events(
        &suite.gateway,
        &organization,
        &format!("actor={}", prefix(&minter)),
    )
    .await;
    assert_eq!(
        (&by[0]["token_name"], &by[0]["actor_name"]),
        (&json!("nightly"), &json!("night minter"))
    );
    assert_eq!(
        (&by[0]["token_project"], &by[0]["token_workflow"]),
        (&json!(SHOP), &Value::Null)
    );
    // By the address and the request that an event shows.
    let revoked = events(&suite.gateway, &organization, "action=token.revoke").await;
    let text = |member: &str| revoked[0][member].as_str().expect(member).to_owned();
    let of_address = actions(format!("address={}", text("address"))).await;
    assert!(of_address.contains(&both[0]), "{of_address:?}");
    assert_eq!(
        actions(format!("request_id={}", text("request_id"))).await,
        both[..1]
    );
    assert_eq!(
        actions("address=203.0.113.77".to_owned()).await,
        Vec::<Value>::new()
    );
    let unknown = organization.call(&suite.gateway, "GET", "/org/audit?token=nobody");
    unknown.send().await.problem(404, "not_found");
}

async fn r10_system_tokens_are_hidden_from_readers_of_the_log(suite: &Suite) {
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(&suite.gateway, &body).await;
    let reader = mint(json!({ "name": "reader", "policies": ["audit:read"] })).await;
    let daemon = mint(json!({ "name": "daemon", "system": true })).await;
    let path = format!("/org/tokens/{}", daemon.id);
    let described = json!({ "description": "of the daemon" });
    let edit = organization.call(&suite.gateway, "PATCH", &path);
    edit.json(&described).send().await.json(200);
    // The log has them.
    events(&suite.gateway, &organization, "").await;
    for path in [
        "/org/audit?token=daemon".to_owned(),
        "/org/audit?actor=daemon".to_owned(),
        format!("/org/activity?token={}", daemon.id),
    ] {
        let own = organization.call_as(&suite.gateway, &reader, "GET", &path);
        own.send().await.problem(404, "not_found");
    }
    for path in [
        "/org/audit?token=daemon".to_owned(),
        format!("/org/activity?token={}", daemon.id),
    ] {
        let call = organization.call(&suite.gateway, "GET", &path);
        call.send().await.json(200);
    }
    let own = organization.call_as(&suite.gateway, &reader, "GET", "/org/audit");
    let seen = own.send().await.json(200).to_string();
    assert!(!seen.contains("daemon"), "{seen}");
}
