//! Organization-level tokens manage project tokens only (R16).

use std::collections::BTreeSet;

use postern_system_tests::life::{assert_dead, assert_live};
use postern_system_tests::organization::{Minted, OTHER, RELEASE, SHOP, fields, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::{FORMATS, ids, policies, snapshot};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r16_an_organization_token_mints_project_tokens_only,
        r16_an_organization_token_lists_project_tokens_only,
        r16_an_organization_token_reads_rotates_and_revokes_project_tokens,
        r16_an_organization_token_touches_no_organization_token,
        r10_r16_what_an_organization_token_may_not_know_of_does_not_exist,
    ]
}

/// The fields of the contract's answer to a mint, and no others.
const MINTED: [&str; 16] = [
    "id",
    "name",
    "description",
    "format",
    "token",
    "prefix",
    "organization",
    "project",
    "workflow",
    "policies",
    "is_system",
    "adopted",
    "created_at",
    "created_by",
    "expires_at",
    "warning",
];

async fn r16_an_organization_token_mints_project_tokens_only(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let minter = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        let nameless = [
            json!({}),
            json!({ "name": "wide" }),
            json!({ "policies": [] }),
            json!({ "policies": ["workflow:read"] }),
            json!({ "system": true }),
            json!({ "policies": ["org_api_token:create"], "expires_in": "1h" }),
        ];
        for body in nameless {
            let call = organization.minting_as(gateway, &minter, &body);
            let problem = call.send().await.problem(403, "project_required");
            assert_eq!(
                problem["detail"],
                "org-level API tokens must specify a project when creating new tokens",
                "{body}"
            );
        }
        let empty = organization.call_as(gateway, &minter, "POST", "/org/tokens");
        empty.send().await.problem(403, "project_required");
        let wrong = [
            (json!({ "project": "nowhere" }), 404, "not_found"),
            (
                json!({ "workflow": RELEASE }),
                400,
                "workflow_without_project",
            ),
            (
                json!({ "project": SHOP, "workflow": "nowhere" }),
                404,
                "not_found",
            ),
        ];
        for (body, status, code) in wrong {
            let call = organization.minting_as(gateway, &minter, &body);
            call.send().await.problem(status, code);
        }
        assert_eq!(
            organization.token_ids(gateway, "status=all").await,
            ids([&minter]),
            "nothing came of it"
        );

        let project = json!({ "name": "p", "project": SHOP, "format": format });
        let project = organization.mint_as(gateway, &minter, &project).await;
        let workflow = json!({ "name": "w", "project": SHOP, "workflow": RELEASE });
        let workflow = organization.mint_as(gateway, &minter, &workflow).await;
        for minted in [&project, &workflow] {
            assert_eq!(fields(&minted.answer), MINTED.into(), "{format}");
            assert_eq!(
                minted.answer["organization"],
                json!({ "id": organization.id, "name": organization.name })
            );
            assert_eq!(
                minted.answer["project"],
                json!({ "id": organization.shop, "name": SHOP })
            );
            assert_eq!(minted.answer["is_system"], false);
            assert!(
                policies(&minted.answer)
                    .iter()
                    .all(|policy| !policy.contains("api_token")),
                "{}",
                minted.answer
            );
            assert_live(gateway, minted, "just minted").await;
            let row = organization.token(gateway, &minted.id).await;
            assert_eq!(row["minted_by"], minter.id);
        }
        assert_eq!(project.answer["workflow"], Value::Null);
        assert_eq!(
            workflow.answer["workflow"],
            json!({ "id": organization.release, "name": RELEASE })
        );
        // What a token has minted is as narrow as what the administrator mints.
        let elsewhere = rpc::names(SHOP, OTHER);
        rpc::call(gateway, FIND_OR_CREATE, &workflow.token, &elsewhere)
            .send()
            .await
            .refused(
                7,
                "API token is workflow-scoped and cannot create or look up other workflows",
            );
        // The name is the token's own organization, whatever the header says.
        let stranger = suite.organization().await;
        let call = organization
            .minting_as(gateway, &minter, &json!({ "project": SHOP, "name": "x" }))
            .organization(&stranger.name);
        assert_eq!(
            call.send().await.json(201)["organization"]["id"],
            organization.id
        );
        assert_eq!(
            stranger.token_ids(gateway, "status=all").await,
            BTreeSet::new()
        );
    }
}

