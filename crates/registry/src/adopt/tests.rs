//! Adoptions as rows: what is refused and why, what a refusal costs, and what is registered.

use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::testing::{self, World, now_or_never, project, workflow};
use postern_domain::audit::Requester;
use postern_domain::keys::KeyRing;
use postern_domain::policy::{Policy, defaults};
use postern_gate::origin_tokens::{claims, claims_with, id, in_project, in_workflow, jwt, sign};
use postern_ledger::MintAnswer;

mod registered;

const ANOTHER: &str = "00000000-0000-0000-0000-000000000063";

fn from() -> Client {
    Client {
        bucket: "192.0.2.1".to_owned(),
        requester: Requester {
            actor: "admin-token".to_owned(),
            tier: "administrator-key".to_owned(),
            address: Some("192.0.2.1".to_owned()),
            user_agent: None,
            request_id: "r".to_owned(),
        },
    }
}

fn try_adopt_as(caller: &Caller, world: &World, body: &Value) -> Result<Value> {
    let (config, body) = (testing::config(), body.to_string());
    let answer = adopt(
        caller,
        Some("acme"),
        body.as_bytes(),
        from(),
        &config,
        world,
    );
    let view = now_or_never(answer)?;
    Ok(serde_json::to_value(&view).expect("an answer serializes"))
}

fn try_adopt(world: &World, body: &Value) -> Result<Value> {
    try_adopt_as(&Caller::Administrator(None), world, body)
}

/// A body with the token of these claims.
fn body_of(claims: &Value, more: &Value) -> Value {
    let mut body = more.clone();
    body["token"] = json!(jwt(claims));
    body
}

fn with(changes: Value) -> Value {
    body_of(&claims_with(&changes), &json!({}))
}

/// A caller of this scope with these policies and this end.
fn holder(scope: Scope, policies: Vec<Policy>, expires_at: Option<Timestamp>) -> Caller {
    let mut facts = postern_gate::origin_tokens::adopted(&claims(), scope);
    facts.id = Id::from_u128(0x99);
    facts.verifier = Verifier::Jwt { signed: None };
    facts.policies = policies;
    facts.expires_at = expires_at;
    Caller::Token(Rc::new(facts))
}

fn organization_token() -> Caller {
    holder(Scope::Organization, defaults(&Scope::Organization), None)
}

