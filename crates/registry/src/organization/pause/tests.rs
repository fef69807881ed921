//! Who can pause and resume, what is asked of the Ledger, and what everybody else meets meanwhile (R53).

use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::explain::explain;
use crate::mint::{Client, mint};
use crate::oauth::{introspect, revoke_own};
use crate::testing::{self, World, facts, now_or_never, requester};
use crate::{body, tokens};
use postern_domain::caller::Session;
use postern_domain::id::Id;
use postern_domain::policy::Policy;
use postern_domain::role::policies_of;
use postern_domain::scope::Scope;
use postern_domain::session::UserId;
use postern_gate::credential::present;
use postern_wire::jwt;

fn session(role: &str) -> Caller {
    Caller::Session(Rc::new(Session {
        user: UserId::parse("u1").expect("an id"),
        organization: testing::organization().named(),
        policies: policies_of(role),
    }))
}

fn token(scope: Scope, policies: &[&str]) -> Caller {
    let mut facts = facts(8, scope);
    facts.policies = policies
        .iter()
        .map(|text| Policy::parse(text).expect("a policy"))
        .collect();
    Caller::Token(Rc::new(facts))
}

fn paused(caller: &Caller, named: Option<&str>, body: &str, world: &World) -> Result<Value> {
    let meant = (requester(), false);
    let paused = pause(caller, named, body.as_bytes(), meant, world);
    Ok(serde_json::to_value(now_or_never(paused)?).expect("JSON"))
}

fn resumed(caller: &Caller, named: Option<&str>, world: &World) -> Result<Value> {
    let resumed = resume(caller, named, requester(), world);
    Ok(serde_json::to_value(now_or_never(resumed)?).expect("JSON"))
}

fn code<T>(outcome: Result<T>) -> Option<&'static str> {
    outcome.err().map(|error| error.code())
}

#[test]
fn r53_who_can_pause_and_who_can_resume() {
    let denied = Some("operation_not_allowed");
    let project = Scope::Project {
        project: testing::project(),
    };
    let both = ["organization_pause:create", "organization_pause:delete"];
    let rows = [
        (Caller::Administrator(None), None, None),
        (session("owner"), None, None),
        (session("admin"), None, None),
        (session("member"), denied, denied),
        (session("viewer"), denied, denied),
        (Caller::Bootstrap, denied, denied),
        (token(Scope::Organization, &both), None, None),
        (token(Scope::Organization, &both[..1]), None, denied),
        (token(Scope::Organization, &both[1..]), denied, None),
        // The control plane's resource is another one.
        (
            token(Scope::Organization, &["organization:*"]),
            denied,
            denied,
        ),
        (
            token(Scope::Organization, &["org_api_token:*"]),
            denied,
            denied,
        ),
        (token(project, &both), denied, denied),
    ];
    for (caller, pauses, resumes) in rows {
        let world = World::new();
        let named = Some("acme");
        assert_eq!(
            code(paused(&caller, named, "", &world)),
            pauses,
            "{caller:?}"
        );
        assert_eq!(code(resumed(&caller, named, &world)), resumes, "{caller:?}");
        let asked = world.take_asked();
        let told = |word: &str| asked.iter().any(|asked| asked.starts_with(word));
        assert_eq!(told("pause"), pauses.is_none(), "{asked:?}");
        assert_eq!(told("resume"), resumes.is_none(), "{asked:?}");
    }
}

#[test]
fn r53_a_caller_of_one_organization_stops_no_other_one() {
    let world = World::new();
    let caller = token(Scope::Organization, &["organization_pause:*"]);
    for named in ["globex", "ACME"] {
        let other = Some("other_organization");
        assert_eq!(code(paused(&caller, Some(named), "", &world)), other);
        assert_eq!(code(resumed(&caller, Some(named), &world)), other);
    }
    assert!(world.take_asked().is_empty());
    for named in [None, Some("acme"), Some(" acme "), Some(" ")] {
        assert_eq!(code(paused(&caller, named, "", &world)), None, "{named:?}");
    }
    let admin = Caller::Administrator(None);
    let unnamed = code(paused(&admin, None, "", &world));
    assert_eq!(unnamed, Some("organization_required"));
}

