//! JWTs that were minted here, as rows: only what was signed, under the key of that day, opens; and
//! how rows of earlier releases, which know neither, come to know both.

use serde_json::{Value, json};

use std::rc::Rc;

use super::admission::refused;
use crate::admission::{About, Admitted};
use crate::config::Config;
use crate::credential::present;
use crate::error::{CredentialError, Error, Result};
use crate::origin_tokens::{claims, id, sign};
use crate::testing::{self, World, facts};
use postern_domain::keys::KeyRing;
use postern_domain::scope::Scope;
use postern_domain::token::Verifier;
use postern_ledger::Purpose;
use postern_wire::jwt::issue;

const K1: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const K0: &str = "k0:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";

/// A configuration with this ring.
fn with_keys(keys: &str) -> Rc<Config> {
    Rc::new(Config {
        token_keys: KeyRing::parse(keys).expect("good keys"),
        ..testing::config()
    })
}

fn enter(world: &World, config: &Rc<Config>, credential: &str) -> Result<Admitted> {
    let header = format!("Bearer {credential}");
    world.configure(config);
    let presented = present(Some(&header), config, world.now())?;
    world.enter(presented, About::Nothing, Purpose::Manage)
}

/// Why it is refused.
fn why(world: &World, config: &Rc<Config>, credential: &str) -> &'static str {
    match enter(world, config, credential) {
        Err(Error::Credential(CredentialError::Refused(why))) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The claims of [`claims`], signed under the first key of a ring as if minted there.
fn forged(kid: &str, claims: &Value, keys: &str) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
    sign(&header, claims, &KeyRing::parse(keys).expect("good keys"))
}

/// A token of the world that was minted under the first key of a ring; `bound` = its row knows it.
fn minted(world: &World, keys: &str, bound: bool) -> String {
    let mut row = facts(0x77, Scope::Organization);
    let issued = issue(&row, &KeyRing::parse(keys).expect("good keys")).expect("issues");
    if bound {
        row.verifier = issued.verifier;
    }
    world.keep(row);
    issued.token.expose().to_owned()
}

const ANOTHER_KEY: &str = "signed under another key than when it was minted";
const OTHERWISE: &str = "signed otherwise than it was minted";
const UNBOUND: &str = "not signed by the first key, and not bound to another yet";

#[test]
fn r2_only_the_key_that_minted_a_token_proves_it() {
    let both = with_keys(&format!("{K1},{K0}"));
    for (own, own_kid, other, other_kid) in [(K1, "k1", K0, "k0"), (K0, "k0", K1, "k1")] {
        let world = World::new();
        let token = minted(&world, own, true);
        assert!(enter(&world, &both, &token).is_ok(), "{own_kid}");
        for warm in [true, false] {
            if !warm {
                world.forget();
            }
            // The same claims under another key, named as itself or as the right one.
            let forgery = minted(&World::new(), other, true);
            assert_eq!(why(&world, &both, &forgery), ANOTHER_KEY, "{other_kid}");
            let named = forged(own_kid, &claims(), other);
            let stale = enter(&world, &both, &named).map(|_| ());
            assert_eq!(stale, Err(CredentialError::Stale.into()), "{other_kid}");
        }
    }
}

#[test]
fn r2_nothing_else_that_the_key_signs_proves_it() {
    let world = World::new();
    let config = with_keys(K1);
    let token = minted(&world, K1, true);
    assert!(enter(&world, &config, &token).is_ok());
    let mut longer = claims();
    longer["exp"] = json!(4_000_000_000_i64);
    longer["token_name"] = json!("ci");
    for claims in [claims(), longer] {
        let forgery = forged("k1", &claims, K1);
        assert_eq!(why(&world, &config, &forgery), OTHERWISE, "{claims}");
    }
}

#[test]
fn a_row_of_an_earlier_release_is_bound_at_its_first_use_under_the_first_key() {
    let (both, world) = (with_keys(&format!("{K1},{K0}")), World::new());
    let token = minted(&world, K1, false);
    // Before it was used: nothing tells a forgery from the token but that the first key signed it.
    let forgery = minted(&World::new(), K0, false);
    assert_eq!(why(&world, &both, &forgery), UNBOUND);
    let kept = |world: &World| {
        let tokens = world.tokens.borrow();
        tokens.get(&id()).expect("kept").facts.verifier.clone()
    };
    assert_eq!(kept(&world), Verifier::Jwt { signed: None });
    assert!(enter(&world, &both, &token).is_ok());
    let Verifier::Jwt {
        signed: Some(signed),
    } = kept(&world)
    else {
        panic!("the Ledger was told")
    };
    assert_eq!(signed.kid, "k1");
    assert_eq!(why(&world, &both, &forgery), ANOTHER_KEY);
    assert_eq!(why(&world, &both, &forged("k1", &claims(), K1)), OTHERWISE);
    // It stays bound, whichever key is the first.
    world.forget();
    let turned = with_keys(&format!("{K0},{K1}"));
    assert!(enter(&world, &turned, &token).is_ok());
    assert_eq!(why(&world, &turned, &forgery), ANOTHER_KEY);
}

#[test]
fn a_row_of_an_earlier_release_is_bound_by_nothing_that_does_not_fit_it() {
    let (config, world) = (with_keys(K1), World::new());
    let token = minted(&world, K1, false);
    let mut other = claims();
    other["project_id"] = json!("00000000-0000-0000-0000-000000000002");
    other["project_name"] = json!("shop");
    assert_eq!(
        why(&world, &config, &forged("k1", &other, K1)),
        "project mismatch"
    );
    assert!(enter(&world, &config, &token).is_ok());
}

#[test]
fn r6_what_the_origin_signs_in_our_manner_is_stale() {
    let world = World::new();
    let config = testing::config();
    minted(&world, K1, true);
    let origins = config.adopt_keys.as_ref().expect("the origin's");
    for kid in ["k1", "cp"] {
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
        let credential = sign(&header, &claims(), origins);
        assert_eq!(
            refused(&world, &credential),
            CredentialError::Stale,
            "{kid}"
        );
    }
    assert_eq!(world.take_asked(), Vec::<String>::new());
}