#[test]
fn r39_what_cannot_be_adopted_is_refused_before_it_costs_anything() {
    let other_ring =
        KeyRing::parse("k1:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk").expect("a ring");
    let ours = testing::config().token_keys;
    let token = |text: String| json!({ "token": text });
    let (plain, named) = (
        json!({ "alg": "HS256" }),
        json!({ "alg": "HS256", "kid": "k1" }),
    );
    let now = World::new().now.get() / 1000;
    let mut wordless = in_workflow();
    wordless["project_id"] = json!(null);
    wordless["project_name"] = json!(null);
    let rows = [
        (json!({}), "body_invalid"),
        (token("garbage".to_owned()), "jwt_invalid"),
        (token(String::new()), "jwt_invalid"),
        (token("a.b.c".to_owned()), "jwt_invalid"),
        (token("x".repeat(9_000)), "jwt_invalid"),
        (token(testing::ADMIN.to_owned()), "jwt_invalid"),
        (
            token(sign(&json!({ "alg": "none" }), &claims(), &ours)),
            "jwt_invalid",
        ),
        (
            token(sign(
                &json!({ "alg": "HS256", "crit": [] }),
                &claims(),
                &ours,
            )),
            "jwt_invalid",
        ),
        (
            token(sign(&plain, &claims(), &other_ring)),
            "jwt_key_unknown",
        ),
        (
            token(sign(&named, &claims(), &other_ring)),
            "jwt_key_unknown",
        ),
        (token(sign(&named, &claims(), &ours)), "jwt_not_adoptable"),
        (with(json!({ "jti": "7" })), "jwt_invalid"),
        (with(json!({ "exp": 1_i64 << 53 })), "jwt_invalid"),
        (with(json!({ "nbf": i64::MAX })), "jwt_invalid"),
        (with(json!({ "iss": "somebody" })), "jwt_invalid"),
        (with(json!({ "workflow_id": ANOTHER })), "jwt_invalid"),
        (
            with(json!({ "aud": "user-auth.chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            with(json!({ "aud": "attestations.chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            with(json!({ "aud": "client.chainloop" })),
            "jwt_not_adoptable",
        ),
        (with(json!({ "aud": "chainloop" })), "jwt_not_adoptable"),
        (
            with(json!({ "aud": ["api-token-auth.chainloop", "user-auth.chainloop"] })),
            "jwt_not_adoptable",
        ),
        (
            with(json!({ "scope": "INSTANCE_ADMIN", "org_id": "", "org_name": "" })),
            "jwt_not_adoptable",
        ),
        (with(wordless), "jwt_not_adoptable"),
        (with(json!({ "nbf": now + 60 })), "jwt_not_adoptable"),
        (with(json!({ "exp": now })), "token_expired_already"),
        (with(json!({ "exp": 0 })), "token_expired_already"),
        (with(json!({ "org_id": ANOTHER })), "organization_conflict"),
        (with(json!({ "org_id": "acme" })), "organization_conflict"),
        (body_of(&claims(), &json!({ "name": " " })), "name_invalid"),
        (
            body_of(&claims(), &json!({ "workflow": "release" })),
            "workflow_without_project",
        ),
        (
            body_of(&claims(), &json!({ "project": "nothing" })),
            "not_found",
        ),
        (
            body_of(
                &claims(),
                &json!({ "project": "other", "workflow": "release" }),
            ),
            "workflow_of_other_project",
        ),
        (
            body_of(&claims_with(&in_project()), &json!({ "project": "other" })),
            "scope_conflict",
        ),
        (
            body_of(
                &claims_with(&in_workflow()),
                &json!({ "workflow": "other" }),
            ),
            "scope_conflict",
        ),
    ];
    for (body, code) in rows {
        let world = World::new();
        let error = try_adopt(&world, &body).expect_err(code);
        assert_eq!(error.code(), code, "{body}: {}", error.public());
        assert_eq!(world.take_asked(), Vec::<String>::new(), "{body}");
        if let Some(token) = body["token"].as_str().filter(|text| text.len() > 10) {
            let told = format!("{}{}{error:?}", error.public(), error.private());
            assert!(!told.contains(token), "{told}");
        }
    }
}

#[test]
fn r39_a_leeway_of_uses_is_none_of_adoptions() {
    let world = World::new();
    let mut config = testing::config();
    config.jwt_leeway_seconds = 60;
    let body = with(json!({ "exp": world.now.get() / 1000 - 5 })).to_string();
    let admin = Caller::Administrator(None);
    let answer = adopt(
        &admin,
        Some("acme"),
        body.as_bytes(),
        from(),
        &config,
        &world,
    );
    let error = now_or_never(answer).expect_err("expired");
    assert_eq!(error.code(), "token_expired_already");
}

#[test]
fn r39_places_that_the_claims_name_are_here_under_the_same_ids() {
    let change = |mut members: Value, name: &str, value: &str| {
        members[name] = json!(value);
        with(members)
    };
    let project_id = project().id.to_string();
    let rows = [
        (
            change(in_project(), "project_name", "nothing"),
            "not_registered",
            format!(
                "the token is for the project `nothing`, which is not registered here: create it first, with the id {project_id}"
            ),
        ),
        (
            change(in_workflow(), "workflow_name", "nothing"),
            "not_registered",
            format!(
                "the token is for the workflow `nothing`, which is not registered here: create it first, with the id {}",
                workflow().id
            ),
        ),
        (
            change(in_project(), "project_id", ANOTHER),
            "claims_conflict",
            format!("the project `shop` has the id {ANOTHER} in the token, and {project_id} here"),
        ),
        (
            change(in_project(), "project_id", "shop"),
            "claims_conflict",
            format!("the project `shop` has the id shop in the token, and {project_id} here"),
        ),
        (
            change(in_workflow(), "workflow_id", ANOTHER),
            "claims_conflict",
            format!(
                "the workflow `release` has the id {ANOTHER} in the token, and {} here",
                workflow().id
            ),
        ),
        // The registry has a workflow of this name, in another project.
        (
            with(json!({
                "project_id": "00000000-0000-0000-0000-000000000014", "project_name": "other",
                "workflow_id": ANOTHER, "workflow_name": "release",
            })),
            "not_registered",
            format!(
                "the token is for the workflow `release`, which is not registered here: create it first, with the id {ANOTHER}"
            ),
        ),
    ];
    for (body, code, sentence) in rows {
        let world = World::new();
        let error = try_adopt(&world, &body).expect_err(code);
        assert_eq!((error.code(), error.public()), (code, sentence));
        assert_eq!(world.take_asked(), Vec::<String>::new());
    }
}

#[test]
fn r26_r39_a_refusal_by_the_ledger_gives_the_take_back() {
    let rows = [
        (MintAnswer::IdTaken { revoked: false }, "already_adopted"),
        (MintAnswer::IdTaken { revoked: true }, "token_revoked"),
        (
            MintAnswer::CeilingReached { ceiling: 5 },
            "mint_ceiling_reached",
        ),
    ];
    for (answer, code) in rows {
        let world = World::new();
        *world.mint_answer.borrow_mut() = answer;
        let error = try_adopt(&world, &with(json!({}))).expect_err(code);
        assert_eq!(error.code(), code);
        assert_eq!(world.bucket.get(), 10, "{code}");
    }
    let world = World::new();
    world.bucket.set(0);
    let error = try_adopt(&world, &with(json!({}))).expect_err("empty");
    assert_eq!(error.code(), "mint_rate_exceeded");
    assert_eq!(world.take_asked(), ["take 192.0.2.1"]);
}

#[test]
fn r16_r18_r39_it_takes_what_minting_the_effective_scope_takes() {
    let all = |texts: &[&str]| -> Vec<Policy> {
        texts
            .iter()
            .map(|text| Policy::parse(text).expect("a policy"))
            .collect()
    };
    let whole = all(&["org_api_token:create"]);
    let project_scope = || Scope::Project { project: project() };
    let (wide, narrow) = (json!({}), json!({ "project": "shop" }));
    let rows = [
        (organization_token(), &wide, Some("project_required")),
        (organization_token(), &narrow, None),
        (
            holder(Scope::Organization, whole.clone(), None),
            &wide,
            None,
        ),
        (
            holder(Scope::Organization, whole, None),
            &narrow,
            Some("operation_not_allowed"),
        ),
        (
            holder(Scope::Organization, Vec::new(), None),
            &narrow,
            Some("operation_not_allowed"),
        ),
        (
            holder(project_scope(), defaults(&Scope::Organization), None),
            &narrow,
            Some("operation_not_allowed"),
        ),
    ];
    for (caller, asked, expected) in rows {
        let world = World::new();
        let answer = try_adopt_as(&caller, &world, &body_of(&claims(), asked));
        let code = answer.as_ref().err().map(Error::code);
        assert_eq!(code, expected, "{caller:?} {asked}");
    }
    // Policies: of the defaults, those that the adopter holds.
    let held = all(&["project_api_token:create", "cas_artifact:read", "x:y"]);
    let caller = holder(Scope::Organization, held, None);
    let answer = try_adopt_as(&caller, &World::new(), &body_of(&claims(), &narrow));
    let answer = answer.expect("adopts");
    assert_eq!(answer["policies"], json!(["cas_artifact:read"]));
    assert_eq!(answer["created_by"], "org-token:jwt_00000000");
}

#[test]
fn r18_r39_no_adoption_outlives_its_adopter() {
    let now = World::new().now.get();
    let end = Timestamp::from_millis(now + 10_000);
    let caller = holder(
        Scope::Organization,
        defaults(&Scope::Organization),
        Some(end),
    );
    let body = |exp: Value| {
        body_of(
            &claims_with(&json!({ "exp": exp })),
            &json!({ "project": "shop" }),
        )
    };
    let rows = [
        (json!(now / 1000 + 5), Ok(now + 5_000)),
        (json!(now / 1000 + 10), Ok(now + 10_000)),
        (json!(now / 1000 + 11), Err("lifetime_exceeded")),
        (json!((1_i64 << 53) - 1), Err("lifetime_exceeded")),
        // One without an end gets the adopter's.
        (Value::Null, Ok(now + 10_000)),
    ];
    for (exp, expected) in rows {
        let world = World::new();
        let answer = try_adopt_as(&caller, &world, &body(exp.clone()));
        let minted = world.minted.borrow();
        let end = minted.first().and_then(|command| command.facts.expires_at);
        let told = answer
            .map(|_| end.map_or(0, Timestamp::as_millis))
            .map_err(|error| error.code());
        assert_eq!(told, expected, "{exp}");
    }
    let world = World::new();
    let answer = try_adopt(&world, &body(json!((1_i64 << 53) - 1))).expect("the administrator may");
    assert_eq!(answer["expires_at"], "9999-12-31T23:59:59Z");
}

#[test]
fn r39_whose_an_old_token_is_only_an_administrator_can_say() {
    for old in [
        json!({ "org_id": null, "org_name": null }),
        json!({ "org_id": "" }),
    ] {
        let body = body_of(&claims_with(&old), &json!({ "project": "shop" }));
        let world = World::new();
        let error = try_adopt_as(&organization_token(), &world, &body).expect_err("unclaimed");
        assert_eq!(error, Denial::Unclaimed.into());
        assert_eq!(error.code(), "organization_unclaimed");
        assert_eq!(world.take_asked(), Vec::<String>::new());
        let answer = try_adopt(&world, &body).expect("adopts");
        assert_eq!(answer["organization"]["name"], "acme");
    }
}
