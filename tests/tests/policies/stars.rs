//! Tokens that were given a whole resource (R18), and the creators that lists show (R21).

use std::collections::BTreeSet;

use postern_system_tests::cases;
use postern_system_tests::life::{assert_dead, assert_live, millis};
use postern_system_tests::organization::{Minted, RELEASE, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{FORMATS, ids, snapshot};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r18_org_api_token_star_manages_organization_tokens_and_no_others,
        r18_both_stars_manage_everything_but_system_tokens,
        r21_each_token_names_its_minter_as_lists_show_it,
    ]
}

async fn r18_org_api_token_star_manages_organization_tokens_and_no_others(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let given = json!({ "format": format, "policies": ["org_api_token:*"] });
        let manager = organization.mint(gateway, &given).await;
        let peer = organization.mint(gateway, &json!({})).await;
        let project = organization
            .mint(gateway, &json!({ "project": SHOP }))
            .await;

        let child = json!({ "name": "child", "policies": ["org_api_token:*"], "format": format });
        let child = organization.mint_as(gateway, &manager, &child).await;
        assert_eq!(child.answer["project"], Value::Null);
        assert_live(gateway, &child, "just minted").await;
        let all = ids([&manager, &peer, &child]);
        for query in ["", "scope=organization", "include_system=true"] {
            assert_eq!(
                organization.token_ids_as(gateway, &manager, query).await,
                all,
                "`{query}`"
            );
        }
        for query in ["scope=project", "scope=workflow", "project=shop"] {
            assert_eq!(
                organization.token_ids_as(gateway, &manager, query).await,
                BTreeSet::new(),
                "`{query}`"
            );
        }
        for token in [&manager, &peer, &child] {
            let path = format!("/org/tokens/{}", token.id);
            let call = organization.call_as(gateway, &manager, "GET", &path);
            assert_eq!(id(&call.send().await.json(200)), token.id);
        }

        let before = snapshot(suite, &organization).await;
        for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/rotate")] {
            let path = format!("/org/tokens/{}{rest}", project.id);
            let call = organization.call_as(gateway, &manager, method, &path);
            call.send().await.problem(403, "operation_not_allowed");
        }
        for body in [
            json!({ "project": SHOP }),
            json!({ "project": SHOP, "policies": [] }),
        ] {
            let call = organization.minting_as(gateway, &manager, &body);
            call.send().await.problem(403, "operation_not_allowed");
        }
        assert_eq!(snapshot(suite, &organization).await, before);

        let path = format!("/org/tokens/{}/rotate", child.id);
        let rotate = organization.call_as(gateway, &manager, "POST", &path);
        let next = Minted::of(rotate.send().await.json(201));
        assert_dead(gateway, &child, "rotated").await;
        let path = format!("/org/tokens/{}", peer.id);
        let revoke = organization.call_as(gateway, &manager, "DELETE", &path);
        revoke.send().await.json(200);
        assert_dead(gateway, &peer, "revoked").await;
        let path = format!("/org/tokens/{}", manager.id);
        let revoke = organization.call_as(gateway, &next, "DELETE", &path);
        revoke.send().await.json(200);
        assert_dead(gateway, &manager, "revoked by what it minted").await;
        assert_live(gateway, &next, "the last one").await;
        assert_live(gateway, &project, "out of reach").await;
    }
}

async fn r18_both_stars_manage_everything_but_system_tokens(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let stars = json!({ "policies": ["org_api_token:*", "project_api_token:*"] });
    let manager = organization.mint(gateway, &stars).await;
    let project = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let system = organization.mint(gateway, &json!({ "system": true })).await;
    let wide = organization.mint_as(gateway, &manager, &json!({})).await;
    let narrow = organization
        .mint_as(gateway, &manager, &json!({ "project": SHOP }))
        .await;
    for query in ["", "include_system=true", "status=all&include_system=true"] {
        assert_eq!(
            organization.token_ids_as(gateway, &manager, query).await,
            ids([&manager, &project, &wide, &narrow]),
            "`{query}`"
        );
    }
    for scope in [
        json!({ "system": true }),
        json!({ "system": true, "project": SHOP }),
    ] {
        let call = organization.minting_as(gateway, &manager, &scope);
        let problem = call.send().await.problem(403, "system_token");
        assert_eq!(
            problem["detail"],
            "only an administrator can create, change or revoke a system token"
        );
    }
    for token in [&project, &wide] {
        let path = format!("/org/tokens/{}", token.id);
        let call = organization.call_as(gateway, &manager, "DELETE", &path);
        call.send().await.json(200);
        assert_dead(gateway, token, "revoked").await;
    }
    assert_eq!(
        organization.token_ids(gateway, "include_system=true").await,
        ids([&manager, &narrow, &system])
    );
}

async fn r21_each_token_names_its_minter_as_lists_show_it(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let both = json!(["org_api_token:*", "project_api_token:*"]);
    let mut minter: Option<Minted> = None;
    let mut chain = Vec::new();
    for format in ["opaque", "jwt", "jwt", "opaque"] {
        let body = json!({ "format": format, "policies": both });
        let next = match &minter {
            None => organization.mint(gateway, &body).await,
            Some(minter) => organization.mint_as(gateway, minter, &body).await,
        };
        let by = minter.replace(next.clone());
        chain.push((next, by));
    }
    let last = minter.expect("four");
    let leaf = organization
        .mint_as(
            gateway,
            &last,
            &json!({ "project": SHOP, "workflow": RELEASE }),
        )
        .await;
    chain.push((leaf, Some(last)));

    let rows = organization.tokens(gateway, "").await;
    assert_eq!(rows.len(), chain.len());
    let row = |token: &Minted| {
        let found = rows.iter().find(|row| id(row) == token.id);
        found.expect("listed").clone()
    };
    for (token, by) in &chain {
        let listed = row(token);
        assert_eq!(listed["created_by"], token.answer["created_by"]);
        assert_eq!(listed["prefix"], token.answer["prefix"]);
        match by {
            None => {
                assert_eq!(listed["created_by"], "admin-token");
                assert_eq!(listed["minted_by"], Value::Null);
            }
            Some(by) => {
                let prefix = row(by)["prefix"].as_str().expect("a prefix").to_owned();
                assert_eq!(listed["created_by"], format!("org-token:{prefix}"));
                assert_eq!(listed["minted_by"], by.id);
                assert_eq!(
                    organization
                        .token_ids(gateway, &format!("minted_by={}", by.id))
                        .await,
                    ids([token])
                );
            }
        }
        assert!(millis(&listed["created_at"]) > 0);
    }
}
