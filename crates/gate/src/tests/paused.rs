//! Credentials of an organization that is paused (R53).

use super::admission::{enter, enter_leased, jwt_for, opaque, refused};
use crate::error::{CredentialError, Error};
use crate::testing::{self, World, facts};
use postern_domain::decide::Denial;
use postern_domain::id::Id;
use postern_domain::scope::Scope;
use postern_ledger::{Liveness, Purpose};
use postern_wire::opaque;

#[test]
fn r53_in_a_pause_every_question_is_refused_and_nothing_is_kept() {
    let world = World::new();
    let (key, known) = (opaque(&world, 7), opaque(&world, 8));
    assert!(enter_leased(&world, &known, Purpose::Forward).is_ok());
    world.paused.set(true);
    let paused = Error::Denied(Denial::OrganizationPaused);
    assert_eq!(
        (paused.code(), paused.guessed()),
        ("organization_paused", None)
    );
    for purpose in [Purpose::Forward, Purpose::Manage, Purpose::Look] {
        for _ in 0..2 {
            let refused = enter_leased(&world, &key, purpose);
            assert_eq!(refused.err(), Some(paused.clone()), "{purpose:?}");
        }
    }
    // What an isolate was told before it repeats until its lease is over: the pause waits for that.
    assert!(enter_leased(&world, &known, Purpose::Forward).is_ok());
    let managed = enter_leased(&world, &known, Purpose::Manage);
    assert_eq!(managed.err(), Some(paused.clone()));
    world.now.set(world.now.get() + 5_000);
    let forwarded = enter_leased(&world, &known, Purpose::Forward);
    assert_eq!(forwarded.err(), Some(paused));
    world.paused.set(false);
    for key in [&key, &known] {
        assert!(enter_leased(&world, key, Purpose::Forward).is_ok());
    }
}

#[test]
fn r12_r53_only_the_holder_of_an_active_token_learns_of_a_pause() {
    let world = World::new();
    let config = testing::config();
    let key = opaque(&world, 7);
    let guessed = opaque::mint(
        Id::from_u128(7),
        &[8; opaque::MINT_ENTROPY],
        &config.root_keys,
    )
    .expect("enough entropy");
    let (mut ended, revoked) = (facts(8, Scope::Organization), opaque(&world, 9));
    ended.expires_at = Some(world.now().floor_to_second());
    let expired = jwt_for(&ended);
    world.keep(ended);
    world
        .tokens
        .borrow_mut()
        .get_mut(&Id::from_u128(9))
        .expect("kept")
        .liveness = Liveness::Revoked;
    world.paused.set(true);
    // Before and after this isolate knows the token.
    for _ in 0..2 {
        let guess = refused(&world, guessed.expose());
        assert_eq!(guess, CredentialError::Refused("hash mismatch"));
        let denied = enter(&world, &key).err();
        assert_eq!(denied, Some(Denial::OrganizationPaused.into()));
    }
    let revoked = refused(&world, &revoked);
    assert_eq!(revoked, CredentialError::Refused("revoked token"));
    assert!(matches!(
        refused(&world, &expired),
        CredentialError::Expired(_)
    ));
}
