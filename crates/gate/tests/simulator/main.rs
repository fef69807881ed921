//! Many gateways, one Ledger, one clock: what a revoke that has answered means everywhere, with
//! messages that are late, overtake each other and get lost. The Ledger stands behind a trait, and
//! what is held to the promise is the gateway's machine itself.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test, which may fail"
)]

mod ledger;
mod world;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use world::{Event, World};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..3_usize, 0..2_usize, any::<bool>())
            .prop_map(|(gate, token, reads)| Event::Arrives { gate, token, reads }),
        12 => (any::<usize>(), prop::bool::weighted(0.08))
            .prop_map(|(which, is_lost)| Event::Delivered { which, is_lost }),
        4 => (1..900_i64).prop_map(Event::Passes),
        1 => (0..2_usize).prop_map(Event::Revoked),
        1 => (0..3_usize).prop_map(Event::Forgets),
    ]
}

/// Runs histories, and gives how many calls went on, how many were refused after a revoke, and how
/// many steps there were.
fn histories(bound_ms: i64, cases: u32) -> (usize, usize, usize) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let counted = std::cell::RefCell::new((0, 0, 0));
    let events = prop::collection::vec(event(), 1..300);
    let ran = runner.run(&events, |events| {
        let mut world = World::new(3, bound_ms);
        for event in &events {
            world.happens(event).map_err(TestCaseError::fail)?;
        }
        let mut counted = counted.borrow_mut();
        counted.0 += world.forwarded;
        counted.1 += world.refused_revoked;
        counted.2 += events.len();
        Ok(())
    });
    ran.expect("every history keeps the promise");
    counted.into_inner()
}

#[test]
fn no_call_that_begins_after_a_revoke_has_answered_is_accepted_anywhere() {
    let (forwarded, refused, steps) = histories(0, 50);
    assert!(
        forwarded > 100 && refused > 100,
        "{forwarded} {refused} {steps}"
    );
}

#[test]
fn in_bounded_mode_a_read_may_be_a_bound_late_and_a_write_never_is() {
    let (forwarded, refused, steps) = histories(1_000, 50);
    assert!(
        forwarded > 100 && refused > 100,
        "{forwarded} {refused} {steps}"
    );
}
