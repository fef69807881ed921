//! What a successor is, and how many there are.

use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::life::{accepted, assert_dead, assert_live};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, fields};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{FORMATS, ISOLATES, ids};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r9_a_successor_is_the_old_token_in_all_but_its_secret,
        r8_r9_the_successor_keeps_the_name_from_others,
        r9_r27_a_rotation_at_the_ceiling_goes_through,
        r9_rotations_at_the_same_time_make_one_successor,
        r9_generations_follow_each_other,
    ]
}

/// What a successor shares with the token before it.
const KEPT: [&str; 10] = [
    "name",
    "description",
    "format",
    "organization",
    "project",
    "workflow",
    "policies",
    "is_system",
    "adopted",
    "expires_at",
];

async fn r9_a_successor_is_the_old_token_in_all_but_its_secret(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let scopes = [
        json!({}),
        json!({ "project": SHOP }),
        json!({ "project": SHOP, "workflow": RELEASE }),
    ];
    let others = [
        json!({}),
        json!({ "description": "for the pipeline", "policies": ["cas_artifact:read", "workflow:*"],
                "expires_at": "2099-01-01T00:00:00Z" }),
        json!({ "description": "é", "policies": [], "system": true }),
    ];
    for format in FORMATS {
        for scope in &scopes {
            for other in &others {
                let mut body = scope.clone();
                body["format"] = json!(format);
                for (name, value) in other.as_object().expect("an object") {
                    body[name] = value.clone();
                }
                let old = organization.mint(gateway, &body).await;
                let rotate = organization.rotating(gateway, &old.id, &json!({}));
                let answer = rotate.send().await;
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                let new = Minted::of(answer.json(201));
                let mut answer = new.answer.clone();
                let replaces = answer
                    .as_object_mut()
                    .and_then(|answer| answer.remove("replaces"));
                assert_eq!(fields(&answer), fields(&old.answer), "as a mint");
                let ended = organization.token(gateway, &old.id).await;
                let expected = json!({ "id": old.id, "revoked_at": ended["revoked_at"] });
                assert_eq!(replaces, Some(expected), "and what became of the old token");
                for field in KEPT {
                    assert_eq!(new.answer[field], old.answer[field], "{field} of {body}");
                }
                for field in ["id", "token", "prefix"] {
                    assert_ne!(new.answer[field], old.answer[field], "{field} of {body}");
                }
                assert_eq!(new.answer["created_by"], "admin-token");
                let row = organization.token(gateway, &new.id).await;
                for field in KEPT {
                    assert_eq!(row[field], old.answer[field], "{field} as it is listed");
                }
                assert_eq!(row["revoked_at"], Value::Null);
                if format == "jwt" {
                    let (mut before, mut after) =
                        (forge::part(&old.token, 1), forge::part(&new.token, 1));
                    assert_eq!(after["jti"], new.id);
                    for claims in [&mut before, &mut after] {
                        claims["jti"] = Value::Null;
                    }
                    assert_eq!(after, before, "the claims, both pairs among them");
                    assert_eq!(
                        after["project_id"].is_string(),
                        scope["project"].is_string()
                    );
                    assert_eq!(
                        after["workflow_id"].is_string(),
                        scope["workflow"].is_string()
                    );
                }
                assert!(accepted(gateway, 0, &new.token).await);
                assert!(!accepted(gateway, 0, &old.token).await);
            }
        }
    }
}

