//! Upstream credentials in the whole machine (R42): which one goes to the origin, when none does, and
//! what is asked for it.

mod answers;
mod runs;

use std::rc::Rc;

use postern_domain::decide::Denial;
use postern_domain::id::Id;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::upstream::{Credential, Reach, Sealed, seal};
use postern_ledger::GivenUpstream;
use postern_wire::{jwt, message};

use super::calls::{init_answer, names, view_answer};
use crate::Step;
use crate::config::Config;
use crate::config::origin_auth::OriginAuth;
use crate::error::Error;
use crate::question::Arrived;
use crate::testing::drive::{Answer, ENTROPY, Outcome, Seen, Sent, drive, frame};
use crate::testing::{self, World, facts, project, workflow};

const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const CURRENT: &str = "/controlplane.v1.ContextService/Current";

/// The configuration of these tests, with leases of a second or none.
fn config(lease_ms: u32) -> Config {
    Config {
        origin_auth: OriginAuth::Upstream,
        revocation_lease_ms: lease_ms,
        ..testing::config()
    }
}

pub(super) fn text(id: u128) -> String {
    format!("upstream-credential-{id}")
}

/// Version `id` of the credential of a reach, as the Ledger gives it.
pub(super) fn given(id: u128, project: &str, workflow: &str) -> GivenUpstream {
    let reach = Reach::of(Some(project), Some(workflow));
    let credential = Credential::parse(text(id)).expect("good");
    let sealed = Sealed {
        organization: Id::from_u128(1),
        reach: &reach,
        id: Id::from_u128(id),
    };
    let keys = testing::config().root_keys.upstream;
    let sealed = seal(&credential, sealed, &keys, [1; 12]).expect("sealed");
    GivenUpstream {
        id: Id::from_u128(id),
        digest: credential.digest(),
        sealed,
        reach,
        until: None,
    }
}

fn narrow() -> Scope {
    Scope::Workflow {
        project: project(),
        workflow: workflow(),
    }
}

/// A world in which a token of this scope is active, and what its caller sends.
fn world(lease_ms: u32, scope: Scope) -> (World, String) {
    let world = World::new();
    world.configure(&Rc::new(config(lease_ms)));
    let credential = active(&world, 7, scope);
    (world, credential)
}

/// One more active token of the world, as its caller sends it.
fn active(world: &World, id: u128, scope: Scope) -> String {
    let mut row = facts(id, scope);
    row.policies = postern_domain::policy::defaults(&row.scope);
    let issued = jwt::issue(&row, &testing::config().token_keys).expect("issues");
    row.verifier = issued.verifier;
    world.keep(row);
    format!("Bearer {}", issued.token.expose())
}

fn call(world: &World, credential: &str, path: &str, message: &[u8]) -> Outcome {
    drive(world, &Sent::grpc_web(path, Some(credential), message)).expect("a call")
}

fn attestation(world: &World, credential: &str, method: &str, message: &[u8]) -> Outcome {
    let path = format!("/controlplane.v1.AttestationService/{method}");
    call(world, credential, &path, message)
}

/// The credential in what the origin saw; `0` = none.
fn sent(seen: Option<&Seen>) -> Option<u128> {
    let headers = &seen?.headers;
    let all: Vec<&str> = headers
        .iter()
        .filter(|(name, _)| name == "authorization")
        .map(|(_, value)| value.as_str())
        .collect();
    Some(match all.as_slice() {
        [] => 0,
        [one] => {
            let number = one.strip_prefix("Bearer upstream-credential-");
            number
                .and_then(|text| text.parse().ok())
                .expect("a stored one")
        }
        _ => panic!("several"),
    })
}

#[test]
fn r42_without_a_credential_nothing_reaches_the_origin() {
    for lease_ms in [0, 1_000] {
        let (world, credential) = world(lease_ms, narrow());
        for _ in 0..2 {
            let outcome = call(&world, &credential, CURRENT, b"");
            let reach = Reach::of(Some("shop"), Some("release"));
            assert_eq!(outcome.got, Err(Error::UpstreamMissing { reach }));
            assert!(outcome.forwarded.is_none() && outcome.lookups.is_empty());
        }
        // What the caller may not do is refused as ever.
        let outcome = attestation(&world, &credential, "Init", &names("shop", "other"));
        assert_eq!(outcome.got, Err(Denial::OtherWorkflowName.into()));
    }
}

