//! What waits for leases to end, and what a new instance of a Ledger waits for (R41). The numbers
//! are those of docs/adr/0016-leases.md. Rule 18 needs no test here: a version leaves a turn, and the
//! platform holds the answer back until what the turn wrote is on disk. Nor does half of rule 12, that
//! a turn awaits nothing: the machine is not async.

use postern_domain::id::Id;
use postern_domain::leak::OnLeak;

use super::leases::{OVER_MS, fire, held, is_final, renew, revoke, rotation_is_held, three};
use crate::testing::*;
use crate::{
    AdmitQuery, Delta, Done, LeakCommand, Ledger, Liveness, RevokeAnswer, RevokeCommand,
    SweepCommand, margin_ms,
};

const DAY_MS: i64 = 86_400_000;

/// A question about a token, with a claim that asks for a lease.
fn ask(ledger: &mut Ledger<Sqlite>, ms: i64, id: u128) -> (Liveness, Option<Delta>) {
    let query = AdmitQuery {
        claim: Some(claim(9, None)),
        ..plain(id)
    };
    let admission = ledger.admit(at(ms), query).expect("an answer");
    (admission.liveness, admission.delta)
}

fn leak(ledger: &mut Ledger<Sqlite>, id: u128, on_leak: OnLeak) -> bool {
    let command = LeakCommand {
        token: Id::from_u128(id),
        on_leak,
        requester: requester(),
    };
    let done = tell(ledger, 10, command).expect("carried out");
    matches!(done, Done::WhenFinal(..))
}

/// What a revoke says that is not waited for: after how many milliseconds it is final.
fn final_in_ms(ledger: &mut Ledger<Sqlite>, id: u128) -> u32 {
    let command = RevokeCommand {
        respond_async: true,
        ..revoke(id)
    };
    match tell(ledger, 10, command).map(given) {
        Ok(RevokeAnswer::Revoked { final_in_ms, .. }) => final_in_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn lease_rule_3_no_clock_ends_a_wait() {
    for later in [-DAY_MS, DAY_MS] {
        let sql = Sqlite::new();
        let mut ledger = three(&sql);
        renew(&mut ledger, claim(9, None));
        ledger.timers();
        let version = held(&mut ledger, 1).expect("a lease is out");
        let (liveness, _) = ask(&mut ledger, 10 + later, 2);
        assert_eq!(liveness, Liveness::Live);
        ledger.wake(at(10 + later)).expect("a turn");
        assert!(!is_final(&mut ledger, version), "{later}");
        fire(&mut ledger);
        assert!(is_final(&mut ledger, version), "{later}");
    }
}

#[test]
fn lease_rule_3_a_clock_that_goes_back_brings_no_rotated_token_back() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let command = rotate(1, mint(4, "t1", 5_000), 5_000);
    let waiting = waits(tell(&mut ledger, 5_000, command));
    arrived(&mut ledger, 5_000, waiting, None);
    assert_eq!(liveness(&mut ledger, 5_000, 1), Liveness::Revoked);
    assert_eq!(liveness(&mut ledger, 4_000, 1), Liveness::Revoked);
    assert_eq!(liveness(&mut open(&sql), 4_000, 1), Liveness::Revoked);
}

#[test]
fn lease_rule_4_the_margin_covers_a_clock_that_is_one_in_a_hundred_slow() {
    for (lease_ms, expected) in [(1, 51), (1_000, 60), (1_001, 61), (5_000, 100)] {
        assert_eq!(margin_ms(lease_ms), expected, "{lease_ms}");
    }
}

#[test]
fn lease_rule_8_the_stored_length_is_raised_for_longer_leases_and_not_shortened_before_they_end() {
    let sql = Sqlite::new();
    let stored = || sql.number("select longest_ms from leases");
    three(&sql);
    for (lease_ms, expected) in [(1_000, 1_000), (5_000, 5_000), (1_000, 5_000)] {
        let mut ledger = open_with(&sql, lease_ms);
        let told = renew(&mut ledger, claim(9, None));
        assert_eq!(told.lease_ms, Some(lease_ms));
        assert_eq!(stored(), expected);
    }
    let mut ledger = open_with(&sql, 1_000);
    let version = held(&mut ledger, 1).expect("leases may be out");
    assert_eq!(fire(&mut ledger), [5_100]);
    assert!(is_final(&mut ledger, version));
    // It has granted none itself, and the next instance need not wait.
    assert_eq!(stored(), 0);
    assert_eq!(held(&mut open_with(&sql, 1_000), 2), None);
}

#[test]
fn lease_rule_8_a_lease_that_is_renewed_is_counted_on() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    for _ in 0..4 {
        renew(&mut ledger, claim(9, None));
        fire(&mut ledger);
    }
    let version = held(&mut ledger, 1).expect("a lease is out");
    assert!(!is_final(&mut ledger, version));
}

#[test]
fn lease_rule_10_no_token_that_may_end_without_a_revoke_is_leased() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    leak(&mut ledger, 1, OnLeak::Quarantine);
    let _under_way = waits(tell(&mut ledger, 10, mint(4, "pending", 10)));
    for id in [1, 4, 5] {
        let (liveness, delta) = ask(&mut ledger, 20, id);
        assert_ne!(liveness, Liveness::Live, "{id}");
        assert_eq!(delta, None, "{id}");
    }
    let waiting = waits(tell(&mut ledger, 11, rotate(2, mint(6, "t2", 11), 99_000)));
    arrived(&mut ledger, 11, waiting, None);
    assert_eq!(ask(&mut ledger, 20, 2), (Liveness::Live, None));
    // A holder that knew it as active is told to forget it.
    let version = renew(&mut ledger, claim(9, None)).version;
    assert_eq!(version.number, 2, "a quarantine and a rotation");
}

