//! Management calls with wrong fields, bodies, organizations and ids.

use postern_system_tests::organization::{SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::refuse_all;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        organizations_projects_and_workflows_with_wrong_fields,
        bodies_that_are_no_json_objects,
        bodies_of_another_media_type,
        bodies_that_are_too_large,
        organizations_that_are_not_named_or_unknown,
        ids_that_are_none_or_unknown,
    ]
}

async fn organizations_projects_and_workflows_with_wrong_fields(suite: &Suite) {
    let organization = suite.organization().await;
    let long = "x".repeat(64);
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let mut rows = Vec::new();
    for path in ["/orgs", "/org/projects", &workflows] {
        let call = |body: Value| organization.call(&suite.gateway, "POST", path).json(&body);
        for name in ["", "Shop", "-a", "a-", "a.b", "a/b", "é", "a b", &long] {
            rows.push((path, call(json!({ "name": name })), 400, "name_invalid"));
        }
        rows.push((
            path,
            call(json!({ "name": "fine", "id": "x" })),
            400,
            "id_invalid",
        ));
        rows.push((
            path,
            call(json!({ "name": "fine", "id": "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d" })),
            400,
            "id_invalid",
        ));
        rows.push((path, call(json!({})), 400, "body_invalid"));
        rows.push((path, call(json!({ "name": null })), 400, "body_invalid"));
        rows.push((
            path,
            call(json!({ "name": "fine", "owner": "me" })),
            400,
            "body_invalid",
        ));
    }
    let call = |body: Value| {
        organization
            .call(&suite.gateway, "POST", "/orgs")
            .json(&body)
    };
    rows.push((
        "idle",
        call(json!({ "name": "fine", "max_idle_days": 366 })),
        400,
        "max_idle_days_invalid",
    ));
    rows.push((
        "ceiling",
        call(json!({ "name": "fine", "mint_ceiling": 10_000_001 })),
        400,
        "mint_ceiling_invalid",
    ));
    rows.push((
        "negative",
        call(json!({ "name": "fine", "mint_ceiling": -1 })),
        400,
        "body_invalid",
    ));
    let nowhere = organization.call(&suite.gateway, "POST", "/org/projects/nowhere/workflows");
    rows.push((
        "no project",
        nowhere.json(&json!({ "name": "fine" })),
        404,
        "not_found",
    ));
    rows.push((
        "no project",
        organization.call(&suite.gateway, "GET", "/org/projects/nowhere/workflows"),
        404,
        "not_found",
    ));
    refuse_all(suite, &organization, rows).await;
    let list = suite
        .gateway
        .call("GET", "/orgs?limit=500")
        .bearer(&suite.keys.admin)
        .send()
        .await
        .json(200);
    let made = list["organizations"]
        .as_array()
        .expect("a list")
        .iter()
        .any(|row| row["name"] == "fine");
    assert!(!made, "a refused organization was made");
}

async fn bodies_that_are_no_json_objects(suite: &Suite) {
    let organization = suite.organization().await;
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let mut bodies: Vec<Vec<u8>> = [
        "{",
        "{}}",
        "[]",
        "null",
        "7",
        "\"name\"",
        "{\"name\":\"a\"",
        "{'name':'a'}",
        "{\"name\":\"a\",}",
        " ",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "{\"name\":\"a\",\"unknown\":1}",
        "name=a",
        // A struct can be read from a list too, by readers that are not careful.
        "[\"in-a-list\",null]",
        "[\"in-a-list\",null,null,null]",
        "[\"in-a-list\",null,null,null,null,null,null,null,false]",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.push(b"{\"name\":\"\xff\"}".to_vec());
    // One byte order mark is passed over, a second is not.
    bodies.push(b"\xef\xbb\xbf\xef\xbb\xbf{\"name\":\"a\"}".to_vec());
    bodies.push(
        ["{\"name\":".repeat(300), "1".to_owned(), "}".repeat(300)]
            .concat()
            .into_bytes(),
    );
    let bodies: Vec<(String, Vec<u8>)> = bodies
        .into_iter()
        .map(|body| {
            (
                String::from_utf8_lossy(&body).chars().take(60).collect(),
                body,
            )
        })
        .collect();
    for path in ["/orgs", "/org/projects", &workflows, "/org/tokens"] {
        let rows = bodies
            .iter()
            .map(|(what, body)| {
                let call = organization
                    .call(&suite.gateway, "POST", path)
                    .header("content-type", "application/json");
                (what.as_str(), call.body(body.clone()), 400, "body_invalid")
            })
            .collect();
        refuse_all(suite, &organization, rows).await;
    }
    for path in ["/orgs", "/org/projects", &workflows] {
        let empty = organization.call(&suite.gateway, "POST", path);
        refuse_all(
            suite,
            &organization,
            vec![("nothing", empty, 400, "body_invalid")],
        )
        .await;
    }
}

async fn bodies_of_another_media_type(suite: &Suite) {
    let organization = suite.organization().await;
    let workflows = format!("/org/projects/{SHOP}/workflows");
    for path in ["/orgs", "/org/projects", &workflows, "/org/tokens"] {
        let body = json!({ "name": "typed" }).to_string();
        let call = || {
            organization
                .call(&suite.gateway, "POST", path)
                .body(body.clone())
        };
        let mut rows = vec![("none", call(), 415, "unsupported_media_type")];
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonx",
            "json",
        ] {
            rows.push((
                media,
                call().header("content-type", media),
                415,
                "unsupported_media_type",
            ));
        }
        refuse_all(suite, &organization, rows).await;
    }
    let call = organization
        .call(&suite.gateway, "POST", "/org/tokens")
        .body("{}");
    id(&call
        .header("content-type", "Application/JSON; charset=utf-8")
        .send()
        .await
        .json(201));
}

