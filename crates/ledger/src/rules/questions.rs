//! The questions: who lives, what has changed (R13), and when the machine wants to be woken.

use postern_domain::id::Id;
use postern_domain::token::{Signed, Verifier};

use crate::testing::*;
use crate::{Admission, AdmitQuery, BindCommand, Liveness, RecordChange};

#[test]
fn an_admission_says_what_was_asked_and_no_more() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let usual = ledger.admit(at(1), plain(1)).expect("an answer");
    assert_eq!(usual, Admission::LIVE);
    let more = AdmitQuery {
        facts: true,
        claim: Some(claim(9, None)),
        ..plain(1)
    };
    let found = ledger.admit(at(1), more.clone()).expect("an answer");
    assert_eq!(found.facts.map(|facts| facts.id), Some(Id::from_u128(1)));
    let changes = found.delta.expect("a claim is answered");
    assert_eq!(
        (changes.version.number, changes.lease_ms),
        (0, Some(LEASE_MS))
    );
    // One that is being rotated out is asked about each time.
    let waiting = waits(tell(&mut ledger, 1, rotate(1, mint(2, "ci", 1), 9_000)));
    arrived(&mut ledger, 1, waiting, None);
    let found = ledger.admit(at(2), more).expect("an answer");
    assert_eq!((found.liveness, found.delta), (Liveness::Live, None));
}

#[test]
fn a_token_of_another_organizations_name_opens_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let mut stray = mint(2, "stray", 0);
    stray.facts.organization.name = "other".to_owned();
    minted(&mut ledger, 0, stray);
    let query = AdmitQuery {
        facts: true,
        ..plain(2)
    };
    let found = ledger.admit(at(1), query).expect("an answer");
    assert_eq!((found.liveness, found.facts), (Liveness::Unknown, None));
}

#[test]
fn r13_uses_are_written_together_and_expired_ones_are_none() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let mut command = mint(1, "ci", 0);
    command.facts.expires_at = Some(at(5_000));
    minted(&mut ledger, 0, command);
    ledger.delivered(i64::MAX).expect("delivered");
    let used = AdmitQuery {
        counts: true,
        ..plain(1)
    };
    for now in [10, 20, 30, 5_000] {
        ledger.admit(at(now), used.clone()).expect("an answer");
    }
    ledger.admit(at(40), plain(1)).expect("an answer");
    assert_eq!(sql.number("select uses from tokens"), 0);
    ledger.wake(at(8_010)).expect("a wake");
    assert_eq!(sql.number("select uses from tokens"), 3);
    let outbox = ledger.outbox().expect("the outbox");
    let totals: Vec<(i64, i64)> = outbox
        .iter()
        .flat_map(|entry| &entry.changes)
        .filter_map(|change| match change {
            RecordChange::RecordUse { uses, at, .. } => Some((*uses, at.as_millis())),
            _ => None,
        })
        .collect();
    assert_eq!(totals, [(3, 30)]);
}

#[test]
fn what_was_signed_is_bound_once() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let signed = |digest: &str| Signed {
        kid: "k".to_owned(),
        digest: digest.to_owned(),
    };
    for digest in ["first", "second"] {
        let command = BindCommand {
            token: Id::from_u128(1),
            signed: signed(digest),
        };
        let facts = answer(tell(&mut ledger, 1, command)).expect("a token");
        let bound = Verifier::Jwt {
            signed: Some(signed("first")),
        };
        assert_eq!(facts.verifier, bound, "{digest}");
    }
}

#[test]
fn the_alarm_is_not_moved_back_but_after_a_clock_that_went_back() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let used = AdmitQuery {
        counts: true,
        ..plain(1)
    };
    minted(&mut ledger, 10_000, mint(1, "ci", 0));
    assert_eq!(ledger.wakes_at(), Some(at(12_000)));
    // The moment, and when it is to ring then.
    let rows = [
        (11_000, 12_000),
        (11_999, 12_000),
        // Overdue: the alarm of an earlier process may have been lost.
        (12_000, 20_000),
        (13_000, 20_000),
        (1_000, 9_000),
    ];
    for (now, expected) in rows {
        ledger.admit(at(now), used.clone()).expect("an answer");
        assert_eq!(ledger.wakes_at(), Some(at(expected)), "at {now}");
    }
    ledger.not_delivered(at(1_500));
    assert_eq!(ledger.wakes_at(), Some(at(3_500)));
}
