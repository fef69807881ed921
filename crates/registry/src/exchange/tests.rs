//! From a job token to what its job gets, over the ports: to whom it is presented, what the Ledger is asked, and
//! which answer each word of it becomes.

use serde_json::{Value, json};

use super::*;
use crate::testing::issuer::{GATE, claims, holds, jwk, publish, signed, with_ci};
use crate::testing::{World, facts, now_or_never, organization, project, requester};
use postern_domain::scope::Scope;
use postern_domain::trust::NoOrganization;
use postern_ledger::Liveness;

/// A world in which GitHub has published a key, and the Ledger gives a token.
fn world() -> World {
    let world = World::new();
    publish(&world, &[jwk("a", 1)]);
    world.published.holds.set(holds);
    world
}

/// A job token with some claims changed.
fn token(world: &World, changes: &Value) -> Secret {
    let mut claims = claims(world);
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    signed(&json!({"alg": "EdDSA", "kid": "a"}), &claims, 1)
}

/// Has the Ledger answer the next exchange with the token that it asks for.
fn gives(world: &World, verifier: Verifier) {
    let given = TokenFacts {
        verifier,
        ..facts(7, Scope::Project { project: project() })
    };
    world.keep(given.clone());
    *world.exchange_answer.borrow_mut() = Some(ExchangeAnswer::Given(Box::new(given)));
}

fn exchanging(
    world: &World,
    token: &Secret,
    named: Option<&str>,
    wanted: (Format, Option<&str>),
) -> Result<Exchanged> {
    let asked = Presenting {
        token,
        named,
        requester: &requester(),
    };
    now_or_never(exchange(asked, wanted, &with_ci(), world))
}

fn showing(world: &World, token: &Secret, named: Option<&str>) -> Result<TokenFacts> {
    let asked = Presenting {
        token,
        named,
        requester: &requester(),
    };
    now_or_never(bearer(asked, &with_ci(), world))
}

const OPAQUE: (Format, Option<&str>) = (Format::Opaque, None);

#[test]
fn r47_a_job_is_presented_to_the_organization_that_is_named_and_to_no_other() {
    let fault = |fault: JobFault| Some(fault.to_string());
    let gate = json!({ "aud": GATE });
    let nobody = json!({ "aud": format!("{GATE}/nobody") });
    let rows = [
        (json!({}), None, None),
        (json!({}), Some("acme"), None),
        (json!({}), Some(" acme "), None),
        (json!({}), Some(""), None),
        (
            json!({}),
            Some("other"),
            fault(NoOrganization::Other.into()),
        ),
        (
            json!({}),
            Some("No Label"),
            fault(JobFault::UnknownOrganization),
        ),
        (gate.clone(), None, fault(NoOrganization::Unnamed.into())),
        (gate.clone(), Some("acme"), None),
        (gate, Some("nobody"), fault(JobFault::UnknownOrganization)),
        (nobody, None, fault(JobFault::UnknownOrganization)),
    ];
    for (changes, named, expected) in rows {
        let world = world();
        gives(&world, Verifier::Jwt { signed: None });
        let token = token(&world, &changes);
        let shown = showing(&world, &token, named).map(drop);
        let exchanged = exchanging(&world, &token, named, OPAQUE).map(drop);
        for answer in [shown, exchanged] {
            // The reason, and whose job it was.
            let told = answer.err().map(|error| error.private());
            let reason =
                told.as_deref()
                    .and_then(|told| told.split_once(": "))
                    .map(|(why, job)| {
                        assert!(
                            job.starts_with("CI job of acme/shop, run 16001234567 (github), for "),
                            "{job}"
                        );
                        why.to_owned()
                    });
            assert_eq!(reason, expected, "{changes} {named:?}");
        }
        let asked = world.exchanged.borrow();
        assert_eq!(asked.is_empty(), expected.is_some());
        // The same id, whichever way it comes, and the job as the token says.
        for command in asked.iter() {
            assert_eq!(command.organization, organization().named());
            assert_eq!(command.token, asked[0].token);
            assert_eq!(command.requester.tier, "ci-job");
            let repository = command.job.repository.as_ref().map(|name| name.as_str());
            assert_eq!(repository, Some("acme/shop"));
        }
    }
}

#[test]
fn r47_what_is_not_verified_is_asked_of_nobody() {
    let world = world();
    gives(&world, Verifier::Jwt { signed: None });
    let forged = signed(&json!({"alg": "EdDSA", "kid": "a"}), &claims(&world), 2);
    for answer in [
        showing(&world, &forged, None).map(drop),
        exchanging(&world, &forged, None, OPAQUE).map(drop),
    ] {
        let error = answer.expect_err("refused");
        assert_eq!(error.private(), "the signature does not hold");
    }
    assert!(world.exchanged.borrow().is_empty());
    let asked = world.take_asked();
    assert!(
        asked
            .iter()
            .all(|one| one.starts_with("fetch") || one == "verify"),
        "{asked:?}"
    );
}

