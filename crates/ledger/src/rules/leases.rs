//! Leases (R41): what a holder is told, when a version is final, and what a new instance waits for.

use postern_domain::id::Id;
use postern_domain::leak::OnLeak;

use crate::testing::*;
use crate::{
    Claim, Delta, Done, LeakCommand, Ledger, RenewCommand, RevokeAnswer, RevokeCommand, Selector,
    Timer, WatchCommand, margin_ms,
};

pub(super) const OVER_MS: u32 = LEASE_MS + margin_ms(LEASE_MS);

pub(super) fn renew(ledger: &mut Ledger<Sqlite>, claim: Claim) -> Delta {
    let command = RenewCommand {
        claim,
        uses: Vec::new(),
    };
    ledger.renew(at(1), &command).expect("an answer")
}

pub(super) fn revoke(id: u128) -> RevokeCommand {
    RevokeCommand {
        token: Id::from_u128(id),
        requester: requester(),
        respond_async: false,
    }
}

/// The version that the answer to a revoke waits for; `None` = it has its answer.
pub(super) fn held(ledger: &mut Ledger<Sqlite>, id: u128) -> Option<i64> {
    match tell(ledger, 10, revoke(id)).expect("carried out") {
        Done::WhenFinal(version, _) => Some(version),
        Done::BestAfterDelivery(_) | Done::Answer(_) => None,
        Done::AfterDelivery(_) => panic!("a revoke does not wait for D1"),
    }
}

pub(super) fn is_final(ledger: &mut Ledger<Sqlite>, version: i64) -> bool {
    ledger.is_final(version).expect("an answer")
}

/// Fires the timers that were asked for, and tells after how long.
pub(super) fn fire(ledger: &mut Ledger<Sqlite>) -> Vec<u32> {
    let timers: Vec<(Timer, u32)> = ledger.timers();
    for (timer, _) in &timers {
        ledger.fired(*timer).expect("a turn");
    }
    timers.into_iter().map(|(_, ms)| ms).collect()
}

/// Rotates at 11 ms, with this overlap in milliseconds, and tells whether the answer is held back.
pub(super) fn rotation_is_held(
    ledger: &mut Ledger<Sqlite>,
    old: u128,
    new: u128,
    overlap: i64,
) -> bool {
    let command = rotate(old, mint(new, &format!("n{new}"), 11), 11 + overlap);
    let waiting = waits(tell(ledger, 11, command));
    let delivery = crate::Delivery::Arrived { row_of: None };
    let done = ledger.resume(at(11), waiting, delivery).expect("rotated");
    matches!(done, Done::WhenFinal(..))
}

pub(super) fn three(sql: &Sqlite) -> Ledger<Sqlite> {
    let mut ledger = open(sql);
    for id in 1..=3 {
        minted(&mut ledger, 0, mint(id, &format!("t{id}"), 0));
    }
    ledger
}

#[test]
fn a_holder_is_told_every_change_since_the_version_that_it_has_applied() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let first = renew(&mut ledger, claim(9, None));
    assert_eq!((first.version.number, first.changed), (0, None));
    assert_eq!(first.lease_ms, Some(LEASE_MS));
    for id in [1, 2] {
        tell(&mut ledger, 7, revoke(id))
            .map(given)
            .expect("revoked");
    }
    let version = |number| crate::Version {
        number,
        ..first.version
    };
    let rows = [
        (
            Some(version(0)),
            Some(vec![Id::from_u128(1), Id::from_u128(2)]),
        ),
        (Some(version(1)), Some(vec![Id::from_u128(2)])),
        (Some(version(2)), Some(vec![])),
        // Of a log that was longer.
        (Some(version(3)), None),
        // An empty copy, which another answer may have filled meanwhile.
        (None, None),
    ];
    for (applied, expected) in rows {
        let found = renew(&mut ledger, claim(9, applied));
        assert_eq!((found.version.number, found.changed), (2, expected));
    }
}

