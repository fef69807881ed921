//! Who may revoke what, what a dry run tells, and selectors that are wrong.

use postern_system_tests::life::{accepted, assert_dead, assert_live};
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, random_name};
use serde_json::{Value, json};

use crate::support::{REVOKE, dies, ids, listed, living};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r11_bulk_ends_an_overlap,
        r11_bulk_that_matches_nothing,
        r11_bulk_dry_run_tells_what_would_break,
        r16_bulk_by_an_organization_token_reaches_project_tokens_only,
        r18_bulk_by_org_api_token_star_reaches_organization_tokens_only,
        r10_bulk_by_the_administrator_reaches_system_tokens,
        r11_bulk_selectors_that_are_wrong,
    ]
}

async fn r11_bulk_ends_an_overlap(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let old = organization.mint_for_release(gateway, "jwt").await;
    let new = organization
        .rotate(gateway, &old.id, &json!({ "overlap": "1h" }))
        .await;
    let rotated = organization.mint_for_release(gateway, "opaque").await;
    let last = organization.rotate(gateway, &rotated.id, &json!({})).await;
    let selector = json!({ "ids": [old.id, rotated.id] });
    // The one rotated without overlap has ended already, and is not among them.
    dies(
        suite,
        &organization,
        None,
        &selector,
        &[&old, &new, &last],
        &[&old],
    )
    .await;
    assert_dead(gateway, &rotated, "rotated").await;
}

async fn r11_bulk_that_matches_nothing(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let thousand: Vec<String> = (0..1_000).map(|_| random_id()).collect();
    let selectors = [
        json!({ "ids": [random_id()] }),
        json!({ "ids": thousand }),
        json!({ "minted_by": random_id() }),
        json!({ "project": SHOP }),
        json!({ "created_before": "2020-01-01T00:00:00Z" }),
        json!({ "created_after": "2099-01-01T00:00:00Z" }),
        json!({ "created_from": "192.0.2.1" }),
    ];
    // An organization that has never minted, and one that has.
    for _ in 0..2 {
        for selector in &selectors {
            for dry_run in [true, false] {
                let mut selector = selector.clone();
                selector["dry_run"] = json!(dry_run);
                let answer = organization.revoking(gateway, &selector).send().await;
                assert_eq!(
                    answer.json(200),
                    json!({ "dry_run": dry_run, "matched": 0, "used_in_last_day": 0, "ids": [],
                        "tokens": [], "projects": [], "revoked_at": null })
                );
            }
        }
        let token = organization.mint(gateway, &json!({})).await;
        assert_live(gateway, &token, "nothing matched").await;
    }
    assert_eq!(living(gateway, &organization).await.len(), 2);
}

async fn r11_bulk_dry_run_tells_what_would_break(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut tokens = Vec::new();
    for format in ["opaque", "jwt", "opaque", "jwt", "opaque"] {
        tokens.push(organization.mint_for_release(gateway, format).await);
    }
    let used = organization.mint(gateway, &json!({})).await;
    assert_live(gateway, &used, "not in the project").await;
    assert_live(gateway, &tokens[1], "one").await;
    assert!(accepted(gateway, 2, &tokens[4].token).await);
    let before = organization.token_ids(gateway, "").await;
    for round in 0..3 {
        let dry = json!({ "project": SHOP, "dry_run": true });
        let told = organization.revoking(gateway, &dry).send().await.json(200);
        assert_eq!(
            (
                &told["matched"],
                &told["used_in_last_day"],
                &told["revoked_at"]
            ),
            (&json!(5), &json!(2), &Value::Null),
            "{round}"
        );
        assert_eq!(listed(&told["ids"]), ids(&tokens));
    }
    assert_eq!(organization.token_ids(gateway, "").await, before);
    for token in &tokens {
        assert_live(gateway, token, "a dry run").await;
        let row = organization.token(gateway, &token.id).await;
        assert_eq!(row["revoked_at"], Value::Null);
    }
}

