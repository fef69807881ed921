//! Credentials as rows: what is presented, what is answered, and which stores were asked.

use std::rc::Rc;

use crate::admission::{About, Admitted};
use crate::credential::present;
use crate::error::{CredentialError, Error, Result};
use crate::testing::{self, ADMIN, World, facts, project, workflow};
use postern_domain::caller::Caller;
use postern_domain::id::Id;
use postern_domain::keys::KeyRing;
use postern_domain::scope::Named;
use postern_domain::scope::Scope;
use postern_domain::token::TokenFacts;
use postern_ledger::{Liveness, Purpose};
use postern_wire::jwt::issue;
use postern_wire::opaque;

/// An opaque token in the world, and its key.
pub(super) fn opaque(world: &World, id: u128) -> String {
    let config = testing::config();
    let key = opaque::mint(
        Id::from_u128(id),
        &[9; opaque::MINT_ENTROPY],
        &config.root_keys,
    )
    .expect("enough entropy");
    let mut facts = facts(id, Scope::Organization);
    facts.verifier = opaque::verifier(&key, &config.root_keys.pepper);
    world.keep(facts);
    key.expose().to_owned()
}

pub(super) fn jwt_for(facts: &TokenFacts) -> String {
    issue(facts, &testing::config().token_keys)
        .expect("issues")
        .token
        .expose()
        .to_owned()
}

/// The whole way from header to caller.
pub(super) fn enter(world: &World, credential: &str) -> Result<Admitted> {
    enter_within(world, credential, Purpose::Manage, 0)
}

/// The same with a lease.
fn enter_within(
    world: &World,
    credential: &str,
    purpose: Purpose,
    lease_ms: u32,
) -> Result<Admitted> {
    let mut config = testing::config();
    config.revocation_lease_ms = lease_ms;
    let header = format!("Bearer {credential}");
    let config = Rc::new(config);
    world.configure(&config);
    let presented = present(Some(&header), &config, world.now())?;
    world.enter(presented, About::Nothing, purpose)
}

