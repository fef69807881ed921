//! Conditions on a token (R53): from where, and how often, in every way in; and what an isolate knows after an
//! edit.

use std::rc::Rc;

use crate::admission::About;
use crate::credential::present;
use crate::testing::drive::{Sent, drive, header};
use crate::testing::{self, World, facts, project, workflow};
use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::edit::TokenEdit;
use postern_domain::id::Id;
use postern_domain::policy::defaults;
use postern_domain::rpc;
use postern_domain::scope::Scope;
use postern_domain::token::TokenFacts;
use postern_ledger::{Liveness, Purpose};
use postern_wire::jwt;

const CALL: &str = "ContextService/Current";
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.9";

fn conditions(ranges: &[&str], calls: Option<u32>) -> Option<Box<Conditions>> {
    let ranges = ranges.iter();
    let ranges = ranges.map(|text| AddressRange::parse(text).expect("a range"));
    let made = Conditions::new(ranges.collect(), calls).expect("good conditions");
    made.map(Box::new)
}

fn token(conditions: Option<Box<Conditions>>) -> TokenFacts {
    let scope = Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    TokenFacts {
        policies: defaults(&scope),
        conditions,
        ..facts(7, scope)
    }
}

/// A world with leases of this length, a token under these conditions, and its credential.
fn world(lease_ms: u32, conditions: Option<Box<Conditions>>) -> (World, String) {
    let world = World::new();
    let mut config = testing::config();
    config.revocation_lease_ms = lease_ms;
    world.configure(&Rc::new(config));
    let mut facts = token(conditions);
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    facts.verifier = issued.verifier;
    world.keep(facts);
    (world, format!("Bearer {}", issued.token.expose()))
}

/// A call from an address.
fn sent(credential: &str, address: Option<&str>) -> Sent {
    let path = format!("{}{CALL}", rpc::ORIGIN_PREFIX);
    let mut sent = Sent::grpc_web(&path, Some(credential), b"");
    sent.headers.retain(|(name, _)| name != "cf-connecting-ip");
    sent.headers
        .extend(address.map(|address| header("cf-connecting-ip", address)));
    sent
}

/// What becomes of the call, and how often the Ledger was asked for it.
fn call(world: &World, credential: &str, address: Option<&str>) -> (&'static str, usize) {
    world.take_asked();
    let outcome = drive(world, &sent(credential, address)).expect("a call");
    let asked = world.take_asked();
    let asked = asked.iter().filter(|what| *what == "admit").count();
    (outcome.verdict(), asked)
}

/// As an edit leaves it.
fn edit(world: &World, edit: &TokenEdit) {
    let id = Id::from_u128(7);
    let mut tokens = world.tokens.borrow_mut();
    let kept = tokens.get_mut(&id).expect("the token");
    kept.facts = edit.of(&kept.facts).expect("narrower").expect("something");
    world.version.set(world.version.get() + 1);
}

#[test]
fn r53_a_call_comes_from_one_of_the_ranges() {
    let rows = [
        (&["192.0.2.0/24"][..], Some(HERE), "allowed"),
        (&["192.0.2.0/24"], Some(ELSEWHERE), "address_not_allowed"),
        (&["192.0.2.0/24"], None, "address_not_allowed"),
        (
            &["192.0.2.0/24"],
            Some("192.0.2.1, 192.0.2.1"),
            "address_not_allowed",
        ),
        (&["192.0.2.0/24"], Some("::ffff:192.0.2.1"), "allowed"),
        (
            &["203.0.113.0/24", "198.51.100.0/24"],
            Some(ELSEWHERE),
            "allowed",
        ),
        (&["2001:db8::/32"], Some("2001:db8::5"), "allowed"),
        (&["2001:db8::/32"], Some(HERE), "address_not_allowed"),
        (&[], None, "allowed"),
    ];
    for lease_ms in [0, 1_000] {
        for (ranges, address, expected) in rows {
            let (world, credential) = world(lease_ms, conditions(ranges, None));
            // The first call learns the facts; the second goes by them.
            for _ in 0..2 {
                let (verdict, _) = call(&world, &credential, address);
                assert_eq!(verdict, expected, "{ranges:?} {address:?} {lease_ms}");
            }
        }
    }
}

