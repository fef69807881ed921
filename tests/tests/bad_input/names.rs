//! Names that are taken, and mints at the same time that want one name or the last place.

use std::time::Duration;

use postern_system_tests::cases;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Organization, RELEASE, SHOP, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::refuse_all;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        names_that_are_taken,
        mints_at_the_same_time_cannot_take_one_name_twice,
        r27_mints_at_the_same_time_cannot_pass_the_ceiling,
    ]
}

async fn names_that_are_taken(suite: &Suite) {
    let organization = suite.organization().await;
    organization
        .mint(&suite.gateway, &json!({ "name": "mine" }))
        .await;
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let call =
        |path: &str, body: Value| organization.call(&suite.gateway, "POST", path).json(&body);
    let rows = vec![
        (
            "organization",
            call("/orgs", json!({ "name": organization.name })),
            409,
            "name_taken",
        ),
        (
            "organization's id",
            call("/orgs", json!({ "name": "fresh", "id": organization.id })),
            409,
            "id_taken",
        ),
        (
            "project",
            call("/org/projects", json!({ "name": SHOP })),
            409,
            "name_taken",
        ),
        (
            "project's id",
            call(
                "/org/projects",
                json!({ "name": "fresh", "id": organization.shop }),
            ),
            409,
            "id_taken",
        ),
        (
            "workflow",
            call(&workflows, json!({ "name": RELEASE })),
            409,
            "name_taken",
        ),
        (
            "workflow's id",
            call(
                &workflows,
                json!({ "name": "fresh", "id": organization.release }),
            ),
            409,
            "id_taken",
        ),
        (
            "token",
            call("/org/tokens", json!({ "name": "mine" })),
            409,
            "name_taken",
        ),
        (
            "token of the other format",
            call("/org/tokens", json!({ "name": "mine", "format": "jwt" })),
            409,
            "name_taken",
        ),
    ];
    refuse_all(suite, &organization, rows).await;
}

/// Sends all at once, over both isolates.
async fn at_once(
    suite: &Suite,
    organization: &Organization,
    count: u16,
    body: impl Fn(u16) -> Value,
) -> Vec<Answer> {
    let calls: Vec<_> = (0..count)
        .map(|index| {
            let call = organization
                .call_on(&suite.gateway, index % 2, "POST", "/org/tokens")
                .json(&body(index));
            tokio::spawn(call.send())
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.expect("an answer"));
    }
    answers
}

async fn mints_at_the_same_time_cannot_take_one_name_twice(suite: &Suite) {
    let organization = suite.organization().await;
    let answers = at_once(suite, &organization, 12, |_| json!({ "name": "one" })).await;
    let minted: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| id(&answer.json(201)))
        .collect();
    assert_eq!(minted.len(), 1, "{minted:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "name_taken");
    }
    assert_eq!(
        organization.token_ids(&suite.gateway, "status=all").await,
        minted.into_iter().collect()
    );
}

async fn r27_mints_at_the_same_time_cannot_pass_the_ceiling(suite: &Suite) {
    let organization = Organization::with(
        &suite.gateway,
        &suite.keys.admin,
        &json!({ "mint_ceiling": 5 }),
    )
    .await;
    let answers = at_once(
        suite,
        &organization,
        20,
        |index| json!({ "format": if index % 2 == 0 { "opaque" } else { "jwt" } }),
    )
    .await;
    let minted: Vec<Value> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json(201))
        .collect();
    assert_eq!(minted.len(), 5, "of 20 at once");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let problem = answer.problem(429, "mint_ceiling_reached");
        let told = "the organization has reached its limit of 5 active tokens: revoke one, let one expire, or raise the limit";
        assert_eq!(problem["detail"], told);
    }
    let ids = minted.iter().map(id).collect();
    assert_eq!(
        organization.token_ids(&suite.gateway, "status=all").await,
        ids,
        "only what was answered exists"
    );
    for token in &minted {
        let token = token["token"].as_str().expect("the plaintext");
        rpc::call(
            &suite.gateway,
            FIND_OR_CREATE,
            token,
            &rpc::names(SHOP, RELEASE),
        )
        .send()
        .await
        .accepted();
    }
    // Only live tokens count: a revoked one makes room for one, and an expired one too.
    organization.revoke(&suite.gateway, &id(&minted[0])).await;
    organization
        .mint(&suite.gateway, &json!({ "expires_in": "3s" }))
        .await;
    organization
        .minting(&suite.gateway, &json!({}))
        .send()
        .await
        .problem(429, "mint_ceiling_reached");
    tokio::time::sleep(Duration::from_millis(3_200)).await;
    organization.mint(&suite.gateway, &json!({})).await;
    organization
        .minting(&suite.gateway, &json!({}))
        .send()
        .await
        .problem(429, "mint_ceiling_reached");
}
