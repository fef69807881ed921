//! Credentials for the gateway that it makes at the control plane (R42), and tokens that are made with them.

use postern_origin::strict::Role;
use postern_system_tests::cases;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{Plane, create, creating, made};

pub fn cases() -> Vec<Case<Plane>> {
    cases![
        r42_a_credential_is_made_at_the_control_plane_and_attests,
        r42_what_the_control_plane_refuses_sets_nothing,
        r43_a_token_is_made_with_the_stored_credential,
    ]
}

async fn gateway(plane: &Plane) -> Gateway {
    plane.serve().set("ORIGIN_AUTH", "upstream").start().await
}

async fn put(
    gateway: &Gateway,
    of: &Organization,
    path: &str,
    body: &Value,
) -> postern_system_tests::http::Answer {
    of.call(gateway, "PUT", path).json(body).send().await
}

async fn r42_a_credential_is_made_at_the_control_plane_and_attests(plane: &Plane) {
    let gateway = gateway(plane).await;
    let organization = plane.organization(&gateway).await;
    let with = plane.issued(&organization).jwt;
    let owner = plane
        .strict
        .user(&organization.name, "owner@example.com", Role::Owner);
    let owner = owner.expect("a user").jwt;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    let project = format!("/org/projects/{SHOP}/upstream");
    let workflow = format!("/org/projects/{SHOP}/workflows/{RELEASE}/upstream");
    let rows = [
        // People make one of the whole organization; a token makes one of a project.
        ("/org/upstream", &owner, json!({})),
        (&project, &with, json!({ "project": SHOP })),
        (
            &workflow,
            &with,
            json!({ "project": SHOP, "workflow": RELEASE }),
        ),
    ];
    for (path, with, scope) in rows {
        let body =
            json!({ "create": true, "with": with, "expires_in": "1d", "keep_replaced_seconds": 0 });
        let answer = put(&gateway, &organization, path, &body).await.json(200);
        assert_eq!(answer["scope"], scope, "{answer}");
        plane.attests(&gateway, &token.token).await;
        let signature = with.rsplit('.').next().expect("a signature");
        let holding = gateway.serve().holding(signature);
        assert!(holding.is_empty(), "{holding:?}");
        assert!(!gateway.serve().log().contains(signature));
    }
    let names = plane.names_there(&organization).await;
    let made = names
        .iter()
        .filter(|name| name.starts_with("postern-"))
        .count();
    assert_eq!(made, 3, "{names:?}");
}

async fn r42_what_the_control_plane_refuses_sets_nothing(plane: &Plane) {
    let gateway = gateway(plane).await;
    let organization = plane.organization(&gateway).await;
    let with = plane.issued(&organization).jwt;
    let body = json!({ "create": true, "with": with });
    let answer = put(&gateway, &organization, "/org/upstream", &body).await;
    let problem = answer.problem(502, "origin_refused");
    let detail = problem["detail"].as_str().expect("a sentence");
    assert!(
        detail.contains("org-level API tokens must specify a project"),
        "{detail}"
    );
    let rows = [
        (
            json!({ "create": true, "with": "nobody" }),
            502,
            "origin_refused",
        ),
        (
            json!({ "create": true, "with": "a\nb" }),
            400,
            "with_invalid",
        ),
        (json!({ "create": true }), 400, "create_invalid"),
        (
            json!({ "create": false, "with": with }),
            400,
            "create_invalid",
        ),
        (json!({ "with": with }), 400, "create_invalid"),
        (
            json!({ "create": true, "with": with, "credential": "x" }),
            400,
            "create_invalid",
        ),
        (
            json!({ "create": true, "with": "x".repeat(100_000) }),
            413,
            "body_too_large",
        ),
    ];
    for (body, status, code) in rows {
        put(&gateway, &organization, "/org/upstream", &body)
            .await
            .problem(status, code);
    }
    let call = organization.call(&gateway, "GET", "/org/upstream");
    call.send().await.problem(404, "upstream_not_set");
    let names = plane.names_there(&organization).await;
    assert!(
        !names.iter().any(|name| name.starts_with("postern-")),
        "{names:?}"
    );
}

async fn r43_a_token_is_made_with_the_stored_credential(plane: &Plane) {
    let gateway = gateway(plane).await;
    let organization = plane.organization(&gateway).await;
    let body = json!({ "credential": plane.issued(&organization).jwt });
    put(&gateway, &organization, "/org/upstream", &body)
        .await
        .json(200);
    let manager = plane.minted(&gateway, &organization).await;
    let message = create("ci", Some(SHOP));
    let answer = creating(&gateway, &organization, &manager, &message).await;
    let token = made(&answer.accepted());
    plane.attests(&gateway, &token.jwt).await;
    let row = organization.token(&gateway, &token.id.to_string()).await;
    assert_eq!(row["adopted"], true);
}