#[test]
fn lease_rule_11_a_sweep_and_a_leak_wait_as_a_revoke_does() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    assert!(leak(&mut ledger, 1, OnLeak::Revoke));
    let sweep = SweepCommand {
        max_idle_days: 1,
        requester: requester(),
    };
    let swept = tell(&mut ledger, DAY_MS + 1, sweep).expect("carried out");
    assert!(matches!(swept, Done::WhenFinal(2, _)));
}

#[test]
fn lease_rule_11_before_the_restart_wait_is_over_nothing_is_final() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    held(&mut ledger, 1);
    renew(&mut ledger, claim(9, None));
    let mut ledger = open(&sql);
    // Neither a version of before nor one of its own, whose holders are all its own.
    assert!(!is_final(&mut ledger, 1));
    let version = held(&mut ledger, 2).expect("leases may be out");
    assert!(!is_final(&mut ledger, version));
    fire(&mut ledger);
    assert!(is_final(&mut ledger, version));
}

#[test]
fn lease_rule_12_a_lease_is_recorded_in_the_turn_that_grants_it() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let (_, delta) = ask(&mut ledger, 1, 1);
    let delta = delta.expect("a lease");
    assert_eq!((delta.version.number, delta.lease_ms), (0, Some(LEASE_MS)));
    // Its answer may still be on the way.
    assert!(held(&mut ledger, 1).is_some());
    // Of one turn: standing, version and changes.
    let (liveness, delta) = ask(&mut ledger, 2, 1);
    assert_eq!((liveness, delta), (Liveness::Revoked, None));
    let (_, delta) = ask(&mut ledger, 2, 2);
    assert_eq!(delta.map(|delta| delta.version.number), Some(1));
}

#[test]
fn lease_rule_12_an_alarm_grants_no_lease() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    ledger.wake(at(5_000)).expect("a turn");
    assert_eq!(held(&mut ledger, 1), None);
}

#[test]
fn lease_rule_13_a_tombstone_stands_where_nobody_waits_and_a_retry_waits_again() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    let version = held(&mut ledger, 1).expect("a lease is out");
    // The requests that waited have gone.
    assert_eq!(liveness(&mut ledger, 11, 1), Liveness::Revoked);
    assert_eq!(held(&mut ledger, 1), Some(version));
    let mut ledger = open(&sql);
    assert_eq!(liveness(&mut ledger, 11, 1), Liveness::Revoked);
    assert_eq!(held(&mut ledger, 1), Some(version));
    fire(&mut ledger);
    assert_eq!(held(&mut ledger, 1), None);
}

#[test]
fn lease_rule_20_final_at_is_the_later_of_leases_and_the_restart_wait() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    assert_eq!(final_in_ms(&mut ledger, 1), 0, "no lease is out");
    renew(&mut ledger, claim(9, None));
    assert_eq!(final_in_ms(&mut ledger, 2), OVER_MS);
    // Its own leases are the longer ones after one restart, its predecessor's after the next.
    assert_eq!(final_in_ms(&mut open_with(&sql, 100), 2), OVER_MS);
    let mut longer = open_with(&sql, 5_000);
    renew(&mut longer, claim(9, None));
    assert_eq!(final_in_ms(&mut longer, 3), 5_100);
    assert_eq!(final_in_ms(&mut open(&sql), 3), 5_100);
}

/// What the platform keeps of a turn that has failed half-way is not ours to choose.
#[test]
fn lease_rule_12_a_step_that_fails_half_way_hides_no_tombstone() {
    let mut hidden = 0;
    for statements in 0..40 {
        let sql = Sqlite::new();
        let mut ledger = three(&sql);
        let granted = renew(&mut ledger, claim(9, None));
        sql.fail_after(Some(statements));
        let outcome = tell(&mut ledger, 10, revoke(1));
        sql.fail_after(None);
        if outcome.is_ok() {
            break;
        }
        hidden += 1;
        // The machine that goes on, and one that is opened anew.
        for mut ledger in [ledger, open(&sql)] {
            let told = renew(&mut ledger, claim(9, Some(granted.version)));
            let changed = told.changed;
            let is_told = changed.is_none_or(|changed| changed.contains(&Id::from_u128(1)));
            let is_live = liveness(&mut ledger, 11, 1) == Liveness::Live;
            assert!(is_told || is_live, "after {statements} statements");
        }
    }
    assert!(hidden > 5, "{hidden} statements failed");
}

#[test]
fn lease_rule_10_a_rotation_waits_for_the_leases_of_an_earlier_instance() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    // The next one grants none.
    let mut ledger = open_with(&sql, 0);
    for (old, new, overlap, is_held) in [(1, 4, 500, true), (2, 5, i64::from(OVER_MS), false)] {
        let held = rotation_is_held(&mut ledger, old, new, overlap);
        assert_eq!(held, is_held, "{overlap}");
    }
}

#[test]
fn a_revoke_of_a_token_that_a_rotation_has_ended_writes_its_tombstone() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let command = rotate(1, mint(4, "t1", 1_000), 2_000);
    let waiting = waits(tell(&mut ledger, 1_000, command));
    arrived(&mut ledger, 1_000, waiting, None);
    let told = tell(&mut ledger, 3_000, revoke(1)).map(given);
    let first = crate::RevokeAnswer::Revoked {
        at: at(2_000),
        final_in_ms: 0,
    };
    assert_eq!(told, Ok(first));
    assert_eq!(liveness(&mut ledger, 1_500, 1), Liveness::Revoked);
}