async fn r16_bulk_by_an_organization_token_reaches_project_tokens_only(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let theirs = stranger.mint(gateway, &json!({ "project": SHOP })).await;
    for format in ["opaque", "jwt"] {
        let caller = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        let mint = async |body: Value| organization.mint(gateway, &body).await;
        let peer = mint(json!({})).await;
        let system = mint(json!({ "system": true })).await;
        let system_of_project = mint(json!({ "system": true, "project": SHOP })).await;
        let project = mint(json!({ "project": SHOP })).await;
        let workflow = mint(json!({ "project": SHOP, "workflow": RELEASE, "format": "jwt" })).await;
        let spared = mint(json!({ "project": SHOP })).await;
        let all = [
            &caller,
            &peer,
            &system,
            &system_of_project,
            &project,
            &workflow,
            &spared,
        ];
        let named: Vec<_> = all
            .iter()
            .filter(|token| token.id != spared.id)
            .map(|token| token.id.clone())
            .chain([theirs.id.clone()])
            .collect();
        dies(
            suite,
            &organization,
            Some(&caller),
            &json!({ "ids": named }),
            &all,
            &[&project, &workflow],
        )
        .await;
        // Everything there is, as far as it reaches.
        let ever = json!({ "created_after": "2020-01-01T00:00:00Z" });
        dies(suite, &organization, Some(&caller), &ever, &all, &[&spared]).await;
        let minted = organization
            .mint_as(gateway, &caller, &json!({ "project": SHOP }))
            .await;
        dies(
            suite,
            &organization,
            Some(&peer),
            &json!({ "minted_by": caller.id }),
            &[&caller, &peer, &system_of_project],
            &[&minted],
        )
        .await;
        for selector in [
            json!({ "ids": [caller.id] }),
            json!({ "ids": [system.id, system_of_project.id, peer.id] }),
        ] {
            dies(suite, &organization, Some(&caller), &selector, &all, &[]).await;
        }
    }
    assert_live(gateway, &theirs, "of another organization").await;
}

async fn r18_bulk_by_org_api_token_star_reaches_organization_tokens_only(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(gateway, &body).await;
    let caller = mint(json!({ "policies": ["org_api_token:*"] })).await;
    let peer = mint(json!({})).await;
    let system = mint(json!({ "system": true })).await;
    let project = mint(json!({ "project": SHOP })).await;
    let all = [&caller, &peer, &system, &project];
    let selector = json!({ "ids": [peer.id, system.id, project.id] });
    dies(
        suite,
        &organization,
        Some(&caller),
        &selector,
        &all,
        &[&peer],
    )
    .await;
    let none =
        mint(json!({ "policies": ["org_api_token:list", "project_api_token:create"] })).await;
    let call = organization.call_as(gateway, &none, "POST", REVOKE);
    let call = call.json(&json!({ "project": SHOP }));
    call.send().await.problem(403, "operation_not_allowed");
    assert_live(gateway, &project, "refused").await;
}

async fn r10_bulk_by_the_administrator_reaches_system_tokens(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let plain = organization.mint(gateway, &json!({})).await;
    let system = organization.mint(gateway, &json!({ "system": true })).await;
    let other = json!({ "system": true, "project": SHOP });
    let other = organization.mint(gateway, &other).await;
    let selector = json!({ "ids": [system.id] });
    dies(
        suite,
        &organization,
        None,
        &selector,
        &[&plain, &system, &other],
        &[&system],
    )
    .await;
}

