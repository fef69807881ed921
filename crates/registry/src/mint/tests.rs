//! Mint requests as rows: what is refused and why, and what a refusal costs.

use serde_json::{Value, json};

use super::*;
use crate::testing::{self, World, now_or_never};
use postern_domain::id::Id;
use postern_domain::name::TokenName;
use postern_domain::time::Timestamp;

fn from() -> Client {
    Client {
        bucket: "192.0.2.1".to_owned(),
        requester: Requester {
            actor: "admin-token".to_owned(),
            tier: "admin".to_owned(),
            address: Some("192.0.2.1".to_owned()),
            user_agent: None,
            request_id: "r".to_owned(),
        },
    }
}

fn try_mint(world: &World, body: &str) -> Result<Value> {
    let config = testing::config();
    let caller = Caller::Administrator(None);
    let minted = now_or_never(mint(
        &caller,
        Some("acme"),
        body.as_bytes(),
        from(),
        &config,
        world,
    ))?;
    Ok(serde_json::to_value(&minted).expect("an answer serializes"))
}

#[test]
fn wrong_requests_are_refused_before_they_cost_anything() {
    let long_name = json!({ "name": "x".repeat(101) }).to_string();
    let long_description = json!({ "description": "x".repeat(501) }).to_string();
    let many = json!({ "policies": vec!["a:b"; 101] }).to_string();
    let rows = [
        (r#"{"policies":["workflw_run:read"]}"#, "policy_unknown"),
        (r#"{"policies":["workflow:read","b:*"]}"#, "policy_unknown"),
        ("{", "body_invalid"),
        ("[]", "body_invalid"),
        (r#"{"nam":"x"}"#, "body_invalid"),
        (r#"{"name":"x","name":"y"}"#, "body_invalid"),
        (r#"{"format":"saml"}"#, "body_invalid"),
        (r#"{"address_ranges":[]}"#, "address_ranges_invalid"),
        (&long_name, "name_invalid"),
        (r#"{"name":" "}"#, "name_invalid"),
        (&long_description, "description_invalid"),
        (r#"{"workflow":"release"}"#, "workflow_without_project"),
        (
            r#"{"project":"other","workflow":"release"}"#,
            "workflow_of_other_project",
        ),
        (r#"{"project":"shop","workflow":"nothing"}"#, "not_found"),
        (r#"{"project":"nothing"}"#, "not_found"),
        (r#"{"expires_at":"tomorrow"}"#, "expires_at_invalid"),
        (
            r#"{"expires_at":"2001-01-01T00:00:00Z"}"#,
            "expiry_in_the_past",
        ),
        (r#"{"expires_in":"soon"}"#, "expires_in_invalid"),
        (
            r#"{"expires_in":"1h","expires_at":"2099-01-01T00:00:00Z"}"#,
            "expiry_ambiguous",
        ),
        (r#"{"policies":["everything"]}"#, "policies_invalid"),
        (&many, "policies_invalid"),
    ];
    for (body, code) in rows {
        let world = World::new();
        let error = try_mint(&world, body).expect_err(body);
        assert_eq!(error.code(), code, "{body}");
        assert_eq!(world.take_asked(), Vec::<String>::new(), "{body}");
    }
}

#[test]
fn r8_an_empty_body_mints_with_a_generated_name() {
    let world = World::new();
    let minted = try_mint(&world, "").expect("mints");
    let id = minted["id"].as_str().expect("an id");
    let digits = id.split('-').next().expect("digits");
    assert_eq!(minted["name"], format!("token-{digits}"));
    assert_eq!(minted["project"], Value::Null);
    assert_eq!(
        world.take_asked(),
        ["take 192.0.2.1", "mint", &format!("publish token-{digits}")]
    );
}

#[test]
fn r2_the_stored_facts_verify_the_answer_and_do_not_contain_it() {
    for format in ["opaque", "jwt"] {
        let world = World::new();
        let body = json!({ "format": format, "project": "shop", "workflow": "release" });
        let minted = try_mint(&world, &body.to_string()).expect("mints");
        let token = minted["token"].as_str().expect("a token");
        let command = world.minted.borrow().first().cloned().expect("one command");
        let stored = serde_json::to_string(&command).expect("serializes");
        assert!(!stored.contains(token), "{format}");
        world.keep(command.facts);
        let config = testing::config();
        let header = format!("Bearer {token}");
        let presented = crate::authenticate::present(Some(&header), &config, world.now());
        let admitted = now_or_never(crate::authenticate::admit(
            &std::rc::Rc::new(presented.expect("well formed")),
            crate::authenticate::About::Nothing,
            (postern_ledger::Purpose::Manage, None),
            crate::body::READ,
            &mut None,
            &world,
        ));
        assert!(admitted.is_ok(), "{format}: {admitted:?}");
        assert_eq!(minted["format"], format);
        assert_eq!(minted["workflow"]["name"], "release");
    }
}

#[test]
fn r7_expiry_is_kept_in_whole_seconds() {
    let world = World::new();
    world.now.set(1_800_000_000_900);
    let minted = try_mint(&world, r#"{"expires_in":"90d"}"#).expect("mints");
    let command = world.minted.borrow().first().cloned().expect("one command");
    assert_eq!(
        command.facts.expires_at.map(Timestamp::as_millis),
        Some(1_800_000_000_000 + 7_776_000_000)
    );
    assert_eq!(minted["expires_at"], "2027-04-15T08:00:00Z");
    // Less than a second away is already past once floored.
    let error = try_mint(&world, r#"{"expires_at":"2027-01-15T08:00:00.950Z"}"#).expect_err("past");
    assert_eq!(error.code(), "expiry_in_the_past");
}

#[test]
fn r21_r27_provenance_and_ceiling_reach_the_ledger() {
    let world = World::new();
    try_mint(
        &world,
        r#"{"name":"ci","system":true,"policies":["workflow:read","cas_artifact:read","workflow:read"]}"#,
    )
    .expect("mints");
    let command = world.minted.borrow().first().cloned().expect("one command");
    assert_eq!(command.created_by, "admin-token");
    assert_eq!(command.ceiling, 100);
    assert_eq!(command.facts.name, TokenName::parse("ci").expect("good"));
    assert!(command.facts.is_system);
    let policies: Vec<String> = command
        .facts
        .policies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(policies, ["cas_artifact:read", "workflow:read"]);
    assert_eq!(command.facts.organization.id, Id::from_u128(1));
}

#[test]
fn r26_a_refusal_by_the_ledger_gives_the_take_back() {
    let rows = [
        (MintAnswer::NameTaken, "name_taken", 10),
        (
            MintAnswer::CeilingReached { ceiling: 5 },
            "mint_ceiling_reached",
            10,
        ),
        // Something may have been written: the take is spent.
        (
            MintAnswer::RecordUnavailable {
                cause: "D1".to_owned(),
            },
            "unavailable",
            9,
        ),
    ];
    for (answer, code, left) in rows {
        let world = World::new();
        *world.mint_answer.borrow_mut() = answer;
        let error = try_mint(&world, "").expect_err(code);
        assert_eq!(error.code(), code);
        assert_eq!(world.bucket.get(), left, "{code}");
    }
}

#[test]
fn r26_an_empty_bucket_stops_the_mint_before_the_ledger() {
    let world = World::new();
    world.bucket.set(0);
    let error = try_mint(&world, "").expect_err("empty");
    assert_eq!(
        error,
        Error::MintRate {
            limit: 10,
            retry_after_seconds: 360
        }
    );
    assert_eq!(world.take_asked(), ["take 192.0.2.1"]);
}

#[test]
fn the_administrator_names_the_organization() {
    let world = World::new();
    let config = testing::config();
    for (named, code) in [
        (None, "organization_required"),
        (Some("nobody"), "not_found"),
    ] {
        let minted = mint(
            &Caller::Administrator(None),
            named,
            b"",
            from(),
            &config,
            &world,
        );
        let error = now_or_never(minted).err().expect("refused");
        assert_eq!(error.code(), code);
    }
}

/// What the Ledger has done is not known then, so it is undone: nobody has the plaintext.
#[test]
fn r2_a_token_whose_creation_is_not_answered_is_revoked() {
    let world = World::new();
    world.answers_lost.set(true);
    let error = try_mint(&world, r#"{"name":"ci"}"#).expect_err("no answer");
    assert_eq!(error.code(), "unavailable");
    let created = world
        .minted
        .borrow()
        .first()
        .map(|command| command.facts.id);
    let revoke = format!("revoke {}", created.expect("a token that nobody has"));
    assert_eq!(world.take_asked(), ["take 192.0.2.1", "mint", &revoke]);
    assert_eq!(world.bucket.get(), 9, "something was written");
}

#[test]
fn r9_a_successor_whose_rotation_is_not_answered_is_revoked() {
    let world = World::new();
    world.answers_lost.set(true);
    let old = testing::facts(7, Scope::Organization);
    let id = old.id.to_string();
    world.keep(old);
    let (admin, config) = (Caller::Administrator(None), testing::config());
    let rotated = crate::tokens::rotate(&admin, Some("acme"), &id, b"", from(), &config, &world);
    let error = now_or_never(rotated).err().expect("no answer");
    assert_eq!(error.code(), "unavailable");
    let rotated = world.rotated.borrow();
    let successor = rotated.first().map(|command| command.mint.facts.id);
    let revoke = format!("revoke {}", successor.expect("a token that nobody has"));
    let asked = world.take_asked();
    assert_eq!(asked, ["describe", "take 192.0.2.1", "rotate", &revoke]);
}
