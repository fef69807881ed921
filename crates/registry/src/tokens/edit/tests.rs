//! Edits in the world of the tests: what is read, who may, and what is answered (R53).

use serde_json::{Value, json};

use super::*;
use crate::testing::{World, facts, now_or_never, project, requester};
use postern_domain::scope::Scope;

const RANGE: &str = "203.0.113.0/24";

/// A token of the project, which a manager of the project's tokens edits.
fn edited(body: &Value) -> Result<Value> {
    let world = World::new();
    let token = TokenFacts {
        policies: vec![Policy::parse("workflow:*").expect("a policy")],
        ..facts(7, Scope::Project { project: project() })
    };
    world.keep(token.clone());
    edited_by(
        &world,
        &manager(&["project_api_token:revoke"]),
        &token,
        body,
    )
}

fn manager(policies: &[&str]) -> Caller {
    let mut manager = facts(8, Scope::Organization);
    manager.policies = policies
        .iter()
        .map(|text| Policy::parse(text).expect("a policy"))
        .collect();
    Caller::Token(manager.into())
}

fn edited_by(world: &World, caller: &Caller, token: &TokenFacts, body: &Value) -> Result<Value> {
    let (id, body) = (token.id.to_string(), body.to_string());
    let meant = (body.as_bytes(), requester());
    let told = now_or_never(edit(caller, None, &id, meant, world))?;
    Ok(serde_json::to_value(told).expect("serializes"))
}

#[test]
fn r53_an_edit_answers_with_the_token_as_it_is() {
    let body = json!({
        "name": "deploy", "description": "of the shop", "policies": ["workflow:read"],
        "address_ranges": [RANGE], "calls_per_minute": 60,
    });
    let told = edited(&body).expect("narrower");
    for (member, expected) in body.as_object().expect("an object") {
        assert_eq!(&told[member], expected, "{member}");
    }
    assert_eq!(told["expires_at"], Value::Null);
    // A condition that is not set is left out, as in other views.
    let told = edited(&json!({ "name": "deploy" })).expect("renamed");
    assert_eq!(told.get("address_ranges"), None);
    assert_eq!(told.get("calls_per_minute"), None);
}

#[test]
fn r53_what_an_edit_is_refused_for() {
    let many: Vec<String> = (0..33).map(|n| format!("10.0.0.{n}")).collect();
    let rows = [
        (json!({}), "edit_empty"),
        (json!({ "name": null }), "edit_empty"),
        (json!({ "name": "" }), "name_invalid"),
        (json!({ "description": "\u{1}" }), "description_invalid"),
        (json!({ "policies": ["x"] }), "policies_invalid"),
        (json!({ "policies": ["workflow:fly"] }), "policy_unknown"),
        (
            json!({ "policies": ["org_api_token:create"] }),
            "edit_widens",
        ),
        (json!({ "expires_in": "soon" }), "expires_in_invalid"),
        (
            json!({ "expires_at": "1970-01-01T00:00:00Z" }),
            "expiry_in_the_past",
        ),
        (
            json!({ "address_ranges": ["203.0.113.7/24"] }),
            "address_ranges_invalid",
        ),
        (json!({ "address_ranges": many }), "address_ranges_invalid"),
        (json!({ "calls_per_minute": 0 }), "calls_per_minute_invalid"),
        (
            json!({ "calls_per_minute": 1_000_001 }),
            "calls_per_minute_invalid",
        ),
        (json!({ "calls_per_minute": -1 }), "body_invalid"),
        (json!({ "scope": "organization" }), "body_invalid"),
    ];
    for (body, code) in rows {
        let refused = edited(&body).expect_err("refused");
        assert_eq!(refused.code(), code, "{body}");
    }
}

#[test]
fn r53_who_may_revoke_a_token_may_edit_it_and_nobody_else() {
    let rows = [
        (&["project_api_token:revoke"][..], None),
        (&["project_api_token:*"], None),
        (&["project_api_token:create"], Some("operation_not_allowed")),
        (&["project_api_token:list"], Some("operation_not_allowed")),
        (&[], Some("operation_not_allowed")),
    ];
    for (policies, refusal) in rows {
        let world = World::new();
        let token = facts(7, Scope::Project { project: project() });
        world.keep(token.clone());
        let body = json!({ "calls_per_minute": 1 });
        let told = edited_by(&world, &manager(policies), &token, &body);
        let code = told.err().map(|error| error.code());
        assert_eq!(code, refusal, "{policies:?}");
    }
}

#[test]
fn r16_an_organization_token_is_not_edited_by_who_manages_project_tokens() {
    let world = World::new();
    let token = facts(7, Scope::Organization);
    world.keep(token.clone());
    let caller = manager(&["project_api_token:*"]);
    let told = edited_by(&world, &caller, &token, &json!({ "calls_per_minute": 1 }));
    assert_eq!(told.expect_err("refused").code(), "organization_token");
    // R10: a system token is not there.
    let system = TokenFacts {
        is_system: true,
        ..facts(9, Scope::Project { project: project() })
    };
    world.keep(system.clone());
    let told = edited_by(&world, &caller, &system, &json!({ "calls_per_minute": 1 }));
    assert_eq!(told.expect_err("refused").code(), "not_found");
}