#[test]
fn r47_each_word_of_the_ledger_has_its_answer() {
    let job = || crate::testing::issuer::run();
    let fault = |fault: JobFault| Error::from(fault.of(&job(), "acme"));
    let cause = "D1: gone".to_owned();
    let rows = [
        (ExchangeAnswer::NoRule, fault(JobFault::NoRule)),
        (
            ExchangeAnswer::IssuerNotTrusted,
            fault(JobFault::IssuerNotTrusted),
        ),
        (ExchangeAnswer::Paused, Denial::OrganizationPaused.into()),
        (ExchangeAnswer::Ended, fault(JobFault::Ended)),
        (ExchangeAnswer::Used, fault(JobFault::Used)),
        (ExchangeAnswer::Revoked, fault(JobFault::Revoked)),
        (
            ExchangeAnswer::TooMany {
                limit: 1_000,
                retry_after_seconds: 60,
            },
            Error::CiTokenRate {
                limit: 1_000,
                retry_after_seconds: 60,
            },
        ),
        (
            ExchangeAnswer::RecordUnavailable {
                cause: cause.clone(),
            },
            Error::Unavailable { cause },
        ),
    ];
    for (answer, expected) in rows {
        let world = world();
        *world.exchange_answer.borrow_mut() = Some(answer.clone());
        let token = token(&world, &json!({}));
        assert_eq!(showing(&world, &token, None).err(), Some(expected.clone()));
        let exchanged = exchanging(&world, &token, None, OPAQUE).map(drop);
        assert_eq!(exchanged.err(), Some(expected), "{answer:?}");
        assert!(
            world
                .take_asked()
                .iter()
                .all(|one| !one.starts_with("publish"))
        );
    }
    // Another organization's Ledger under the name, and none at all.
    let world = world();
    gives(&world, Verifier::Jwt { signed: None });
    *world.name.borrow_mut() = "other".to_owned();
    let token = token(&world, &json!({}));
    let misdirected = showing(&world, &token, None).err();
    assert_eq!(misdirected, Some(fault(JobFault::UnknownOrganization)));
    let world = self::world();
    let down = showing(&world, &token, None).err();
    assert_eq!(down, Some(Error::unavailable("the Ledger is down")));
}

#[test]
fn r47_an_exchange_gives_the_format_that_is_asked_for() {
    let world = world();
    gives(&world, Verifier::Jwt { signed: None });
    let given = exchanging(&world, &token(&world, &json!({})), None, OPAQUE).expect("a token");
    assert!(given.token.expose().starts_with("pst_"));
    let asked = world.exchanged.borrow_mut().pop().expect("asked");
    assert_eq!(asked.verifier.format(), Format::Opaque);

    // A JWT is signed once the Ledger has decided, and bound to what was signed.
    let given = exchanging(
        &world,
        &token(&world, &json!({})),
        None,
        (Format::Jwt, None),
    );
    let given = given.expect("a token");
    let asked = world.exchanged.borrow_mut().pop().expect("asked");
    assert_eq!(asked.verifier, Verifier::Jwt { signed: None });
    assert!(!given.facts.unbound());
    assert_eq!(given.token.expose().split('.').count(), 3);
    // One that is bound to something else is not handed out.
    world.tokens.borrow_mut().clear();
    world.keep(TokenFacts {
        verifier: Verifier::Jwt {
            signed: Some(postern_domain::token::Signed {
                kid: "k1".to_owned(),
                digest: "00".to_owned(),
            }),
        },
        ..facts(7, Scope::Project { project: project() })
    });
    let refused = exchanging(
        &world,
        &token(&world, &json!({})),
        None,
        (Format::Jwt, None),
    );
    let refused = refused.map(drop);
    let unbound = Error::unavailable("the Ledger did not bind a token");
    assert_eq!(refused.err(), Some(unbound));
    let lives = world
        .tokens
        .borrow()
        .values()
        .all(|kept| kept.liveness == Liveness::Live);
    assert!(lives);
}

#[test]
fn r47_an_audience_that_is_given_is_the_tokens_own() {
    let own = format!("{GATE}/acme");
    for (audience, expected) in [
        (Some(own.as_str()), None),
        (Some(GATE), Some("audience_invalid")),
        (Some("https://elsewhere.example"), Some("audience_invalid")),
    ] {
        let world = world();
        gives(&world, Verifier::Jwt { signed: None });
        let token = token(&world, &json!({}));
        let answer = exchanging(&world, &token, None, (Format::Opaque, audience));
        let code = answer.map(drop).err().map(|error| error.code());
        assert_eq!(code, expected, "{audience:?}");
    }
}
