//! No mint hands on more than its minter holds (R18).

use std::collections::BTreeSet;

use postern_system_tests::cases;
use postern_system_tests::life::{assert_dead, assert_live};
use postern_system_tests::organization::{Minted, RELEASE, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{FORMATS, ids, policies, set};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r18_a_mint_names_only_policies_that_its_minter_holds,
        r18_default_policies_are_those_that_the_minter_holds,
        r18_a_mint_lives_no_longer_than_its_minter,
        r18_no_chain_of_mints_widens,
    ]
}

async fn r18_a_mint_names_only_policies_that_its_minter_holds(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let default = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        let starred =
            json!({ "format": format, "policies": ["project_api_token:*", "workflow:read"] });
        let starred = organization.mint(gateway, &starred).await;
        let rows: [(&Minted, &[&str], Option<&str>); 10] = [
            (
                &default,
                &["cas_backend:update"],
                Some("cas_backend:update"),
            ),
            (
                &default,
                &["org_api_token:create"],
                Some("org_api_token:create"),
            ),
            (
                &default,
                &["project_api_token:*"],
                Some("project_api_token:*"),
            ),
            (
                &default,
                &["workflow:read", "workflow:delete"],
                Some("workflow:delete"),
            ),
            (
                &default,
                &["project_api_token:create", "workflow:read"],
                None,
            ),
            (&default, &[], None),
            (&starred, &["workflow:list"], Some("workflow:list")),
            (&starred, &["workflow:*"], Some("workflow:*")),
            (&starred, &["project_api_token:*", "workflow:read"], None),
            (&starred, &["project_api_token:revoke"], None),
        ];
        let before = organization.token_ids(gateway, "status=all").await;
        let mut made = before.clone();
        for (minter, named, missing) in rows {
            let body = json!({ "project": SHOP, "policies": named });
            let answer = organization.minting_as(gateway, minter, &body).send().await;
            match missing {
                Some(policy) => {
                    let problem = answer.problem(403, "policy_not_held");
                    assert_eq!(
                        problem["detail"],
                        format!(
                            "a token cannot hand out a policy that it does not hold: `{policy}`"
                        )
                    );
                }
                None => {
                    let minted = answer.json(201);
                    assert_eq!(policies(&minted), set(named.iter().copied()));
                    made.insert(id(&minted));
                }
            }
        }
        assert_eq!(
            organization.token_ids(gateway, "status=all").await,
            made,
            "refused mints made nothing"
        );
    }
}

async fn r18_default_policies_are_those_that_the_minter_holds(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let defaults = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let defaults = policies(&defaults.answer);
    let wide_defaults = policies(&organization.mint(gateway, &json!({})).await.answer);
    assert!(
        defaults.is_subset(&wide_defaults) && defaults.len() < wide_defaults.len(),
        "{wide_defaults:?}"
    );
    let rows: [(Value, Value, BTreeSet<String>); 6] = [
        (json!(null), json!({ "project": SHOP }), defaults.clone()),
        (
            json!([
                "project_api_token:create",
                "workflow:read",
                "cas_backend:update"
            ]),
            json!({ "project": SHOP }),
            set(["workflow:read"]),
        ),
        (
            json!(["project_api_token:*", "workflow:*"]),
            json!({ "project": SHOP, "workflow": RELEASE }),
            set(["workflow:read", "workflow:list", "workflow:create"]),
        ),
        (
            json!(["project_api_token:create"]),
            json!({ "project": SHOP }),
            set([]),
        ),
        (json!(["org_api_token:*"]), json!({}), set([])),
        (
            json!([
                "org_api_token:create",
                "project_api_token:*",
                "referrer:read"
            ]),
            json!({}),
            set([
                "project_api_token:create",
                "project_api_token:list",
                "project_api_token:revoke",
                "referrer:read",
            ]),
        ),
    ];
    for (held, wish, expected) in rows {
        let body = if held.is_null() {
            json!({})
        } else {
            json!({ "policies": held })
        };
        let minter = organization.mint(gateway, &body).await;
        let minted = organization.mint_as(gateway, &minter, &wish).await;
        assert_eq!(policies(&minted.answer), expected, "{held} mints {wish}");
        let row = organization.token(gateway, &minted.id).await;
        assert_eq!(policies(&row), expected, "as the list shows it");
    }
}

