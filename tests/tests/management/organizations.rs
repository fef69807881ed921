//! Organizations, projects and workflows: made, listed, changed, and kept apart.

use std::collections::BTreeSet;

use postern_system_tests::organization::{OTHER, Organization, RELEASE, SHOP, fields, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, random_name};
use serde_json::{Value, json};

use crate::support::{assert_recent, set};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        organizations_are_made_and_listed,
        limits_of_an_organization_change_and_nothing_else,
        projects_and_workflows_are_made_and_listed,
        ids_may_be_given,
        another_organizations_token_does_not_exist,
    ]
}

async fn organizations_are_made_and_listed(suite: &Suite) {
    let make = |body: Value| {
        suite
            .gateway
            .call("POST", "/orgs")
            .bearer(&suite.keys.admin)
            .json(&body)
            .send()
    };
    let (plain, full) = (random_name("plain"), random_name("full"));
    let first = make(json!({ "name": plain })).await.json(201);
    assert_eq!(
        fields(&first),
        set([
            "id",
            "name",
            "mint_ceiling",
            "effective_mint_ceiling",
            "max_idle_days",
            "on_leak",
            "federated_only",
            "max_lifetime_days",
            "default_expires_in",
            "trusted_issuers",
            "pause",
            "jurisdiction",
            "location_hint",
            "created_at"
        ])
    );
    assert_eq!(
        (
            &first["name"],
            &first["mint_ceiling"],
            &first["max_idle_days"]
        ),
        (&json!(plain), &Value::Null, &json!(0))
    );
    assert_recent(&first["created_at"]);
    let second = make(json!({ "name": full, "mint_ceiling": 7, "max_idle_days": 30 }))
        .await
        .json(201);
    assert_eq!(
        (&second["mint_ceiling"], &second["max_idle_days"]),
        (&json!(7), &json!(30))
    );

    let call = suite
        .gateway
        .call("GET", "/orgs?limit=500")
        .bearer(&suite.keys.admin);
    let list = call.send().await.json(200);
    assert_eq!(fields(&list), set(["organizations", "next_cursor"]));
    let listed = list["organizations"].as_array().expect("a list");
    for made in [&first, &second] {
        assert_eq!(
            listed.iter().filter(|row| *row == made).count(),
            1,
            "{made} in {list}"
        );
    }
}

async fn limits_of_an_organization_change_and_nothing_else(suite: &Suite) {
    let organization = suite.organization().await;
    let row = async || {
        let call = suite.gateway.call("GET", "/orgs?limit=500");
        let list = call.bearer(&suite.keys.admin).send().await.json(200);
        let rows = list["organizations"].as_array().expect("a list");
        let row = rows.iter().find(|row| id(row) == organization.id);
        row.expect("listed").clone()
    };
    let path = format!("/orgs/{}", organization.name);
    let patch = |body: Value| {
        suite
            .gateway
            .call("PATCH", &path)
            .bearer(&suite.keys.admin)
            .json(&body)
            .send()
    };
    let mut expected = row().await;
    let default = expected["effective_mint_ceiling"].clone();
    let rows = [
        (json!({ "mint_ceiling": 7 }), json!(7), json!(0)),
        (json!({ "max_idle_days": 365 }), json!(7), json!(365)),
        (json!({}), json!(7), json!(365)),
        (json!({ "mint_ceiling": 0 }), json!(0), json!(365)),
        (
            json!({ "mint_ceiling": null, "max_idle_days": 1 }),
            Value::Null,
            json!(1),
        ),
        (json!({ "max_idle_days": 0 }), Value::Null, json!(0)),
    ];
    for (body, ceiling, days) in rows {
        let answer = patch(body.clone()).await.json(200);
        expected["effective_mint_ceiling"] = match &ceiling {
            Value::Null => default.clone(),
            own => own.clone(),
        };
        expected["mint_ceiling"] = ceiling;
        expected["max_idle_days"] = days;
        assert_eq!(answer, expected, "{body}");
        assert_eq!(row().await, expected, "{body}, as it is listed");
    }
    let wrong = [
        (json!({ "max_idle_days": 366 }), "max_idle_days_invalid"),
        (json!({ "max_idle_days": -1 }), "body_invalid"),
        (json!({ "max_idle_days": 1.5 }), "body_invalid"),
        (json!({ "max_idle_days": "30" }), "body_invalid"),
        (
            json!({ "mint_ceiling": 10_000_001 }),
            "mint_ceiling_invalid",
        ),
        (json!({ "mint_ceiling": -1 }), "body_invalid"),
        (json!({ "mint_ceiling": "7" }), "body_invalid"),
        (json!({ "name": "other" }), "body_invalid"),
        (json!({ "id": random_id() }), "body_invalid"),
        (
            json!({ "mint_ceiling": 1, "created_at": "2020-01-01T00:00:00Z" }),
            "body_invalid",
        ),
        (json!([]), "body_invalid"),
    ];
    for (body, code) in wrong {
        patch(body).await.problem(400, code);
        assert_eq!(row().await, expected);
    }
    let unknown = format!("/orgs/{}", random_name("none"));
    let call = suite.gateway.call("PATCH", &unknown);
    let call = call.bearer(&suite.keys.admin).json(&json!({}));
    call.send().await.problem(404, "not_found");
    let nobody = suite.gateway.call("PATCH", &path).json(&json!({}));
    nobody.send().await.problem(401, "credential_missing");
}

