//! Narrow tokens, and what each policy opens (R15, R17, R33).

use postern_origin::proto::{
    ApiTokenServiceCreateRequest, ApiTokenServiceListRequest, ApiTokenServiceRevokeRequest,
    IdentityReference,
};
use postern_system_tests::life::assert_live;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{FORMATS, snapshot};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r17_narrow_tokens_manage_nothing_whatever_they_hold,
        r15_no_policy_opens_the_registry,
        r15_each_policy_opens_its_own_operations_only,
        r33_the_origins_own_tokens_are_not_managed_through_the_gateway,
    ]
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