#[test]
fn r53_a_forged_forwarded_address_opens_nothing() {
    let (world, credential) = world(1_000, conditions(&["192.0.2.0/24"], None));
    let mut sent = sent(&credential, Some(ELSEWHERE));
    sent.headers.push(header("x-forwarded-for", HERE));
    sent.headers.push(header("x-real-ip", HERE));
    let outcome = drive(&world, &sent).expect("a call");
    assert_eq!(outcome.verdict(), "address_not_allowed");
    assert!(outcome.forwarded.is_none());
}

/// R12: a credential that opens nothing says so, wherever it comes from.
#[test]
fn r12_a_refused_credential_says_nothing_of_the_tokens_conditions() {
    for (liveness, lease_ms) in [
        (Liveness::Revoked, 0),
        (Liveness::Unknown, 0),
        (Liveness::Revoked, 1_000),
    ] {
        let (world, credential) = world(lease_ms, conditions(&["192.0.2.0/24"], Some(1)));
        world.calls.left.set(0);
        world.revoke(liveness);
        let (verdict, _) = call(&world, &credential, Some(ELSEWHERE));
        assert_eq!(verdict, "credential_refused", "{liveness:?}");
    }
}

#[test]
fn r53_calls_are_let_through_as_the_ledger_has_given_them() {
    let (world, credential) = world(5_000, conditions(&[], Some(180)));
    world.calls.part.set(3);
    world.calls.left.set(5);
    let here = Some(HERE);
    // The first asks twice: for the token, and, once its limit is known, for calls.
    assert_eq!(call(&world, &credential, here), ("allowed", 2));
    assert_eq!(call(&world, &credential, here), ("allowed", 0));
    assert_eq!(call(&world, &credential, here), ("allowed", 0));
    assert_eq!(call(&world, &credential, here), ("allowed", 1));
    assert_eq!(call(&world, &credential, here), ("allowed", 0));
    assert_eq!(call(&world, &credential, here), ("calls_exceeded", 1));
    // The refusal is repeated without a question,
    assert_eq!(call(&world, &credential, here), ("calls_exceeded", 0));
    // until there can be room.
    world.calls.left.set(1);
    world.now.set(world.now.get() + 7_000);
    let (verdict, _) = call(&world, &credential, here);
    assert_eq!(verdict, "allowed");
}

#[test]
fn r53_where_leases_are_off_each_call_asks_for_its_own() {
    let (world, credential) = world(0, conditions(&[], Some(60)));
    world.calls.left.set(3);
    let here = Some(HERE);
    assert_eq!(call(&world, &credential, here), ("allowed", 2));
    assert_eq!(call(&world, &credential, here), ("allowed", 1));
    assert_eq!(call(&world, &credential, here), ("allowed", 1));
    assert_eq!(call(&world, &credential, here), ("calls_exceeded", 1));
}

#[test]
fn r53_a_caller_who_is_refused_for_its_address_takes_no_calls() {
    let (world, credential) = world(1_000, conditions(&["192.0.2.0/24"], Some(60)));
    world.calls.left.set(1);
    for _ in 0..3 {
        let (verdict, _) = call(&world, &credential, Some(ELSEWHERE));
        assert_eq!(verdict, "address_not_allowed");
    }
    assert_eq!(world.calls.left.get(), 1);
    assert_eq!(call(&world, &credential, Some(HERE)).0, "allowed");
}

#[test]
fn r53_a_token_without_conditions_costs_no_question_more() {
    let (world, credential) = world(5_000, None);
    assert_eq!(call(&world, &credential, Some(HERE)), ("allowed", 1));
    assert_eq!(call(&world, &credential, Some(HERE)), ("allowed", 0));
}