async fn r16_an_organization_token_lists_project_tokens_only(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let (organization, stranger) = (suite.organization().await, suite.organization().await);
        organization.create_project(gateway, "second").await;
        let mint = async |body: Value| organization.mint(gateway, &body).await;
        let own = mint(json!({ "format": format })).await;
        let peer = mint(json!({})).await;
        let _system = mint(json!({ "system": true })).await;
        let _system_of_project = mint(json!({ "system": true, "project": SHOP })).await;
        let project = mint(json!({ "project": SHOP })).await;
        let workflow = mint(json!({ "project": SHOP, "workflow": RELEASE })).await;
        let second = mint(json!({ "project": "second" })).await;
        let gone = mint(json!({ "project": SHOP })).await;
        organization.revoke(gateway, &gone.id).await;
        organization
            .revoke(gateway, &mint(json!({})).await.id)
            .await;
        let mine = organization
            .mint_as(gateway, &own, &json!({ "project": SHOP }))
            .await;
        let theirs = organization
            .mint_as(gateway, &peer, &json!({ "project": "second" }))
            .await;
        stranger.mint(gateway, &json!({ "project": SHOP })).await;

        let active = [&project, &workflow, &second, &mine, &theirs];
        let all = [&project, &workflow, &second, &mine, &theirs, &gone];
        let rows: [(String, BTreeSet<String>); 16] = [
            (String::new(), ids(active)),
            ("status=active".to_owned(), ids(active)),
            ("limit=2".to_owned(), ids(active)),
            ("status=revoked".to_owned(), ids([&gone])),
            ("status=all".to_owned(), ids(all)),
            ("include_system=true".to_owned(), ids(active)),
            ("include_system=true&status=all".to_owned(), ids(all)),
            ("scope=organization".to_owned(), ids([])),
            ("scope=organization&status=all".to_owned(), ids([])),
            ("scope=organization&include_system=true".to_owned(), ids([])),
            (
                "scope=project".to_owned(),
                ids([&project, &second, &mine, &theirs]),
            ),
            ("scope=workflow".to_owned(), ids([&workflow])),
            ("project=second".to_owned(), ids([&second, &theirs])),
            (format!("minted_by={}", own.id), ids([&mine])),
            (format!("minted_by={}", peer.id), ids([&theirs])),
            (format!("minted_by={}", random_id()), ids([])),
        ];
        for (query, expected) in rows {
            let seen = organization.token_ids_as(gateway, &own, &query).await;
            assert_eq!(seen, expected, "{format} `{query}`");
        }
        let call = organization.call_as(gateway, &own, "GET", "/org/tokens");
        let named = call.organization(&stranger.name).send().await.json(200);
        let seen: BTreeSet<_> = named["tokens"]
            .as_array()
            .expect("a list")
            .iter()
            .map(id)
            .collect();
        assert_eq!(seen, ids(active), "the header opens no other organization");
        let wrong = organization.call_as(gateway, &own, "GET", "/org/tokens?minted_by=x");
        wrong.send().await.problem(400, "minted_by_invalid");
    }
}