#[test]
fn r53_a_pause_says_why_and_a_wrong_reason_is_refused() {
    let world = World::new();
    let admin = Caller::Administrator(None);
    let long = json!({ "reason": "x".repeat(201) }).to_string();
    for (body, expected) in [
        (long.as_str(), "reason_invalid"),
        (r#"{"reason":"a\u0000b"}"#, "reason_invalid"),
        (r#"{"why":"x"}"#, "body_invalid"),
        (r#"{"reason":7}"#, "body_invalid"),
    ] {
        let refused = code(paused(&admin, Some("acme"), body, &world));
        assert_eq!(refused, Some(expected), "{body}");
    }
    assert!(world.take_asked().is_empty());
    let told = paused(&admin, Some("acme"), r#"{"reason":" a leak "}"#, &world);
    let told = told.expect("paused");
    assert_eq!(told["organization"], "acme");
    assert_eq!(told["reason"], "a leak");
    assert_eq!(told["paused_by"], "admin-token");
    assert_eq!(told["final_at"], told["paused_at"]);
    let asked = world.take_asked();
    assert_eq!(asked, [r#"pause admin-token Some("a leak") false"#]);
    let meant = (requester(), true);
    let early = pause(&admin, Some("acme"), b"", meant, &world);
    let early = serde_json::to_value(now_or_never(early).expect("paused")).expect("JSON");
    assert_ne!(early["final_at"], early["paused_at"]);
    assert_eq!(early["reason"], "a leak", "the first one stands");
    let resumed_at = |told: Result<Value>| told.expect("resumed")["resumed_at"].clone();
    assert!(resumed_at(resumed(&admin, Some("acme"), &world)).is_string());
    assert_eq!(
        resumed_at(resumed(&admin, Some("acme"), &world)),
        Value::Null
    );
}

#[test]
fn r53_in_a_pause_nobody_creates_a_token_and_the_address_gets_its_take_back() {
    let world = World::new();
    let config = testing::config();
    let old = facts(7, Scope::Organization);
    let id = old.id.to_string();
    world.keep(old);
    let from = || Client {
        bucket: "192.0.2.1".to_owned(),
        requester: requester(),
    };
    let admin = Caller::Administrator(None);
    paused(&admin, Some("acme"), "", &world).expect("paused");
    let before = world.bucket.get();
    let minted = now_or_never(mint(&admin, Some("acme"), b"", from(), &config, &world));
    assert_eq!(code(minted), Some("organization_paused"));
    assert_eq!(world.bucket.get(), before);
    let rotated = tokens::rotate(&admin, Some("acme"), &id, b"", from(), &config, &world);
    assert_eq!(code(now_or_never(rotated)), Some("organization_paused"));
    assert!(world.minted.borrow().is_empty() && world.rotated.borrow().is_empty());
}

#[test]
fn r53_a_paused_token_is_explained_not_active_and_can_be_revoked() {
    let world = World::new();
    let config = testing::config();
    let facts = facts(7, Scope::Organization);
    let issued = jwt::issue(&facts, &config.token_keys).expect("issues");
    let header = format!("Bearer {}", issued.token.expose());
    world.keep(postern_domain::token::TokenFacts {
        verifier: issued.verifier,
        ..facts
    });
    let now = crate::ports::Clock::now(&world);
    let presented = Rc::new(present(Some(&header), &config, now).expect("a token"));
    let explained = || {
        let question: &[u8] = br#"{"operation":"token.list"}"#;
        let mut known = None;
        let read = body::READ;
        let told = explain(
            &presented,
            (question, None),
            read,
            &mut known,
            &config,
            &world,
        );
        now_or_never(told).expect("explained")
    };
    let seen = || {
        let admin = Caller::Administrator(None);
        let seen = introspect(&admin, issued.token.expose(), &config, &world);
        now_or_never(seen).expect("answered").active
    };
    let before = explained().refusal.map(|refusal| refusal.code);
    assert!(seen() && before != Some("organization_paused"));
    let admin = Caller::Administrator(None);
    paused(&admin, Some("acme"), "", &world).expect("paused");
    assert!(!seen());
    let told = explained();
    let refusal = told.refusal.expect("a refusal");
    assert!(!told.allowed);
    assert_eq!(refusal.code, "organization_paused");
    assert_eq!(
        told.caller.token,
        Some(Id::<postern_domain::id::Token>::from_u128(7).to_string())
    );
    assert_eq!(told.needs.expect("needs").policies.len(), 1);
    let own = revoke_own(issued.token.expose(), requester(), &config, &world);
    now_or_never(own).expect("revoked");
    let asked = world.take_asked();
    assert!(
        asked.iter().any(|asked| asked.starts_with("revoke ")),
        "{asked:?}"
    );
}