#[test]
fn lease_rule_5_too_many_changes_to_list_are_all_to_be_forgotten() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "t1", 0));
    let first = renew(&mut ledger, claim(9, None));
    let many = "with recursive n (i) as (select 2 union select i + 1 from n where i < 1001) \
                insert into tokens (id, facts, place, name, is_system, state, created_at, version) \
                select printf('00000000-0000-0000-0000-%012x', i), '', '', '', 0, 2, 0, 1 from n";
    sql.connection().execute_batch(many).expect("inserted");
    tell(&mut ledger, 7, revoke(1)).map(given).expect("revoked");
    let found = renew(&mut ledger, claim(9, Some(first.version)));
    assert_eq!((found.version.number, found.changed), (1, None));
}

#[test]
fn lease_rule_6_only_what_the_holder_says_it_has_applied_acknowledges() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let granted = renew(&mut ledger, claim(9, None));
    let version = held(&mut ledger, 1).expect("a lease is out");
    // It is told of the change, which proves nothing: the answer may be lost.
    let told = renew(&mut ledger, claim(9, Some(granted.version)));
    assert!(!is_final(&mut ledger, version));
    // Somebody else has applied it.
    let other = renew(&mut ledger, claim(8, Some(told.version)));
    assert!(!is_final(&mut ledger, version));
    assert!(!ledger.take_moved() || !is_final(&mut ledger, version));
    renew(&mut ledger, claim(9, Some(other.version)));
    assert!(is_final(&mut ledger, version));
    assert!(ledger.take_moved(), "the answer that waits is told");
}

#[test]
fn a_watch_is_held_until_something_changes_and_acknowledges_but_is_no_lease() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let granted = renew(&mut ledger, claim(9, None));
    let watch = |applied| WatchCommand {
        claim: claim(9, Some(applied)),
    };
    let ask = |ledger: &mut Ledger<Sqlite>, applied, is_over| {
        ledger.watch(&watch(applied), is_over).expect("an answer")
    };
    assert_eq!(ask(&mut ledger, granted.version, false), None);
    let over = ask(&mut ledger, granted.version, true).expect("it is over");
    assert_eq!((over.changed, over.lease_ms), (Some(vec![]), None));
    let version = held(&mut ledger, 1).expect("a lease is out");
    assert!(ledger.take_moved());
    let news = ask(&mut ledger, granted.version, false).expect("news");
    assert_eq!(news.changed, Some(vec![Id::from_u128(1)]));
    assert!(!is_final(&mut ledger, version));
    assert_eq!(ask(&mut ledger, news.version, false), None);
    assert!(is_final(&mut ledger, version));
}

#[test]
fn a_holder_that_has_vanished_is_waited_for_until_its_lease_is_over() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    ledger.timers();
    let version = held(&mut ledger, 1).expect("a lease is out");
    assert_eq!(fire(&mut ledger), [OVER_MS]);
    assert!(is_final(&mut ledger, version));
    // No lease is out that was granted before: the next one answers at once.
    assert_eq!(held(&mut ledger, 1), None);
}

#[test]
fn lease_rule_11_everything_that_says_that_a_token_is_revoked_waits() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    minted(&mut ledger, 0, mint(4, "t4", 0));
    renew(&mut ledger, claim(9, None));
    let first = held(&mut ledger, 1);
    assert_eq!(first, Some(1));
    assert_eq!(held(&mut ledger, 1), first, "a second revoke");
    let leak = |on_leak| LeakCommand {
        token: Id::from_u128(2),
        on_leak,
        requester: requester(),
    };
    let quarantined = tell(&mut ledger, 11, leak(OnLeak::Quarantine));
    assert!(matches!(quarantined, Ok(Done::WhenFinal(2, _))));
    let again = tell(&mut ledger, 11, leak(OnLeak::Quarantine));
    assert!(matches!(again, Ok(Done::WhenFinal(2, _))), "unchanged");
    let nothing = tell(
        &mut ledger,
        11,
        revoke_many(Selector {
            ids: Some(vec![Id::from_u128(1)]),
            ..Selector::default()
        }),
    );
    assert!(matches!(nothing, Ok(Done::WhenFinal(2, _))), "nothing fits");
    let many = tell(
        &mut ledger,
        11,
        revoke_many(Selector {
            ids: Some(vec![Id::from_u128(3)]),
            ..Selector::default()
        }),
    );
    assert!(matches!(many, Ok(Done::WhenFinal(3, _))));
    // A rotation whose overlap is shorter than a lease, and one that is longer.
    for (old, new, overlap, is_held) in [(4, 5, 0, true), (5, 6, i64::from(OVER_MS), false)] {
        let held = rotation_is_held(&mut ledger, old, new, overlap);
        assert_eq!(held, is_held, "{overlap}");
    }
}

