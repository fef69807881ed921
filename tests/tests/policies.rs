//! Who may do what to whose tokens (R10, R15 to R18, R21): organization-level tokens and project tokens, tokens that
//! were given `org_api_token:*`, narrow tokens, and chains of mints, through HTTP and in both formats.

use std::collections::BTreeSet;
use std::process::ExitCode;

use postern_origin::proto::{
    ApiTokenServiceCreateRequest, ApiTokenServiceListRequest, ApiTokenServiceRevokeRequest,
    IdentityReference,
};
use postern_system_tests::life::{assert_dead, assert_live, millis};
use postern_system_tests::organization::{Minted, OTHER, Organization, RELEASE, SHOP, fields, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, runner};
use prost::Message as _;
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            r16_an_organization_token_mints_project_tokens_only,
            r16_an_organization_token_lists_project_tokens_only,
            r16_an_organization_token_reads_rotates_and_revokes_project_tokens,
            r16_an_organization_token_touches_no_organization_token,
            r10_r16_what_an_organization_token_may_not_know_of_does_not_exist,
            r17_narrow_tokens_manage_nothing_whatever_they_hold,
            r15_no_policy_opens_the_registry,
            r18_org_api_token_star_manages_organization_tokens_and_no_others,
            r15_each_policy_opens_its_own_operations_only,
            r18_both_stars_manage_everything_but_system_tokens,
            r18_a_mint_names_only_policies_that_its_minter_holds,
            r18_default_policies_are_those_that_the_minter_holds,
            r18_a_mint_lives_no_longer_than_its_minter,
            r18_no_chain_of_mints_widens,
            r21_each_token_names_its_minter_as_lists_show_it,
            r33_the_origins_own_tokens_are_not_managed_through_the_gateway,
        ],
    )
}

const FORMATS: [&str; 2] = ["opaque", "jwt"];

/// Everything of an organization that a management call could change, with its limits.
async fn snapshot(suite: &Suite, organization: &Organization) -> Value {
    let everything = organization.snapshot(&suite.gateway).await;
    let call = suite.gateway.call("GET", "/orgs?limit=500");
    let all = call.bearer(&suite.keys.admin).send().await.json(200);
    let rows = all["organizations"].as_array().expect("a list");
    assert!(rows.len() < 500, "one page holds all");
    let row = rows.iter().find(|row| id(row) == organization.id);
    json!({ "everything": everything, "organization": row.expect("listed"), "of": rows.len() })
}

fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().map(str::to_owned).collect()
}