async fn r11_bulk_selectors_that_are_wrong(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    stranger.create_project(gateway, "theirs").await;
    let token = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let manager = organization.mint(gateway, &json!({})).await;
    let before = organization.snapshot(gateway).await;
    let many: Vec<String> = (0..1_001).map(|_| random_id()).collect();
    let rows = [
        (json!({}), 400, "selector_empty"),
        (json!({ "dry_run": true }), 400, "selector_empty"),
        (json!({ "never_used": false }), 400, "selector_empty"),
        (
            json!({ "ids": null, "project": null }),
            400,
            "selector_empty",
        ),
        (json!({ "ids": [] }), 400, "ids_invalid"),
        (json!({ "ids": many }), 400, "ids_invalid"),
        (json!({ "ids": ["x"] }), 400, "token_id_invalid"),
        (json!({ "ids": [token.id, ""] }), 400, "token_id_invalid"),
        (
            json!({ "ids": [token.id.replace('-', "")] }),
            400,
            "token_id_invalid",
        ),
        (json!({ "ids": [token.token] }), 400, "token_id_invalid"),
        (json!({ "ids": token.id }), 400, "body_invalid"),
        (json!({ "ids": [7] }), 400, "body_invalid"),
        (json!({ "minted_by": "x" }), 400, "token_id_invalid"),
        (
            json!({ "minted_by": "org-token:pst_01234567" }),
            400,
            "token_id_invalid",
        ),
        (
            json!({ "created_after": "yesterday" }),
            400,
            "moment_invalid",
        ),
        (
            json!({ "created_after": "2026-01-01" }),
            400,
            "moment_invalid",
        ),
        (json!({ "created_before": "" }), 400, "moment_invalid"),
        (
            json!({ "created_before": "2026-01-01T00:00:00" }),
            400,
            "moment_invalid",
        ),
        (
            json!({ "created_before": 1_700_000_000 }),
            400,
            "body_invalid",
        ),
        (json!({ "created_from": "" }), 400, "address_invalid"),
        (json!({ "created_from": "192.0.2" }), 400, "address_invalid"),
        (
            json!({ "created_from": "192.0.2.0/24" }),
            400,
            "address_invalid",
        ),
        (
            json!({ "created_from": "192.0.2.1, 192.0.2.2" }),
            400,
            "address_invalid",
        ),
        (
            json!({ "created_from": "localhost" }),
            400,
            "address_invalid",
        ),
        (json!({ "project": "nowhere" }), 404, "not_found"),
        (json!({ "project": "theirs" }), 404, "not_found"),
        (json!({ "project": "" }), 404, "not_found"),
        (json!({ "never_used": "yes" }), 400, "body_invalid"),
        (
            json!({ "project": SHOP, "dry_run": "no" }),
            400,
            "body_invalid",
        ),
        (
            json!({ "project": SHOP, "dryrun": true }),
            400,
            "body_invalid",
        ),
        (
            json!({ "project": SHOP, "workflow": RELEASE }),
            400,
            "body_invalid",
        ),
        (json!({ "id": token.id }), 400, "body_invalid"),
        (json!([token.id]), 400, "body_invalid"),
    ];
    for (selector, status, code) in rows {
        let answers = [
            organization.revoking(gateway, &selector).send().await,
            organization
                .call_as(gateway, &manager, "POST", REVOKE)
                .json(&selector)
                .send()
                .await,
        ];
        for answer in answers {
            answer.problem(status, code);
        }
    }
    let empty = organization.call(gateway, "POST", REVOKE);
    empty.send().await.problem(400, "body_invalid");
    let text = organization.call(gateway, "POST", REVOKE);
    let text = text.header("content-type", "text/plain");
    let text = text.body(json!({ "project": SHOP }).to_string());
    text.send().await.problem(415, "unsupported_media_type");
    let nobody = gateway
        .call("POST", REVOKE)
        .json(&json!({ "project": SHOP }));
    nobody.send().await.problem(401, "credential_missing");
    let unnamed = gateway.call("POST", REVOKE).bearer(&suite.keys.admin);
    let unnamed = unnamed.json(&json!({ "created_after": "2020-01-01T00:00:00Z" }));
    unnamed.send().await.problem(400, "organization_required");
    let unknown = gateway.call("POST", REVOKE).bearer(&suite.keys.admin);
    let unknown = unknown.organization(&random_name("none"));
    let unknown = unknown.json(&json!({ "created_after": "2020-01-01T00:00:00Z" }));
    unknown.send().await.problem(404, "not_found");
    assert_eq!(organization.snapshot(gateway).await, before);
    assert_live(gateway, &token, "nothing revoked it").await;
}
