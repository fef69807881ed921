//! What introspection shows to whom, and what a holder can end.

use serde_json::{Value, json};

use super::*;
use crate::testing::{self, World, now_or_never, project};
use postern_domain::decide::Permit;
use postern_domain::id::Id;
use postern_domain::policy::defaults;
use postern_domain::scope::Scope;
use postern_domain::standing::Actor;
use postern_ledger::Liveness;
use postern_wire::jwt::issue;

/// With the policies that its scope has by default.
fn facts(id: u128, scope: Scope) -> TokenFacts {
    TokenFacts {
        policies: defaults(&scope),
        ..testing::facts(id, scope)
    }
}

fn jwt(facts: &TokenFacts) -> String {
    let config = testing::config();
    issue(facts, &config.token_keys)
        .expect("issues")
        .token
        .expose()
        .to_owned()
}

fn requester() -> Requester {
    Requester {
        actor: String::new(),
        tier: String::new(),
        address: None,
        user_agent: None,
        request_id: "r".to_owned(),
    }
}

fn look(world: &World, caller: &Caller, token: &str) -> Value {
    let answer = now_or_never(introspect(caller, token, &testing::config(), world));
    serde_json::to_value(answer.expect("answers")).expect("serializes")
}

fn caller(facts: TokenFacts) -> Caller {
    Caller::Token(facts.into())
}

#[test]
fn an_active_token_is_described_by_the_standard_members() {
    let world = World::new();
    let mut subject = facts(7, Scope::Project { project: project() });
    subject.expires_at = Some(world.now().plus_millis(60_000));
    world.keep(subject.clone());
    let seen = look(&world, &Caller::Administrator(None), &jwt(&subject));
    assert_eq!(seen["active"], true);
    assert_eq!(seen["token_type"], "Bearer");
    assert_eq!(seen["jti"], subject.id.to_string());
    assert_eq!(seen["exp"], 1_800_000_060);
    assert_eq!(seen["project_name"], "shop");
    assert!(
        seen["scope"]
            .as_str()
            .is_some_and(|scope| scope.contains("workflow_run:read"))
    );
    assert_eq!(seen.get("workflow_id"), None);
}

#[test]
fn what_the_caller_may_not_read_is_not_active() {
    let world = World::new();
    let organization = facts(6, Scope::Organization);
    let subject = facts(7, Scope::Project { project: project() });
    let mut system = facts(8, Scope::Project { project: project() });
    system.is_system = true;
    let mut foreign = facts(9, Scope::Project { project: project() });
    foreign.organization.id = Id::from_u128(66);
    for facts in [&organization, &subject, &system, &foreign] {
        world.keep(facts.clone());
    }
    let rows = [
        (caller(organization.clone()), &subject, true),
        (caller(organization.clone()), &organization, true),
        (caller(organization.clone()), &system, false),
        (caller(organization.clone()), &foreign, false),
        (caller(subject.clone()), &subject, true),
        (caller(subject.clone()), &organization, false),
        (Caller::Administrator(None), &system, true),
    ];
    for (caller, token, active) in rows {
        let seen = look(&world, &caller, &jwt(token));
        assert_eq!(seen["active"], active, "{caller:?} looks at {token:?}");
        if !active {
            assert_eq!(seen, json!({ "active": false }));
        }
    }
    for text in ["", "garbage", testing::ADMIN] {
        assert_eq!(
            look(&world, &Caller::Administrator(None), text),
            json!({ "active": false })
        );
    }
}

#[test]
fn r24_an_administrator_key_learns_its_own_name_and_is_no_token() {
    let world = World::new();
    let other = "another-administrator-key-for-tests-0123456";
    let text = format!("ops:{},ci:{other}", testing::ADMIN);
    let config = Config::read(|variable| match variable {
        "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
        "TOKEN_KEYS" => Some(format!("k1:{}", "A".repeat(43))),
        "ADMIN_TOKEN" => Some(text.clone()),
        _ => None,
    })
    .expect("a good configuration");
    let label = |name| Label::parse(name).map(std::rc::Rc::new).ok();
    let named = json!({ "active": false, "administrator": "ops" });
    let inactive = json!({ "active": false });
    let token = facts(7, Scope::Organization);
    world.keep(token.clone());
    let rows = [
        (Caller::Administrator(label("ops")), testing::ADMIN, &named),
        (Caller::Administrator(label("ops")), other, &inactive),
        (Caller::Administrator(label("ops")), &text, &inactive),
        (Caller::Administrator(None), testing::ADMIN, &inactive),
        (caller(token), testing::ADMIN, &inactive),
    ];
    for (caller, text, expected) in rows {
        let answer = now_or_never(introspect(&caller, text, &config, &world));
        let seen = serde_json::to_value(answer.expect("answers")).expect("serializes");
        assert_eq!(&seen, expected, "{caller:?}");
    }
}