async fn r18_a_mint_lives_no_longer_than_its_minter(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let minter = json!({ "format": format, "expires_at": "2099-01-01T00:00:00Z" });
        let minter = organization.mint(gateway, &minter).await;
        let rows = [
            (json!({ "expires_at": "2099-01-01T00:00:01Z" }), None),
            (json!({ "expires_at": "2100-01-01T00:00:00Z" }), None),
            (json!({ "expires_in": "36500d" }), None),
            (
                json!({ "expires_at": "2099-01-01T00:00:00Z" }),
                Some("2099-01-01T00:00:00Z"),
            ),
            // Less than a second more is the same second.
            (
                json!({ "expires_at": "2099-01-01T00:00:00.9Z" }),
                Some("2099-01-01T00:00:00Z"),
            ),
            (
                json!({ "expires_at": "2098-12-31T23:59:59Z" }),
                Some("2098-12-31T23:59:59Z"),
            ),
            (json!({}), Some("2099-01-01T00:00:00Z")),
        ];
        let mut made = ids([&minter]);
        for (mut body, expected) in rows {
            body["project"] = json!(SHOP);
            body["format"] = json!(format);
            let answer = organization
                .minting_as(gateway, &minter, &body)
                .send()
                .await;
            match expected {
                None => {
                    let problem = answer.problem(403, "lifetime_exceeded");
                    assert_eq!(
                        problem["detail"],
                        "a token cannot create one that outlives it: give an earlier expiry"
                    );
                }
                Some(end) => {
                    let minted = answer.json(201);
                    assert_eq!(minted["expires_at"], end, "{body}");
                    made.insert(id(&minted));
                }
            }
        }
        assert_eq!(organization.token_ids(gateway, "status=all").await, made);
        let eternal = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        for (wish, end) in [
            (json!({ "project": SHOP }), Value::Null),
            (
                json!({ "project": SHOP, "expires_at": "9999-01-01T00:00:00Z" }),
                json!("9999-01-01T00:00:00Z"),
            ),
        ] {
            let minted = organization.mint_as(gateway, &eternal, &wish).await;
            assert_eq!(minted.answer["expires_at"], end);
        }
    }
}

async fn r18_no_chain_of_mints_widens(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let first = json!({
            "format": format, "expires_at": "2099-01-01T00:00:00Z",
            "policies": ["org_api_token:*", "project_api_token:*", "cas_artifact:read", "workflow:read"],
        });
        let first = organization.mint(gateway, &first).await;
        let second = json!({
            "format": format, "expires_at": "2098-01-01T00:00:00Z",
            "policies": ["org_api_token:*", "project_api_token:create", "workflow:read"],
        });
        let second = organization.mint_as(gateway, &first, &second).await;
        let third = organization
            .mint_as(
                gateway,
                &second,
                &json!({ "format": format, "policies": ["project_api_token:create"] }),
            )
            .await;
        assert_eq!(third.answer["expires_at"], "2098-01-01T00:00:00Z");
        let rows = [
            // What the first held, the second does not.
            (
                &second,
                json!({ "policies": ["cas_artifact:read"] }),
                "policy_not_held",
            ),
            (
                &second,
                json!({ "policies": ["project_api_token:*"] }),
                "policy_not_held",
            ),
            (
                &second,
                json!({ "expires_at": "2099-01-01T00:00:00Z", "policies": [] }),
                "lifetime_exceeded",
            ),
            // The third cannot make its own like, nor hold what its grandparent holds.
            (&third, json!({}), "project_required"),
            (
                &third,
                json!({ "project": SHOP, "policies": ["workflow:read"] }),
                "policy_not_held",
            ),
            (
                &third,
                json!({ "project": SHOP, "policies": ["org_api_token:*"] }),
                "policy_not_held",
            ),
            (
                &third,
                json!({ "project": SHOP, "expires_at": "2098-01-01T00:00:01Z" }),
                "lifetime_exceeded",
            ),
            (
                &third,
                json!({ "project": SHOP, "system": true }),
                "system_token",
            ),
        ];
        for (minter, body, code) in rows {
            let call = organization.minting_as(gateway, minter, &body);
            call.send().await.problem(403, code);
        }
        let fourth = organization
            .mint_as(
                gateway,
                &third,
                &json!({ "project": SHOP, "format": format }),
            )
            .await;
        assert_eq!(policies(&fourth.answer), BTreeSet::new());
        assert_eq!(fourth.answer["expires_at"], "2098-01-01T00:00:00Z");
        for body in [
            json!({}),
            json!({ "project": SHOP }),
            json!({ "project": SHOP, "workflow": RELEASE }),
        ] {
            let call = organization.minting_as(gateway, &fourth, &body);
            call.send().await.problem(403, "operation_not_allowed");
        }
        assert_eq!(
            organization.token_ids(gateway, "status=all").await,
            ids([&first, &second, &third, &fourth])
        );
        // The end of a minter is not the end of what it has minted; that is what bulk revoke is for.
        organization.revoke(gateway, &second.id).await;
        assert_dead(gateway, &second, "revoked").await;
        for token in [&first, &third, &fourth] {
            assert_live(gateway, token, "not revoked").await;
        }
        let refused = organization.minting_as(gateway, &second, &json!({ "policies": [] }));
        refused.send().await.problem(401, "credential_refused");
    }
}