#[test]
fn a_revoke_that_is_not_waited_for_says_when_it_is_final() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let asks = |id| RevokeCommand {
        respond_async: true,
        ..revoke(id)
    };
    let idle = tell(&mut ledger, 10, asks(1)).map(given);
    let at_once = RevokeAnswer::Revoked {
        at: at(10),
        final_in_ms: 0,
    };
    assert_eq!(idle, Ok(at_once));
    renew(&mut ledger, claim(9, None));
    let busy = tell(&mut ledger, 10, asks(2)).expect("revoked");
    let Done::Answer(answer) = busy else {
        panic!("it waits");
    };
    let later = RevokeAnswer::Revoked {
        at: at(10),
        final_in_ms: OVER_MS,
    };
    assert_eq!(answer, later);
    // The wait has begun all the same.
    fire(&mut ledger);
    assert!(is_final(&mut ledger, 2));
}

#[test]
fn lease_rule_8_a_new_instance_waits_for_the_leases_of_its_predecessor() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let granted = renew(&mut ledger, claim(9, None));
    assert_eq!(
        sql.number("select longest_ms from leases"),
        i64::from(LEASE_MS)
    );
    let mut ledger = open(&sql);
    let version = held(&mut ledger, 1).expect("leases may be out");
    assert_eq!(ledger.timers().len(), 1, "no lease of its own is out");
    // What the predecessor has counted acknowledges nothing, and is to be forgotten.
    let told = renew(&mut ledger, claim(9, Some(granted.version)));
    assert_eq!(told.changed, None);
    assert_ne!(told.version.instance, granted.version.instance);
    assert!(!is_final(&mut ledger, version));
}

#[test]
fn lease_rule_8_where_no_lease_was_out_a_new_instance_waits_for_nothing() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    // The holder is spared once, and forgotten then: its lease is over.
    assert_eq!(fire(&mut ledger), [OVER_MS]);
    assert_eq!(
        sql.number("select longest_ms from leases"),
        i64::from(LEASE_MS)
    );
    assert_eq!(fire(&mut ledger), [OVER_MS]);
    assert_eq!(sql.number("select longest_ms from leases"), 0);
    assert_eq!(held(&mut ledger, 1), None);
    let mut ledger = open(&sql);
    assert_eq!(held(&mut ledger, 2), None);
}

#[test]
fn lease_rule_8_a_timer_of_an_instance_that_has_ended_ends_nothing() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    let mut second = open(&sql);
    held(&mut second, 1).expect("leases may be out");
    let of_second = second.timers();
    let mut third = open(&sql);
    let version = held(&mut third, 1).expect("leases may be out");
    for (timer, ms) in of_second {
        assert_eq!(ms, OVER_MS);
        third.fired(timer).expect("a turn");
    }
    assert!(!is_final(&mut third, version));
    assert_eq!(fire(&mut third), [OVER_MS]);
    assert!(is_final(&mut third, version));
}

#[test]
fn lease_rule_10_only_a_token_without_an_end_ahead_is_leased() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let ask = |ledger: &mut Ledger<Sqlite>, id: u128| {
        let query = crate::AdmitQuery {
            claim: Some(claim(9, None)),
            ..plain(id)
        };
        ledger.admit(at(20), query).expect("an answer")
    };
    assert!(ask(&mut ledger, 1).delta.is_some());
    let waiting = waits(tell(&mut ledger, 11, rotate(1, mint(5, "t1", 11), 99_000)));
    arrived(&mut ledger, 11, waiting, None);
    let retiring = ask(&mut ledger, 1);
    assert_eq!(retiring.liveness, crate::Liveness::Live);
    assert_eq!(retiring.delta, None);
}

#[test]
fn strangers_are_granted_no_lease_and_create_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let told = renew(&mut ledger, claim(9, None));
    assert_eq!((told.version.number, told.lease_ms), (0, None));
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
}