async fn bodies_that_are_too_large(suite: &Suite) {
    let organization = suite.organization().await;
    let large = |bytes: usize| {
        let frame = json!({ "description": "" }).to_string().len();
        json!({ "description": "x".repeat(bytes - frame) })
    };
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let before = organization.snapshot(&suite.gateway).await;
    for path in ["/orgs", "/org/projects", &workflows, "/org/tokens"] {
        for bytes in [2_000_000, 64 * 1024 + 1] {
            let told = organization
                .call(&suite.gateway, "POST", path)
                .json(&large(bytes));
            for call in [told.clone(), told.chunked()] {
                let problem = call
                    .send_while_reading()
                    .await
                    .problem(413, "body_too_large");
                assert_eq!(
                    problem["detail"],
                    "the body is larger than the 65536 bytes that are read here"
                );
            }
        }
        assert_eq!(
            organization.snapshot(&suite.gateway).await,
            before,
            "{path}"
        );
    }
    // The largest that is read is read: what is wrong with it is something else.
    let call = organization.minting(&suite.gateway, &large(64 * 1024));
    let rows = vec![
        ("told", call.clone(), 400, "description_invalid"),
        ("untold", call.chunked(), 400, "description_invalid"),
    ];
    refuse_all(suite, &organization, rows).await;
    let chunked = organization
        .minting(&suite.gateway, &json!({ "name": "in chunks" }))
        .chunked()
        .send()
        .await
        .json(201);
    assert_eq!(chunked["name"], "in chunks");
}

async fn organizations_that_are_not_named_or_unknown(suite: &Suite) {
    let organization = suite.organization().await;
    let token = format!("/org/tokens/{}", random_id());
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let calls = [
        ("POST", "/org/projects"),
        ("GET", "/org/projects"),
        ("POST", &workflows),
        ("GET", &workflows),
        ("POST", "/org/tokens"),
        ("GET", "/org/tokens"),
        ("GET", &token),
        ("DELETE", &token),
    ];
    let mut rows = Vec::new();
    for (method, path) in calls {
        let call = || {
            let call = suite
                .gateway
                .call(method, path)
                .bearer(&suite.keys.admin)
                .from(&organization.address);
            if method == "POST" {
                call.json(&json!({ "name": "somewhere" }))
            } else {
                call
            }
        };
        rows.push((path, call(), 400, "organization_required"));
        rows.push((path, call().organization(" "), 400, "organization_required"));
        rows.push((
            path,
            call().organization("no-such-organization"),
            404,
            "not_found",
        ));
        rows.push((
            path,
            call().organization(&organization.id),
            404,
            "not_found",
        ));
        rows.push((
            path,
            call().organization(&format!("{0}, {0}", organization.name)),
            404,
            "not_found",
        ));
    }
    refuse_all(suite, &organization, rows).await;
}

async fn ids_that_are_none_or_unknown(suite: &Suite) {
    let organization = suite.organization().await;
    let live = organization.mint(&suite.gateway, &json!({})).await;
    let malformed = [
        "x".to_owned(),
        live.id.replace('-', ""),
        live.id[..35].to_owned(),
        format!("{}0", live.id),
        format!("%7B{}%7D", live.id),
        format!("urn:uuid:{}", live.id),
        format!("{}g", &live.id[..35]),
        format!("{}%20", live.id),
        live.answer["prefix"].as_str().expect("a prefix").to_owned(),
    ];
    let paths: Vec<String> = malformed
        .iter()
        .map(|id| format!("/org/tokens/{id}"))
        .collect();
    let unknown = format!("/org/tokens/{}", random_id());
    let mut rows = Vec::new();
    for method in ["GET", "DELETE"] {
        for path in &paths {
            rows.push((
                path.as_str(),
                organization.call(&suite.gateway, method, path),
                400,
                "token_id_invalid",
            ));
        }
        rows.push((
            unknown.as_str(),
            organization.call(&suite.gateway, method, &unknown),
            404,
            "not_found",
        ));
        // No id at all is no route, not the list's and not a token's.
        rows.push((
            "/org/tokens/",
            organization.call(&suite.gateway, method, "/org/tokens/"),
            404,
            "not_found",
        ));
    }
    refuse_all(suite, &organization, rows).await;
    // In an organization that has never minted, too.
    let fresh = suite.organization().await;
    fresh
        .call(&suite.gateway, "DELETE", &unknown)
        .send()
        .await
        .problem(404, "not_found");
}
