//! JWTs that were verified before: what is looked at again, and what is not the same token.

use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_wire::jwt;

use crate::testing::drive::{Sent, drive};
use crate::testing::{self, World, facts};
use crate::verified::VERIFIED;

const PATH: &str = "/controlplane.v1.ContextService/Current";

/// A token that the world keeps, with its end.
fn token(world: &World, id: u128, expires_at: Option<Timestamp>) -> String {
    let mut facts = facts(id, Scope::Organization);
    facts.expires_at = expires_at;
    facts.policies = postern_domain::policy::defaults(&facts.scope);
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    facts.verifier = issued.verifier;
    world.keep(facts);
    issued.token.expose().to_owned()
}

fn verdict(world: &World, token: &str) -> &'static str {
    let credential = format!("Bearer {token}");
    let sent = Sent::grpc_web(PATH, Some(&credential), b"");
    drive(world, &sent).expect("a call").verdict()
}

#[test]
fn r4_a_token_that_was_verified_before_expires_all_the_same() {
    let world = World::new();
    let end = world.now().plus_millis(60_000);
    let token = token(&world, 7, Some(end));
    for _ in 0..2 {
        assert_eq!(verdict(&world, &token), "allowed");
    }
    assert_eq!(world.gate.borrow().memory.verified.len(), 1);
    world.now.set(end.as_millis());
    assert_eq!(verdict(&world, &token), "token_expired");
}

#[test]
fn r6_a_token_that_differs_in_any_character_is_another_one() {
    let world = World::new();
    let token = token(&world, 7, None);
    assert_eq!(verdict(&world, &token), "allowed");
    for at in 0..token.len() {
        let other = |(place, c)| match (place == at, c) {
            (true, 'A') => 'B',
            (true, _) => 'A',
            (false, c) => c,
        };
        let changed: String = token.chars().enumerate().map(other).collect();
        assert_ne!(verdict(&world, &changed), "allowed", "{at}");
    }
    assert_eq!(world.gate.borrow().memory.verified.len(), 1);
}

#[test]
fn verified_tokens_are_bounded_and_no_refused_one_is_kept() {
    let world = World::new();
    for id in 0..VERIFIED as u128 + 2 {
        let token = token(&world, id + 1, None);
        assert_eq!(verdict(&world, &token), "allowed");
    }
    assert_eq!(world.gate.borrow().memory.verified.len(), 2);
}