async fn projects_and_workflows_are_made_and_listed(suite: &Suite) {
    let organization = suite.organization().await;
    let shape = set(["id", "name", "created_at"]);
    let path = format!("/org/projects/{SHOP}/workflows");
    let list = organization
        .call(&suite.gateway, "GET", "/org/projects")
        .send()
        .await
        .json(200);
    assert_eq!(fields(&list), set(["projects", "next_cursor"]));
    let projects = list["projects"].as_array().expect("a list");
    assert_eq!(
        projects.iter().map(id).collect::<Vec<_>>(),
        [organization.shop.as_str()]
    );
    let list = organization
        .call(&suite.gateway, "GET", &path)
        .send()
        .await
        .json(200);
    assert_eq!(fields(&list), set(["workflows", "next_cursor"]));
    let workflows = list["workflows"].as_array().expect("a list");
    let names: BTreeSet<_> = workflows
        .iter()
        .map(|row| (id(row), row["name"].as_str().expect("a name")))
        .collect();
    assert_eq!(
        names,
        [
            (organization.release.clone(), RELEASE),
            (organization.other.clone(), OTHER)
        ]
        .into()
    );
    for row in projects.iter().chain(workflows) {
        assert_eq!(fields(row), shape, "{row}");
        assert_recent(&row["created_at"]);
    }
    // The same name is free in another organization and in another project.
    let neighbour = suite.organization().await;
    assert_ne!(neighbour.shop, organization.shop);
    organization.create_project(&suite.gateway, "second").await;
    let again = organization
        .create_workflow(&suite.gateway, "second", RELEASE)
        .await;
    assert_ne!(again, organization.release);
}

async fn ids_may_be_given(suite: &Suite) {
    let (organization_id, project_id, workflow_id) = (random_id(), random_id(), random_id());
    let organization = Organization::with(
        &suite.gateway,
        &suite.keys.admin,
        &json!({ "id": organization_id }),
    )
    .await;
    assert_eq!(organization.id, organization_id);
    let make = |path: &str, name: &str, id: &str| {
        organization
            .call(&suite.gateway, "POST", path)
            .json(&json!({ "name": name, "id": id.to_uppercase() }))
            .send()
    };
    assert_eq!(
        id(&make("/org/projects", "known", &project_id).await.json(201)),
        project_id
    );
    assert_eq!(
        id(
            &make("/org/projects/known/workflows", "build", &workflow_id)
                .await
                .json(201)
        ),
        workflow_id
    );
    let token = organization
        .mint(
            &suite.gateway,
            &json!({ "project": "known", "workflow": "build" }),
        )
        .await;
    assert_eq!(token.answer["organization"]["id"], organization_id);
    assert_eq!(token.answer["project"]["id"], project_id);
    assert_eq!(token.answer["workflow"]["id"], workflow_id);
}

async fn another_organizations_token_does_not_exist(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        let path = format!("/org/tokens/{}", token.id);
        for method in ["GET", "DELETE"] {
            let theirs = stranger
                .call(&suite.gateway, method, &path)
                .send()
                .await
                .problem(404, "not_found");
            let unknown = format!("/org/tokens/{}", random_id());
            let unknown = stranger
                .call(&suite.gateway, method, &unknown)
                .send()
                .await
                .problem(404, "not_found");
            assert_eq!(theirs["detail"], unknown["detail"]);
        }
        assert_eq!(
            organization.token(&suite.gateway, &token.id).await["revoked_at"],
            Value::Null
        );
        rpc::call(
            &suite.gateway,
            FIND_OR_CREATE,
            &token.token,
            &rpc::names(SHOP, RELEASE),
        )
        .send()
        .await
        .accepted();
    }
    assert_eq!(
        stranger.token_ids(&suite.gateway, "status=all").await,
        BTreeSet::new()
    );
}
