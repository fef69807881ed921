//! What a report does, and that it tells nothing.

use super::*;
use crate::testing::{self, ADMIN, World, now_or_never};
use postern_domain::id::Id;
use postern_domain::scope::Scope;
use postern_domain::token::TokenFacts;
use postern_ledger::Liveness;
use postern_wire::jwt::issue;

fn facts(id: u128) -> TokenFacts {
    testing::facts(id, Scope::Organization)
}

fn jwt(id: u128) -> String {
    let config = testing::config();
    issue(&facts(id), &config.token_keys)
        .expect("issues")
        .token
        .expose()
        .to_owned()
}

fn requester() -> Requester {
    Requester {
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
fn the_ledger_is_told_of_every_token_that_it_has_whatever_its_state() {
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
    let done = now_or_never(act(&report, &requester(), &testing::config(), &world));
    assert_eq!(done, (1, Vec::new()));
    let asked = world.take_asked();
    let leak = |id| {
        let id = Id::<postern_domain::id::Token>::from_u128(id);
        format!("leak {id} Revoke")
    };
    // Whether there is anything to revoke is the Ledger's to say; it has no third one.
    let expected = ["describe", &leak(7), "describe", &leak(8), "describe"];
    assert_eq!(asked, expected);
}

#[test]
fn reports_have_bounds() {
    let world = World::new();
    for (texts, code) in [(0, "tokens_invalid"), (1_001, "tokens_invalid")] {
        let error = report(&world, &vec![String::new(); texts]).expect_err(code);
        assert_eq!(error.code(), code);
    }
    let mut jwts = vec!["a.b.c".to_owned(); MAX_JWTS];
    jwts.push("neither one.nor.the.other".to_owned());
    assert!(report(&world, &jwts).expect("received").is_empty());
    jwts.push("d.e.f".to_owned());
    let error = report(&world, &jwts).expect_err("too many JWTs");
    assert_eq!(error.code(), "tokens_invalid");
    assert!(error.public().contains("at most 64 JWTs"));
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
    let (acted, causes) = now_or_never(act(&report, &requester(), &testing::config(), &world));
    assert_eq!((acted, causes.len()), (0, 1));
}