#[test]
fn r42_the_narrowest_credential_goes_in_place_of_the_callers() {
    let (world, credential) = world(0, Scope::Organization);
    let find = |project: &str, workflow: &str| {
        let outcome = attestation(
            &world,
            &credential,
            "FindOrCreateWorkflow",
            &names(project, workflow),
        );
        sent(outcome.forwarded.as_ref())
    };
    let rows = [
        ("shop", "release", [None, None, Some(1)]),
        ("shop", "", [None, Some(2), Some(1)]),
        ("", "", [Some(3), Some(2), Some(1)]),
    ];
    for (n, (project, workflow, expected)) in (1..).zip(rows) {
        world
            .upstreams
            .borrow_mut()
            .push(given(n, project, workflow));
        let found = [
            find("cart", "release"),
            find("shop", "nightly"),
            find("shop", "release"),
        ];
        assert_eq!(found, expected, "{project}/{workflow}");
    }
}

/// What a call under a lease asks, and sends.
#[test]
fn r42_under_a_lease_nobody_is_asked_and_a_change_is_asked_for_anew() {
    let (world, credential) = world(1_000, narrow());
    world.upstreams.borrow_mut().push(given(1, "", ""));
    let step = |asks: &[&str], expected: Option<u128>| {
        world.take_asked();
        let outcome = call(&world, &credential, CURRENT, b"");
        let mut asked = world.take_asked();
        asked.retain(|what| what != "body" && what != "forward");
        assert_eq!(asked, asks);
        assert_eq!(
            sent(outcome.forwarded.as_ref()),
            expected,
            "{:?}",
            outcome.got
        );
    };
    step(&["admit with upstream"], Some(1));
    step(&[], Some(1));
    // A change takes a version; an answer that tells of it has the copy forget all.
    *world.upstreams.borrow_mut() = vec![given(2, "", "")];
    world.version.set(2);
    step(&[], Some(1));
    {
        let gate = &mut *world.gate.borrow_mut();
        let asked = gate.memory.leases.ask(Id::from_u128(1), world.now());
        let delta = postern_ledger::Delta {
            version: postern_ledger::Version {
                instance: Id::from_u128(1),
                number: 2,
            },
            changed: None,
            lease_ms: Some(1_000),
        };
        let live = postern_ledger::Liveness::Live;
        let other = Id::from_u128(99);
        assert!(
            gate.memory
                .leases
                .told(&asked, (other, 0), live, Some(&delta), world.now())
        );
    }
    step(&["admit with upstream"], Some(2));
    step(&[], Some(2));
    // The lease is over.
    world.now.set(world.now.get() + 1_000);
    step(&["admit with upstream"], Some(2));
    // So is the clear of all, and that is remembered like any other word.
    world.upstreams.borrow_mut().clear();
    world.version.set(3);
    world.now.set(world.now.get() + 1_000);
    step(&["admit with upstream"], None);
    step(&[], None);
}

#[test]
fn r42_a_run_keeps_the_credential_that_it_began_under() {
    let project = project();
    let (world, credential) = world(1_000, Scope::Project { project });
    let mut old = given(1, "shop", "");
    world.upstreams.borrow_mut().push(old.clone());
    let answer = Answer::message(&init_answer(RUN, "release", "shop"));
    *world.origin.borrow_mut() = Ok(answer);
    let outcome = attestation(&world, &credential, "Init", &names("shop", "release"));
    assert_eq!(sent(outcome.forwarded.as_ref()), Some(1));
    // The report of the run names its version.
    let reported: Vec<_> = world.runs.borrow().values().cloned().collect();
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].upstream, Some(Id::from_u128(1)));

    // It is replaced, and kept for a while.
    let until = world.now.get() + 7_200_000;
    old.until = Some(Timestamp::from_millis(until));
    *world.upstreams.borrow_mut() = vec![given(2, "shop", ""), old];
    world.version.set(2);
    world.now.set(world.now.get() + 1_000);
    let store = || {
        let outcome = attestation(&world, &credential, "Store", &message::text(2, RUN));
        sent(outcome.forwarded.as_ref())
    };
    let begin = || {
        let outcome = attestation(&world, &credential, "Init", &names("shop", "release"));
        sent(outcome.forwarded.as_ref())
    };
    assert_eq!((store(), begin()), (Some(1), Some(2)));
    world.take_asked();
    assert_eq!(store(), Some(1));
    assert!(
        !world
            .take_asked()
            .iter()
            .any(|what| what.starts_with("admit"))
    );
    // Another isolate hears of the version with the run.
    world.forget();
    assert_eq!(store(), Some(1));
    // Its time is over: an isolate goes by its clock, and asks.
    world.now.set(until);
    world.upstreams.borrow_mut().pop();
    assert_eq!(store(), Some(2));
}

