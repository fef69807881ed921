//! The rules of leases that an isolate keeps, by their numbers (docs/adr/0016-leases.md).
//!
//! | rule | where it is tested |
//! |---|---|
//! | 1, 4, 5, 7, 9, 15, 17 | here |
//! | 2, 14 | the whole machine: `crates/gate/src/tests/leases.rs` and `admission.rs` beside it |
//! | 16 | no call joins another's question: each has one of its own |
//! | 3, 6, 8, 10 to 13, 20 | the Ledger: `crates/ledger/src/rules/leases.rs` and `waits.rs` beside it |
//! | 18 | the platform: its output gate holds answers back until what a turn wrote is on disk |
//! | 19 | docs/API.md: only the revoke's own 2xx is the promise |

use postern_domain::id::{Id, OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_ledger::{Claim, Delta, Liveness, Version};

use super::{Asked, Due, Leases, TOKENS};

const LEASE_MS: u32 = 1_000;
const ORGANIZATION: OrganizationId = Id::from_u128(1);
const FIRST: TokenId = Id::from_u128(7);
const SECOND: TokenId = Id::from_u128(8);

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// What a Ledger tells.
fn delta(number: i64, changed: Option<&[TokenId]>, lease_ms: u32) -> Delta {
    let instance = Id::from_u128(5);
    Delta {
        version: Version { instance, number },
        changed: changed.map(<[TokenId]>::to_vec),
        lease_ms: Some(lease_ms),
    }
}

fn ask(leases: &mut Leases, ms: i64) -> Asked {
    leases.ask(ORGANIZATION, at(ms))
}

/// A token is active, the Ledger says.
fn live(leases: &mut Leases, asked: &Asked, token: TokenId, delta: &Delta, ms: i64) {
    leases.told(asked, (token, 0), Liveness::Live, Some(delta), at(ms));
}

fn is_active(leases: &mut Leases, token: TokenId, ms: i64) -> bool {
    leases.is_active(ORGANIZATION, (token, 0), at(ms))
}

/// Two tokens are known to be active, at version 0, by a lease that was asked for at 0.
fn filled() -> Leases {
    let mut leases = Leases::new(1 << 64, LEASE_MS);
    for token in [FIRST, SECOND] {
        let asked = ask(&mut leases, 0);
        live(&mut leases, &asked, token, &delta(0, None, LEASE_MS), 0);
    }
    leases
}

fn claim(leases: &mut Leases, ms: i64) -> Claim {
    ask(leases, ms).claim()
}

#[test]
fn lease_rule_1_a_lease_counts_from_before_its_question_was_sent() {
    let mut leases = Leases::new(1 << 64, LEASE_MS);
    let asked = ask(&mut leases, 0);
    live(&mut leases, &asked, FIRST, &delta(0, None, LEASE_MS), 900);
    assert!(is_active(&mut leases, FIRST, 999));
    assert!(!is_active(&mut leases, FIRST, 1_000));
}

#[test]
fn lease_rule_4_an_earlier_reading_of_the_clock_drops_every_lease() {
    let mut leases = filled();
    assert!(is_active(&mut leases, FIRST, 500));
    assert!(!is_active(&mut leases, FIRST, 499));
    assert!(!is_active(&mut leases, FIRST, 500), "it stays dropped");
    // Whatever takes the reading.
    let mut leases = filled();
    ask(&mut leases, 500);
    leases.watch(ORGANIZATION, at(400));
    assert!(!is_active(&mut leases, FIRST, 500));
}

#[test]
fn lease_rule_4_a_timer_drops_what_the_clock_would_still_allow() {
    let mut leases = Leases::new(1 << 64, LEASE_MS);
    let asked = ask(&mut leases, 0);
    // It is due before the question is sent.
    let Some(Due::Expiry {
        question, after_ms, ..
    }) = leases.due()
    else {
        panic!("no timer");
    };
    assert_eq!(after_ms, LEASE_MS);
    live(&mut leases, &asked, FIRST, &delta(0, None, LEASE_MS), 10);
    assert!(is_active(&mut leases, FIRST, 20));
    leases.expired(ORGANIZATION, question);
    assert!(!is_active(&mut leases, FIRST, 20));
    // Nor does an answer bring a lease whose timer has fired already.
    let mut leases = Leases::new(1 << 64, LEASE_MS);
    let asked = ask(&mut leases, 0);
    leases.expired(ORGANIZATION, question);
    live(&mut leases, &asked, FIRST, &delta(0, None, LEASE_MS), 10);
    assert!(!is_active(&mut leases, FIRST, 20));
}

#[test]
fn lease_rule_4_the_timer_of_an_older_question_ends_no_newer_lease() {
    let mut leases = filled();
    let Some(Due::Expiry { question, .. }) = leases.due() else {
        panic!("no timer");
    };
    let asked = ask(&mut leases, 600);
    let unchanged = delta(0, Some(&[]), LEASE_MS);
    live(&mut leases, &asked, FIRST, &unchanged, 610);
    leases.expired(ORGANIZATION, question);
    assert!(is_active(&mut leases, FIRST, 1_599));
}

#[test]
fn lease_rule_4_a_lease_that_nobody_asked_for_has_no_timer_and_is_not_taken() {
    let mut leases = filled();
    let asked = ask(&mut leases, 400);
    assert!(!asked.claim().lease, "the lease is young");
    let unasked = delta(0, Some(&[]), LEASE_MS);
    live(&mut leases, &asked, FIRST, &unasked, 410);
    assert!(!is_active(&mut leases, FIRST, 1_000));
}

#[test]
fn lease_rule_5_what_has_changed_is_forgotten() {
    let rows: [(Option<&[TokenId]>, [bool; 2]); 3] = [
        (Some(&[FIRST]), [false, true]),
        (Some(&[FIRST, SECOND]), [false, true]),
        (None, [false, true]),
    ];
    // The answer is about the second token, which is active after all of it.
    for (changed, expected) in rows {
        let mut leases = filled();
        let asked = ask(&mut leases, 10);
        live(
            &mut leases,
            &asked,
            SECOND,
            &delta(3, changed, LEASE_MS),
            20,
        );
        let found = [FIRST, SECOND].map(|token| is_active(&mut leases, token, 30));
        assert_eq!(found, expected, "{changed:?}");
    }
}

#[test]
fn lease_rule_5_an_answer_older_than_the_copy_brings_no_token() {
    let mut leases = filled();
    let (older, newer) = (ask(&mut leases, 10), ask(&mut leases, 11));
    let revoked = delta(1, Some(&[FIRST]), LEASE_MS);
    live(&mut leases, &newer, SECOND, &revoked, 20);
    live(&mut leases, &older, FIRST, &delta(0, None, LEASE_MS), 30);
    assert!(!is_active(&mut leases, FIRST, 40));
    assert!(is_active(&mut leases, SECOND, 40), "nothing is lost by it");
}

#[test]
fn lease_rule_5_a_token_that_is_not_active_is_removed() {
    for liveness in [Liveness::Revoked, Liveness::Unknown] {
        let mut leases = filled();
        let asked = ask(&mut leases, 10);
        leases.told(&asked, (FIRST, 0), liveness, None, at(20));
        assert!(!is_active(&mut leases, FIRST, 30), "{liveness:?}");
        assert!(is_active(&mut leases, SECOND, 30));
    }
}

#[test]
fn lease_rule_7_an_emptied_copy_is_another_holder() {
    let mut leases = filled();
    let asked = ask(&mut leases, 500);
    // The clock goes back.
    let after = claim(&mut leases, 400);
    assert_ne!(after.holder, asked.claim().holder);
    assert_eq!(after.applied, None);
    live(&mut leases, &asked, FIRST, &delta(0, None, LEASE_MS), 510);
    assert!(!is_active(&mut leases, FIRST, 520), "asked by another");
}

#[test]
fn lease_rule_7_a_full_copy_evicts_one_token_and_stays_the_holder() {
    let mut leases = filled();
    let before = claim(&mut leases, 1);
    let asked = ask(&mut leases, 2);
    let unchanged = delta(0, Some(&[]), LEASE_MS);
    for id in 0..TOKENS as u128 + 10 {
        let token = Id::from_u128(100 + id);
        live(&mut leases, &asked, token, &unchanged, 3);
    }
    let copy = leases.copies.get(&ORGANIZATION).expect("a copy");
    assert_eq!(copy.active.len(), TOKENS);
    assert_eq!(copy.holder, before.holder);
}

#[test]
fn lease_rule_9_a_lease_lasts_as_long_as_the_shorter_of_told_and_configured() {
    for (told, until) in [(300, 300), (LEASE_MS, 1_000), (5_000, 1_000)] {
        let mut leases = Leases::new(1 << 64, LEASE_MS);
        let asked = ask(&mut leases, 0);
        live(&mut leases, &asked, FIRST, &delta(0, None, told), 10);
        assert!(is_active(&mut leases, FIRST, until - 1), "{told}");
        assert!(!is_active(&mut leases, FIRST, until), "{told}");
    }
}

#[test]
fn lease_rule_15_an_answer_of_another_instance_empties_the_copy_and_is_dropped() {
    let mut leases = filled();
    let (first, second) = (ask(&mut leases, 10), ask(&mut leases, 11));
    let mut other = delta(0, None, LEASE_MS);
    other.version.instance = Id::from_u128(6);
    live(&mut leases, &first, FIRST, &other, 20);
    for token in [FIRST, SECOND] {
        assert!(!is_active(&mut leases, token, 30));
    }
    let after = claim(&mut leases, 30);
    assert_ne!(after.holder, first.claim().holder);
    assert_eq!(after.applied, None, "nothing of it is taken");
    // A late answer of the earlier instance does not turn it back.
    live(&mut leases, &second, FIRST, &delta(0, None, LEASE_MS), 40);
    assert!(!is_active(&mut leases, FIRST, 50));
}

#[test]
fn lease_rule_17_a_question_says_what_the_copy_was_when_it_was_made() {
    let mut leases = filled();
    let asked = ask(&mut leases, 10);
    let other = ask(&mut leases, 11);
    let revoked = delta(1, Some(&[FIRST]), LEASE_MS);
    live(&mut leases, &other, SECOND, &revoked, 20);
    let applied = |claim: Claim| claim.applied.map(|version| version.number);
    assert_eq!(applied(asked.claim()), Some(0), "it acknowledges no more");
    assert_eq!(applied(claim(&mut leases, 30)), Some(1));
}
