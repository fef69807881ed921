//! What a report does, and that it tells nothing.

use super::*;
use crate::app::ledger::Liveness;
use crate::app::testing::{self, ADMIN, World, now_or_never};
use crate::domain::id::Id;
use crate::domain::name::TokenName;
use crate::domain::scope::{Named, Scope};
use crate::domain::token::Verifier;
use crate::wire::jwt::issue;

fn facts(id: u128) -> TokenFacts {
    TokenFacts {
        id: Id::from_u128(id),
        name: TokenName::parse("ci").expect("a good name"),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope: Scope::Organization,
        verifier: Verifier::Jwt { signed: None },
        policies: Vec::new(),
        is_system: false,
        expires_at: None,
    }
}

fn jwt(id: u128) -> String {
    let config = testing::config();
    issue(&facts(id), &config.token_keys)
        .expect("issues")
        .token
        .expose()
        .to_owned()
}

fn origin() -> Origin {
    Origin {
        actor: "leak-report".to_owned(),
        tier: "open".to_owned(),
        address: None,
        user_agent: None,
        request_id: "r".to_owned(),
    }
}

fn report(world: &World, texts: &[String]) -> Result<Report> {
    let body = serde_json::json!({ "tokens": texts }).to_string();
    now_or_never(receive(
        body.as_bytes(),
        "192.0.2.1",
        &testing::config(),
        world,
    ))
}

#[test]
fn what_is_not_ours_is_dropped_before_any_store() {
    let world = World::new();
    let texts = ["", "garbage", ADMIN, "pst_x", &"x".repeat(9_000)].map(str::to_owned);
    let report = report(&world, &texts).expect("received");
    assert!(report.is_empty());
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

#[test]
fn live_tokens_are_acted_on_and_dead_ones_left() {
    let world = World::new();
    for id in [7, 8] {
        world.keep(facts(id));
    }
    world
        .tokens
        .borrow_mut()
        .get_mut(&Id::from_u128(8))
        .expect("kept")
        .liveness = Liveness::Revoked;
    let texts = [jwt(7), format!("  {}\n", jwt(8)), jwt(9)];
    let report = report(&world, &texts).expect("received");
    world.take_asked();
    let done = now_or_never(act(&report, &origin(), &testing::config(), &world));
    assert_eq!(done, (1, Vec::new()));
    let asked = world.take_asked();
    let leak = format!(
        "leak {} Revoke",
        Id::<crate::domain::id::Token>::from_u128(7)
    );
    assert_eq!(asked, ["admit", &leak, "admit", "admit"]);
}

#[test]
fn reports_have_bounds() {
    let world = World::new();
    for (texts, code) in [(0, "tokens_invalid"), (1_001, "tokens_invalid")] {
        let error = report(&world, &vec![String::new(); texts]).expect_err(code);
        assert_eq!(error.code(), code);
    }
    world.bucket.set(0);
    let error = report(&world, &[jwt(7)]).expect_err("too often");
    assert_eq!(error.code(), "report_rate_exceeded");
}

#[test]
fn a_ledger_that_is_down_is_told_to_the_log() {
    let world = World::new();
    world.keep(facts(7));
    let report = report(&world, &[jwt(7)]).expect("received");
    world.ledger_down.set(true);
    let (acted, causes) = now_or_never(act(&report, &origin(), &testing::config(), &world));
    assert_eq!((acted, causes.len()), (0, 1));
}