async fn r8_r9_the_successor_keeps_the_name_from_others(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for scope in [json!({}), json!({ "project": SHOP })] {
        let mut body = scope.clone();
        body["name"] = json!("deploy");
        let old = organization.mint(gateway, &body).await;
        for overlap in ["1h", "0"] {
            let old = if overlap == "0" {
                organization.revoke(gateway, &old.id).await;
                // The successor of before has the name; it is rotated in turn.
                let holder = organization.tokens(gateway, "").await;
                let holder = holder.iter().find(|row| {
                    row["name"] == "deploy"
                        && row["project"].is_null() == scope["project"].is_null()
                });
                holder.expect("the successor")["id"]
                    .as_str()
                    .expect("an id")
                    .to_owned()
            } else {
                old.id.clone()
            };
            let new = organization
                .rotate(gateway, &old, &json!({ "overlap": overlap }))
                .await;
            assert_eq!(new.answer["name"], "deploy");
            let taken = organization.minting(gateway, &body);
            taken.send().await.problem(409, "name_taken");
        }
        for row in organization.tokens(gateway, "").await {
            organization
                .revoke(gateway, row["id"].as_str().expect("an id"))
                .await;
        }
        organization.mint(gateway, &body).await;
    }
}

async fn r9_r27_a_rotation_at_the_ceiling_goes_through(suite: &Suite) {
    let gateway = &suite.gateway;
    let ceiling = json!({ "mint_ceiling": 2 });
    let organization = Organization::with(gateway, &suite.keys.admin, &ceiling).await;
    let first = organization.mint(gateway, &json!({})).await;
    let second = organization.mint(gateway, &json!({})).await;
    let full = async || {
        let call = organization.minting(gateway, &json!({}));
        call.send().await.problem(429, "mint_ceiling_reached");
    };
    full().await;
    let third = organization.rotate(gateway, &first.id, &json!({})).await;
    full().await;
    let fourth = organization
        .rotate(gateway, &second.id, &json!({ "overlap": "1h" }))
        .await;
    full().await;
    assert_eq!(
        organization.token_ids(gateway, "").await,
        ids([&second, &third, &fourth]),
        "a token that is being rotated out does not count"
    );
    organization.revoke(gateway, &second.id).await;
    full().await;
    organization.revoke(gateway, &third.id).await;
    organization.mint(gateway, &json!({})).await;
    full().await;
}

async fn r9_rotations_at_the_same_time_make_one_successor(suite: &Suite) {
    let gateway = &suite.gateway;
    for (format, overlap) in [("opaque", "0"), ("jwt", "1h")].into_iter().cycle().take(6) {
        let organization = suite.organization().await;
        let old = organization.mint_for_release(gateway, format).await;
        let path = format!("/org/tokens/{}/rotate", old.id);
        let rotations: Vec<_> = (0..ISOLATES * 2)
            .map(|index| {
                let call = organization.call_on(gateway, index % ISOLATES, "POST", &path);
                let call = call.json(&json!({ "overlap": overlap }));
                tokio::spawn(call.send())
            })
            .collect();
        let mut successors = Vec::new();
        for rotation in rotations {
            let answer = rotation.await.expect("an answer");
            if answer.status == 201 {
                successors.push(Minted::of(answer.json(201)));
            } else {
                answer.problem(409, "token_not_live");
            }
        }
        assert_eq!(successors.len(), 1, "{format}");
        assert_live(gateway, &successors[0], "the one successor").await;
        let active = organization.token_ids(gateway, "").await;
        if overlap == "0" {
            assert_dead(gateway, &old, "rotated").await;
            assert_eq!(active, ids(&successors));
        } else {
            assert_live(gateway, &old, "in the overlap").await;
            assert_eq!(active, ids([&old, &successors[0]]));
        }
    }
}

async fn r9_generations_follow_each_other(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut generations = vec![organization.mint_for_release(gateway, "opaque").await];
    for _ in 0..5 {
        let last = generations.last().expect("one");
        let next = organization.rotate(gateway, &last.id, &json!({})).await;
        generations.push(next);
    }
    let (last, old) = generations.split_last().expect("six");
    assert_live(gateway, last, "the youngest").await;
    for token in old {
        assert_dead(gateway, token, "rotated").await;
    }
    assert_eq!(organization.token_ids(gateway, "").await, ids([last]));
    assert_eq!(
        organization.token_ids(gateway, "status=revoked").await,
        ids(old)
    );
}