async fn r16_an_organization_token_reads_rotates_and_revokes_project_tokens(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let manager = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        let bodies = [
            json!({ "project": SHOP }),
            json!({ "project": SHOP, "workflow": RELEASE, "format": "jwt" }),
        ];
        for body in bodies {
            let token = organization.mint(gateway, &body).await;
            let path = format!("/org/tokens/{}", token.id);
            let seen = organization.call_as(gateway, &manager, "GET", &path);
            assert_eq!(
                seen.send().await.json(200),
                organization.token(gateway, &token.id).await
            );

            let rotate = format!("{path}/rotate");
            let rotate = organization.call_as(gateway, &manager, "POST", &rotate);
            let next = Minted::of(rotate.send().await.json(201));
            let mut expected = BTreeSet::from(MINTED);
            expected.insert("replaces");
            assert_eq!(fields(&next.answer), expected);
            assert_eq!(
                next.answer["created_by"],
                format!(
                    "org-token:{}",
                    manager.answer["prefix"].as_str().expect("a prefix")
                )
            );
            assert_dead(gateway, &token, "rotated").await;
            assert_live(gateway, &next, "its successor").await;

            let path = format!("/org/tokens/{}", next.id);
            let revoke = organization.call_as(gateway, &manager, "DELETE", &path);
            let first = revoke.clone().send().await.json(200);
            assert_eq!(fields(&first), ["final_at", "id", "revoked_at"].into());
            let again = revoke.send().await.json(200);
            assert_eq!(
                again["revoked_at"], first["revoked_at"],
                "twice is harmless (R11)"
            );
            assert_dead(gateway, &next, "revoked").await;
            let row = organization.token(gateway, &next.id).await;
            assert_eq!(row["revoked_at"], first["revoked_at"]);
        }
    }
}

async fn r16_an_organization_token_touches_no_organization_token(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let own = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        let peer = organization.mint(gateway, &json!({})).await;
        let gone = organization.mint(gateway, &json!({})).await;
        organization.revoke(gateway, &gone.id).await;
        let before = snapshot(suite, &organization).await;
        for target in [&own, &peer, &gone] {
            let rows = [
                ("GET", "", "read"),
                ("DELETE", "", "revoke"),
                ("POST", "/rotate", "rotate"),
            ];
            for (method, rest, verb) in rows {
                let path = format!("/org/tokens/{}{rest}", target.id);
                let call = organization.call_as(gateway, &own, method, &path);
                let problem = call.send().await.problem(403, "organization_token");
                assert_eq!(
                    problem["detail"],
                    format!("org-level API tokens cannot {verb} org-level tokens")
                );
            }
        }
        assert_eq!(snapshot(suite, &organization).await, before);
        assert_live(gateway, &own, "nothing revoked it").await;
        assert_live(gateway, &peer, "nothing revoked it").await;
    }
}

async fn r10_r16_what_an_organization_token_may_not_know_of_does_not_exist(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let stars = json!(["org_api_token:*", "project_api_token:*"]);
    let callers = [
        organization.mint(gateway, &json!({})).await,
        organization
            .mint(gateway, &json!({ "format": "jwt" }))
            .await,
        organization
            .mint(gateway, &json!({ "policies": stars }))
            .await,
    ];
    let mut hidden = Vec::new();
    for scope in [json!({}), json!({ "project": SHOP })] {
        let mut system = scope.clone();
        system["system"] = json!(true);
        hidden.push(organization.mint(gateway, &system).await);
        hidden.push(stranger.mint(gateway, &scope).await);
        hidden.push(stranger.mint(gateway, &system).await);
    }
    let before = [
        snapshot(suite, &organization).await,
        snapshot(suite, &stranger).await,
    ];
    for caller in &callers {
        for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/rotate")] {
            let answer = async |id: &str| {
                let path = format!("/org/tokens/{id}{rest}");
                let call = organization.call_as(gateway, caller, method, &path);
                let mut problem = call.send().await.problem(404, "not_found");
                problem["request_id"] = Value::Null;
                problem
            };
            let unknown = answer(&random_id()).await;
            assert_eq!(unknown["detail"], "no such token");
            for token in &hidden {
                assert_eq!(answer(&token.id).await, unknown, "{method}{rest}");
            }
            let path = format!("/org/tokens/not-an-id{rest}");
            let call = organization.call_as(gateway, caller, method, &path);
            call.send().await.problem(400, "token_id_invalid");
        }
    }
    let after = [
        snapshot(suite, &organization).await,
        snapshot(suite, &stranger).await,
    ];
    assert_eq!(after, before);
    for token in &hidden {
        assert_live(gateway, token, "nobody may touch it").await;
    }
}