#[test]
fn r42_what_the_gateway_asks_the_origin_goes_with_the_stored_credential() {
    // A run that nobody knows: it is asked for with what the caller's names allow, and the call
    // itself goes with what is set for the run.
    let (world, credential) = world(0, Scope::Organization);
    world.upstreams.borrow_mut().push(given(1, "", ""));
    world
        .upstreams
        .borrow_mut()
        .push(given(2, "shop", "release"));
    let view = view_answer(RUN, "release", "shop", "acme");
    *world.run_view.borrow_mut() = Ok(Answer::message(&view));
    let outcome = attestation(&world, &credential, "Store", &message::text(2, RUN));
    assert_eq!(outcome.verdict(), "allowed");
    let looked: Vec<_> = outcome
        .lookups
        .iter()
        .map(|seen| sent(Some(seen)))
        .collect();
    assert_eq!(looked, [Some(1)]);
    assert_eq!(sent(outcome.forwarded.as_ref()), Some(2));
    // Which one it began under is not known, and not claimed.
    let run = world.runs.borrow().values().next().cloned().expect("a run");
    assert_eq!(run.upstream, None);
}

#[test]
fn r42_what_is_open_to_everybody_goes_without_any() {
    let (world, credential) = world(0, narrow());
    world.upstreams.borrow_mut().push(given(1, "", ""));
    let path = "/controlplane.v1.StatusService/Statusz";
    let outcome = call(&world, &credential, path, b"");
    assert_eq!(sent(outcome.forwarded.as_ref()), Some(0));
}

#[test]
fn r42_a_credential_that_no_key_opens_is_the_configurations_trouble() {
    let (world, credential) = world(0, narrow());
    let mut other = given(1, "", "");
    other.sealed = other.sealed.replacen(":k1:", ":k0:", 1);
    world.upstreams.borrow_mut().push(other);
    let outcome = call(&world, &credential, CURRENT, b"");
    assert!(outcome.forwarded.is_none());
    let error = outcome.got.expect_err("refused");
    assert_eq!(error.code(), "unavailable");
    assert!(error.private().contains("`k0`"), "{}", error.private());
    assert!(!error.public().contains("k0"));
}

/// A step that is printed shows no credential, nor does what the isolate has learned.
#[test]
fn r42_debug_shows_nothing_of_the_text() {
    let (world, credential) = world(1_000, narrow());
    world.upstreams.borrow_mut().push(given(1, "", ""));
    let sent = Sent::grpc_web(CURRENT, Some(&credential), b"");
    let gate = &mut *world.gate.borrow_mut();
    let now = world.now();
    let Step::Body(ask) = gate.open(&sent.head(), now, &ENTROPY) else {
        panic!("its body comes first");
    };
    let Step::Admit(ask) = ask.answer(gate, now, Ok(Arrived::whole(frame(0, b"")))) else {
        panic!("then the Ledger is asked");
    };
    let told = world.admit(&ask.question);
    let step = ask.answer(gate, now, told);
    assert!(matches!(step, Step::Forward(_)));
    let shown = format!("{step:?} {gate:?}");
    assert!(shown.contains("Outbound"), "{shown}");
    assert!(!shown.contains(&text(1)));
}

#[test]
fn r42_the_other_modes_ask_for_none_and_send_the_callers_own() {
    for mode in [OriginAuth::Passthrough, OriginAuth::Assertion] {
        let (world, credential) = world(0, narrow());
        let mut config = config(0);
        config.origin_auth = mode;
        world.configure(&Rc::new(config));
        world.upstreams.borrow_mut().push(given(1, "", ""));
        let outcome = call(&world, &credential, CURRENT, b"");
        assert_eq!(outcome.verdict(), "allowed");
        let seen = outcome.forwarded.expect("forwarded");
        let own = ("authorization".to_owned(), credential);
        assert!(seen.headers.contains(&own), "{mode:?}");
        assert_eq!(world.take_asked(), ["body", "admit", "forward"]);
    }
}