fn ids<'a>(tokens: impl IntoIterator<Item = &'a Minted>) -> BTreeSet<String> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// The policies of an answer.
fn policies(answer: &Value) -> BTreeSet<String> {
    let list = answer["policies"].as_array().expect("a list");
    set(list.iter().map(|policy| policy.as_str().expect("a text")))
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
            assert_eq!(fields(&first), ["id", "revoked_at"].into());
            assert_eq!(
                revoke.send().await.json(200),
                first,
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

async fn r17_narrow_tokens_manage_nothing_whatever_they_hold(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let bystander = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let stars = json!(["org_api_token:*", "project_api_token:*", "organization:*"]);
    let scopes = [
        json!({ "project": SHOP }),
        json!({ "project": SHOP, "workflow": RELEASE }),
        json!({ "project": SHOP, "policies": stars }),
        json!({ "project": SHOP, "workflow": RELEASE, "policies": stars }),
        json!({ "project": SHOP, "policies": stars, "system": true }),
    ];
    for format in FORMATS {
        for scope in &scopes {
            let mut body = scope.clone();
            body["format"] = json!(format);
            let token = organization.mint(gateway, &body).await;
            let before = snapshot(suite, &organization).await;
            let mut rows = vec![
                ("POST", "/orgs".to_owned(), json!({ "name": "mine" })),
                ("GET", "/orgs".to_owned(), Value::Null),
                (
                    "PATCH",
                    format!("/orgs/{}", organization.name),
                    json!({ "mint_ceiling": 1 }),
                ),
                (
                    "POST",
                    "/org/projects".to_owned(),
                    json!({ "name": "mine" }),
                ),
                ("GET", "/org/projects".to_owned(), Value::Null),
                (
                    "POST",
                    format!("/org/projects/{SHOP}/workflows"),
                    json!({ "name": "mine" }),
                ),
                (
                    "GET",
                    format!("/org/projects/{SHOP}/workflows"),
                    Value::Null,
                ),
                ("POST", "/org/tokens".to_owned(), json!({})),
                ("POST", "/org/tokens".to_owned(), json!({ "project": SHOP })),
                (
                    "POST",
                    "/org/tokens".to_owned(),
                    json!({ "project": SHOP, "workflow": RELEASE, "policies": [] }),
                ),
                ("GET", "/org/tokens".to_owned(), Value::Null),
                (
                    "GET",
                    format!("/org/tokens?project={SHOP}&status=all"),
                    Value::Null,
                ),
                (
                    "POST",
                    "/org/tokens/revoke".to_owned(),
                    json!({ "ids": [token.id] }),
                ),
                (
                    "POST",
                    "/org/tokens/revoke".to_owned(),
                    json!({ "project": SHOP, "dry_run": true }),
                ),
            ];
            for target in [&token.id, &bystander.id, &random_id()] {
                rows.push(("GET", format!("/org/tokens/{target}"), Value::Null));
                rows.push(("DELETE", format!("/org/tokens/{target}"), Value::Null));
                rows.push(("POST", format!("/org/tokens/{target}/rotate"), json!({})));
            }
            for (method, path, body) in rows {
                let call = organization.call_as(gateway, &token, method, &path);
                let call = if body.is_null() {
                    call
                } else {
                    call.json(&body)
                };
                let answer = call.organization(&organization.name).send().await;
                let problem = answer.problem(403, "operation_not_allowed");
                assert_eq!(
                    problem["detail"], "operation not allowed",
                    "{method} {path}"
                );
            }
            assert_eq!(
                snapshot(suite, &organization).await,
                before,
                "{scope} changed something"
            );
            assert_live(gateway, &token, "it still does its own work").await;
            assert_live(gateway, &bystander, "nothing touched it").await;
        }
    }
}

async fn r15_no_policy_opens_the_registry(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let everything = json!([
        "org_api_token:*",
        "project_api_token:*",
        "organization:*",
        "registry:read",
        "workflow:*"
    ]);
    for format in FORMATS {
        let tokens = [
            organization
                .mint(gateway, &json!({ "format": format }))
                .await,
            organization
                .mint(
                    gateway,
                    &json!({ "format": format, "policies": everything }),
                )
                .await,
        ];
        let before = snapshot(suite, &organization).await;
        let rows = [
            ("POST", "/orgs".to_owned(), json!({ "name": "mine" })),
            ("GET", "/orgs".to_owned(), Value::Null),
            (
                "PATCH",
                format!("/orgs/{}", organization.name),
                json!({ "mint_ceiling": 0 }),
            ),
            (
                "POST",
                "/org/projects".to_owned(),
                json!({ "name": "mine" }),
            ),
            ("GET", "/org/projects".to_owned(), Value::Null),
            (
                "POST",
                format!("/org/projects/{SHOP}/workflows"),
                json!({ "name": "mine" }),
            ),
            (
                "GET",
                format!("/org/projects/{SHOP}/workflows"),
                Value::Null,
            ),
        ];
        for token in &tokens {
            for (method, path, body) in &rows {
                let call = organization.call_as(gateway, token, method, path);
                let call = if body.is_null() {
                    call
                } else {
                    call.json(body)
                };
                call.send().await.problem(403, "operation_not_allowed");
            }
        }
        assert_eq!(snapshot(suite, &organization).await, before);
    }
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

async fn r15_each_policy_opens_its_own_operations_only(suite: &Suite) {
    let gateway = &suite.gateway;
    let operations = ["mint", "list", "read", "rotate", "revoke"];
    let rows: [(&[&str], &[&str]); 6] = [
        (&[], &[]),
        (&["create"], &["mint"]),
        (&["list"], &["list", "read"]),
        (&["revoke"], &["revoke"]),
        (&["create", "revoke"], &["mint", "rotate", "revoke"]),
        (&["*"], &operations),
    ];
    let organization = suite.organization().await;
    for resource in ["project_api_token", "org_api_token"] {
        let scope = match resource {
            "org_api_token" => json!({ "policies": [] }),
            _ => json!({ "policies": [], "project": SHOP }),
        };
        for (actions, opened) in rows {
            // Policies of other resources open nothing here.
            let mut policies = vec!["workflow_contract:*".to_owned(), "audit:*".to_owned()];
            policies.extend(actions.iter().map(|action| format!("{resource}:{action}")));
            let caller = organization
                .mint(gateway, &json!({ "policies": policies }))
                .await;
            for operation in operations {
                let target = organization.mint(gateway, &scope).await;
                let path = format!("/org/tokens/{}", target.id);
                let (method, path, status) = match operation {
                    "mint" => ("POST", "/org/tokens".to_owned(), 201),
                    "list" => ("GET", "/org/tokens?limit=1".to_owned(), 200),
                    "read" => ("GET", path, 200),
                    "rotate" => ("POST", format!("{path}/rotate"), 201),
                    _ => ("DELETE", path, 200),
                };
                let call = organization.call_as(gateway, &caller, method, &path);
                let call = if operation == "mint" {
                    call.json(&scope)
                } else {
                    call
                };
                let answer = call.send().await;
                if opened.contains(&operation) {
                    answer.json(status);
                } else {
                    answer.problem(403, "operation_not_allowed");
                    assert_live(gateway, &target, "refused").await;
                }
            }
        }
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

async fn r33_the_origins_own_tokens_are_not_managed_through_the_gateway(suite: &Suite) {
    let organization = suite.organization().await;
    let everything = json!({ "policies": ["project_api_token:*", "org_api_token:*"] });
    let minted = [
        organization.mint(&suite.gateway, &json!({})).await,
        organization.mint(&suite.gateway, &everything).await,
        organization.mint_for_release(&suite.gateway, "jwt").await,
    ];
    let create = ApiTokenServiceCreateRequest {
        name: "beside".to_owned(),
        project_reference: Some(IdentityReference {
            id: None,
            name: Some(SHOP.to_owned()),
        }),
        ..Default::default()
    };
    let calls = [
        ("Create", create.encode_to_vec()),
        (
            "List",
            ApiTokenServiceListRequest::default().encode_to_vec(),
        ),
        (
            "Revoke",
            ApiTokenServiceRevokeRequest { id: random_id() }.encode_to_vec(),
        ),
    ];
    suite.origin.reset().await;
    for token in &minted {
        for (method, message) in &calls {
            let path = format!("/controlplane.v1.APITokenService/{method}");
            let call = rpc::call(&suite.gateway, &path, &token.token, message);
            let told = "operation not allowed: the gateway can neither limit nor audit the origin's own API tokens, \
                        so none is managed through it: create tokens at `POST /org/tokens`";
            call.send().await.refused(7, told);
        }
    }
    suite.origin.assert_untouched("its own tokens").await;
}