#[test]
fn r53_where_the_ledger_says_nothing_of_calls_nobody_passes() {
    let (world, credential) = world(1_000, conditions(&[], Some(60)));
    world.calls.left.set(2);
    assert_eq!(call(&world, &credential, Some(HERE)).0, "allowed");
    assert_eq!(call(&world, &credential, Some(HERE)).0, "allowed");
    world.ledger_down.set(true);
    assert_eq!(call(&world, &credential, Some(HERE)).0, "unavailable");
}

#[test]
fn r53_management_asks_too() {
    let rows = [
        (
            conditions(&["192.0.2.0/24"], None),
            9,
            Purpose::Manage,
            None,
        ),
        (
            conditions(&["203.0.113.0/24"], None),
            9,
            Purpose::Manage,
            Some("address_not_allowed"),
        ),
        // To look at a token is not to use it: its holder can revoke it from any address.
        (
            conditions(&["203.0.113.0/24"], None),
            9,
            Purpose::Look,
            None,
        ),
        (conditions(&[], Some(1)), 1, Purpose::Manage, None),
        (
            conditions(&[], Some(1)),
            0,
            Purpose::Manage,
            Some("calls_exceeded"),
        ),
        (conditions(&[], Some(1)), 0, Purpose::Look, None),
    ];
    for (conditions, left, purpose, refusal) in rows {
        let (world, credential) = world(0, conditions.clone());
        world.calls.left.set(left);
        let config = testing::config();
        let presented = present(Some(&credential), &config, world.now()).expect("a credential");
        let entered = world.enter(presented, About::Nothing, purpose);
        let code = entered.err().map(|error| error.code());
        assert_eq!(code, refusal, "{conditions:?} {purpose:?}");
    }
}

#[test]
fn r53_after_an_edit_an_isolate_goes_by_the_new_facts() {
    for lease_ms in [0, 1_000] {
        let (world, credential) = world(lease_ms, None);
        let elsewhere = Some(ELSEWHERE);
        assert_eq!(call(&world, &credential, elsewhere).0, "allowed");
        edit(
            &world,
            &TokenEdit {
                address_ranges: Some(vec![AddressRange::parse("192.0.2.0/24").expect("a range")]),
                ..TokenEdit::default()
            },
        );
        // The watch brings what has changed, or the lease is over: then the Ledger is asked, and
        // answers with the facts, which nobody asked for.
        world.now.set(world.now.get() + 2_000);
        assert_eq!(
            call(&world, &credential, elsewhere),
            ("address_not_allowed", 1)
        );
        assert_eq!(call(&world, &credential, Some(HERE)).0, "allowed");
    }
}

#[test]
fn r53_an_edit_that_gives_a_limit_counts_from_the_next_question() {
    let (world, credential) = world(1_000, None);
    let here = Some(HERE);
    assert_eq!(call(&world, &credential, here).0, "allowed");
    edit(
        &world,
        &TokenEdit {
            calls_per_minute: Some(1),
            ..TokenEdit::default()
        },
    );
    world.calls.left.set(1);
    world.now.set(world.now.get() + 2_000);
    assert_eq!(call(&world, &credential, here), ("allowed", 2));
    assert_eq!(call(&world, &credential, here), ("calls_exceeded", 1));
}

#[test]
fn r53_facts_of_an_earlier_revision_replace_none() {
    let (world, _) = world(1_000, None);
    let of = |revision| {
        Rc::new(TokenFacts {
            revision,
            ..token(None)
        })
    };
    let memory = &mut world.gate.borrow_mut().memory;
    for (told, known) in [(1, 1), (0, 1), (2, 2), (1, 2)] {
        memory.remember_facts(&of(told));
        let facts = memory.facts(Id::from_u128(7)).expect("facts");
        assert_eq!(facts.revision, known, "told {told}");
    }
}
