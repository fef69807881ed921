//! What is told of a job token that was presented before.

use super::testing_tokens::{tested, world};
use super::*;
use crate::testing::{facts, project};
use postern_domain::id::Id;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_domain::trust::JobFacts;

#[test]
fn r47_a_token_that_was_presented_before_is_told_so() {
    let world = world();
    added(&rule(), &world);
    let fresh = tested(json!({}), &world);
    assert_eq!(fresh["presented"], false);
    let asked = world.described.borrow();
    let id = *asked.last().expect("the Ledger was asked");
    drop(asked);
    let signed = postern_domain::token::Signed {
        kid: "https://token.actions.githubusercontent.com".to_owned(),
        digest: "00".to_owned(),
    };
    let opaque = Verifier::Opaque {
        pepper: "k1".to_owned(),
        hash: "00".to_owned(),
    };
    let shown = Verifier::Jwt {
        signed: Some(signed),
    };
    // Exchanged it counts no more; shown as it is it goes on.
    for (verifier, refusal) in [
        (opaque, Some("the job token was presented before")),
        (shown, None),
    ] {
        let job = JobFacts::of(&crate::testing::issuer::job(), Id::from_u128(9));
        world.keep(TokenFacts {
            id,
            verifier,
            ci_job: Some(Box::new(job)),
            expires_at: Some(Timestamp::from_millis(world.now.get() + 60_000)),
            ..facts(7, Scope::Project { project: project() })
        });
        let told = tested(json!({}), &world);
        assert_eq!(told["presented"], true);
        assert_eq!(told["refusal"].as_str(), refusal);
        assert_eq!(told["rules"][0]["chosen"], refusal.is_none());
    }
    // What it got has ended, whatever the rules would give now.
    world.now.set(world.now.get() + 60_000);
    let told = tested(json!({}), &world);
    assert_eq!(told["refusal"], "what the job would get has ended");
}