#[test]
fn a_holder_ends_its_own_token_and_no_system_token() {
    let world = World::new();
    let subject = facts(7, Scope::Project { project: project() });
    world.keep(subject.clone());
    let config = testing::config();
    now_or_never(revoke_own(&jwt(&subject), requester(), &config, &world)).expect("revoked");
    assert_eq!(
        world.take_asked(),
        ["describe", &format!("revoke {}", subject.id)]
    );

    let mut system = facts(8, Scope::Organization);
    system.is_system = true;
    world.keep(system.clone());
    let error = now_or_never(revoke_own(&jwt(&system), requester(), &config, &world));
    assert_eq!(error.expect_err("refused").code(), "unsupported_token_type");
    assert_eq!(world.take_asked(), ["describe"]);

    // RFC 7009, section 2.2: an invalid token is no error.
    now_or_never(revoke_own("garbage", requester(), &config, &world)).expect("nothing to do");
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

/// The Ledger admits a quarantined token as little as a revoked one, but a release makes it active
/// again: its holder must be able to revoke it.
#[test]
fn a_holder_revokes_a_token_that_would_not_be_admitted() {
    let world = World::new();
    let (subject, other) = (facts(7, Scope::Organization), facts(8, Scope::Organization));
    world.keep(subject.clone());
    for liveness in [Liveness::Revoked, Liveness::Unknown] {
        let mut tokens = world.tokens.borrow_mut();
        tokens.get_mut(&subject.id).expect("kept").liveness = liveness;
        drop(tokens);
        let config = testing::config();
        now_or_never(revoke_own(&jwt(&subject), requester(), &config, &world)).expect("revoked");
        let asked = world.take_asked();
        let revoke = format!("revoke {}", subject.id);
        assert_eq!(asked, ["describe", &revoke], "{liveness:?}");
    }
    // One that the Ledger does not have, and one whose claims are not the row's.
    let mut moved = subject.clone();
    moved.scope = Scope::Project { project: project() };
    for token in [jwt(&other), jwt(&moved)] {
        let config = testing::config();
        now_or_never(revoke_own(&token, requester(), &config, &world)).expect("nothing to do");
        assert_eq!(world.take_asked(), ["describe"]);
    }
}

/// To show the token is all that it takes, so the Ledger is asked about no actor.
#[test]
fn r40_the_permit_of_a_holder_names_no_actor() {
    let subject = facts(7, Scope::Project { project: project() });
    let caller = caller(subject.clone());
    let permit = decide(&caller, Operation::TokenRevokeOwn, Target::Token(&subject));
    let actor = |permit: Permit| {
        permit
            .over(&subject.organization)
            .map(|grant| grant.actor())
    };
    assert_eq!(permit.map(actor), Ok(Ok(Actor::NotAToken)));
    let manager = facts(8, Scope::Organization);
    let caller = Caller::Token(manager.clone().into());
    let permit = decide(&caller, Operation::TokenRevoke, Target::Token(&subject));
    assert_eq!(permit.map(actor), Ok(Ok(Actor::Token(manager.id))));
    assert_eq!(caller.actor(), Actor::Token(manager.id));
    let permit = decide(
        &Caller::Administrator(None),
        Operation::TokenRevoke,
        Target::Token(&subject),
    );
    assert_eq!(permit.map(actor), Ok(Ok(Actor::NotAToken)));
}

#[test]
fn a_ledger_that_is_down_is_not_an_inactive_token() {
    let world = World::new();
    let subject = facts(7, Scope::Organization);
    world.keep(subject.clone());
    world.ledger_down.set(true);
    let config = testing::config();
    let answer = now_or_never(introspect(
        &Caller::Administrator(None),
        &jwt(&subject),
        &config,
        &world,
    ));
    assert_eq!(answer.expect_err("unknown").code(), "unavailable");
}

#[test]
fn r47_the_holder_of_a_job_token_is_not_told_that_it_has_ended() {
    use crate::testing::issuer::{claims, signed, token, with_ci};
    let (world, config) = (World::new(), with_ci());
    let ours = token(&world, "a", 1);
    let mut elsewhere = claims(&world);
    elsewhere["iss"] = "https://elsewhere.example".into();
    let other = signed(&json!({"alg": "EdDSA", "kid": "a"}), &elsewhere, 1);
    for (text, expected) in [(&ours, Some("unsupported_token_type")), (&other, None)] {
        let revoked = revoke_own(text.expose(), requester(), &config, &world);
        let code = now_or_never(revoked).err().map(|error| error.code());
        assert_eq!(code, expected);
    }
    assert_eq!(world.take_asked(), Vec::<String>::new());
}