pub(super) fn refused(world: &World, credential: &str) -> CredentialError {
    match enter(world, credential) {
        Err(Error::Credential(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// As [`enter`], with a lease of 5 s.
pub(super) fn enter_leased(world: &World, credential: &str, purpose: Purpose) -> Result<Admitted> {
    enter_within(world, credential, purpose, 5_000)
}

#[test]
fn lease_rule_14_calls_rest_on_a_lease_and_management_never_does() {
    let world = World::new();
    let key = opaque(&world, 7);
    let asked = |purpose, what: &[&str]| {
        enter_leased(&world, &key, purpose).expect("it is active");
        assert_eq!(world.take_asked(), what, "{purpose:?}");
    };
    asked(Purpose::Forward, &["facts", "admit"]);
    asked(Purpose::Forward, &[]);
    asked(Purpose::Manage, &["admit"]);
    asked(Purpose::Look, &["admit"]);
    world.now.set(world.now.get() + 4_999);
    asked(Purpose::Forward, &[]);
    world.now.set(world.now.get() + 1);
    asked(Purpose::Forward, &["admit"]);
    assert!(enter_within(&world, &key, Purpose::Forward, 0).is_ok());
    assert_eq!(world.take_asked(), ["admit"], "leases are off");
}

#[test]
fn a_revoked_token_is_refused_once_the_lease_is_over_or_the_ledger_was_asked() {
    let world = World::new();
    let key = opaque(&world, 7);
    assert!(enter_leased(&world, &key, Purpose::Forward).is_ok());
    world.revoke(Liveness::Revoked);
    assert!(enter_leased(&world, &key, Purpose::Forward).is_ok());
    world.now.set(world.now.get() + 5_000);
    let expected = CredentialError::Refused("revoked token");
    match enter_leased(&world, &key, Purpose::Forward) {
        Err(Error::Credential(error)) => assert_eq!(error, expected),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn lease_rule_10_a_token_that_expires_passes_nothing_whatever_was_told() {
    let world = World::new();
    let mut facts = facts(7, Scope::Organization);
    facts.expires_at = Some(world.now().plus_millis(1_000).floor_to_second());
    let key = jwt_for(&facts);
    world.keep(facts);
    assert!(enter_leased(&world, &key, Purpose::Forward).is_ok());
    world.now.set(world.now.get() + 1_000);
    assert!(enter_leased(&world, &key, Purpose::Forward).is_err());
}

#[test]
fn garbage_touches_no_store() {
    let world = World::new();
    let other = "k9:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";
    let other = KeyRing::parse(other).expect("a key");
    let forged = opaque::mint(
        Id::from_u128(7),
        &[1; opaque::MINT_ENTROPY],
        &postern_domain::keys::RootKeys::from_root(&other),
    )
    .expect("enough entropy");
    let stale = issue(&facts(7, Scope::Organization), &other)
        .expect("issues")
        .token;
    let rows = [
        ("random", CredentialError::NoForm),
        (
            "a.b.c",
            CredentialError::Malformed("not three base64url parts with a JSON header"),
        ),
        (
            "pst_short",
            CredentialError::Malformed("opaque key grammar"),
        ),
        (
            forged.expose(),
            CredentialError::Refused("opaque key check digits: forged"),
        ),
        (stale.expose(), CredentialError::Stale),
    ];
    for (credential, expected) in rows {
        assert_eq!(refused(&world, credential), expected);
        assert_eq!(world.take_asked(), Vec::<String>::new());
    }
}

#[test]
fn the_administrator_key_needs_no_store_either() {
    let world = World::new();
    let admitted = enter(&world, ADMIN).expect("the administrator");
    assert!(matches!(admitted.caller, Caller::Administrator(_)));
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

#[test]
fn an_opaque_key_asks_the_stores_once_and_the_ledger_every_time() {
    let world = World::new();
    let key = opaque(&world, 7);
    assert!(enter(&world, &key).is_ok());
    assert_eq!(world.take_asked(), ["facts", "admit"]);
    assert!(enter(&world, &key).is_ok());
    assert_eq!(world.take_asked(), ["admit"]);
}

#[test]
fn a_jwt_asks_the_ledger_alone() {
    let world = World::new();
    let facts = facts(7, Scope::Organization);
    world.keep(facts.clone());
    for _ in 0..2 {
        assert!(enter(&world, &jwt_for(&facts)).is_ok());
        assert_eq!(world.take_asked(), ["admit"]);
    }
}

#[test]
fn r11_r12_unknown_revoked_and_mismatching_credentials_are_refused_alike() {
    let world = World::new();
    let key = opaque(&world, 7);
    world
        .tokens
        .borrow_mut()
        .get_mut(&Id::from_u128(7))
        .expect("kept")
        .liveness = Liveness::Revoked;
    assert_eq!(
        refused(&world, &key),
        CredentialError::Refused("revoked token")
    );
    world.tokens.borrow_mut().clear();
    assert_eq!(
        refused(&world, &key),
        CredentialError::Refused("unknown token")
    );
    let sentences: Vec<String> = ["revoked token", "unknown token", "project mismatch"]
        .map(|cause| Error::from(CredentialError::Refused(cause)).public())
        .to_vec();
    assert!(
        sentences
            .iter()
            .all(|sentence| sentence == "the credential was refused")
    );
}

#[test]
fn r4_claims_and_row_are_equal_including_absence() {
    let organization = || Scope::Organization;
    let project_scope = || Scope::Project { project: project() };
    let other_project = || Scope::Project {
        project: Named {
            id: Id::from_u128(99),
            name: "shop".to_owned(),
        },
    };
    let workflow_scope = || Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    let other_workflow = || Scope::Workflow {
        project: project(),
        workflow: Named {
            id: Id::from_u128(99),
            name: "release".to_owned(),
        },
    };
    let rows = [
        (organization(), organization(), None),
        (project_scope(), project_scope(), None),
        (workflow_scope(), workflow_scope(), None),
        (project_scope(), other_project(), Some("project mismatch")),
        (project_scope(), organization(), Some("project mismatch")),
        (organization(), project_scope(), Some("project mismatch")),
        (workflow_scope(), project_scope(), Some("workflow mismatch")),
        (project_scope(), workflow_scope(), Some("workflow mismatch")),
        (
            workflow_scope(),
            other_workflow(),
            Some("workflow mismatch"),
        ),
    ];
    for (claims, row, expected) in rows {
        let world = World::new();
        let credential = jwt_for(&facts(7, claims.clone()));
        world.keep(facts(7, row.clone()));
        let answer = enter(&world, &credential).map(|_| ()).err();
        let expected = expected.map(|why| CredentialError::Refused(why).into());
        assert_eq!(answer, expected, "{claims:?} against {row:?}");
    }
}

#[test]
fn r4_another_organization_is_refused() {
    let world = World::new();
    let mut claimed = facts(7, Scope::Organization);
    claimed.organization.id = Id::from_u128(66);
    world.keep(facts(7, Scope::Organization));
    // Its Ledger does not know the token.
    assert_eq!(
        refused(&world, &jwt_for(&claimed)),
        CredentialError::Refused("unknown token")
    );
    // And where the isolate knows the token already, the claim does not fit.
    assert!(enter(&world, &jwt_for(&facts(7, Scope::Organization))).is_ok());
    assert_eq!(
        refused(&world, &jwt_for(&claimed)),
        CredentialError::Refused("organization mismatch")
    );
}

#[test]
fn r2_a_credential_of_one_format_cannot_name_a_row_of_the_other() {
    let world = World::new();
    opaque(&world, 7);
    let credential = jwt_for(&facts(7, Scope::Organization));
    assert_eq!(
        refused(&world, &credential),
        CredentialError::Refused("format mismatch")
    );

    let world = World::new();
    let key = opaque(&world, 8);
    world.keep(facts(8, Scope::Organization));
    assert_eq!(
        refused(&world, &key),
        CredentialError::Refused("format mismatch")
    );
}

#[test]
fn a_key_with_the_id_of_another_is_refused() {
    let world = World::new();
    opaque(&world, 7);
    let config = testing::config();
    let second = opaque::mint(
        Id::from_u128(7),
        &[8; opaque::MINT_ENTROPY],
        &config.root_keys,
    )
    .expect("enough entropy");
    assert_eq!(
        refused(&world, second.expose()),
        CredentialError::Refused("hash mismatch")
    );
    assert_eq!(world.take_asked(), ["facts"], "the Ledger was not asked");
}

#[test]
fn r7_a_row_that_has_expired_is_refused_whatever_the_credential_says() {
    let world = World::new();
    let mut row = facts(7, Scope::Organization);
    let credential = jwt_for(&row);
    row.expires_at = Some(world.now());
    world.keep(row);
    assert_eq!(
        refused(&world, &credential),
        CredentialError::Expired("row expired")
    );
}

#[test]
fn a_ledger_that_does_not_answer_is_never_a_yes() {
    let world = World::new();
    let key = opaque(&world, 7);
    assert!(enter(&world, &key).is_ok());
    world.ledger_down.set(true);
    let error = enter(&world, &key).expect_err("no answer");
    assert_eq!(error.code(), "unavailable");
}
