//! A Ledger that a later release has written to, and that this one works with again after a rollback: what only the
//! later one knows opens nothing, is said, and stands in nobody's way.

use postern_domain::id::Id;

use crate::testing::*;
use crate::{AdmitQuery, RevokeManyAnswer, Selector, Stop};

/// A token of this release, and one that a later release has limited in a way that this one does not know.
fn ledger_of_a_later_release(sql: &Sqlite) {
    let mut ledger = open(sql);
    minted(&mut ledger, 0, mint(1, "ours", 0));
    minted(&mut ledger, 1, mint(2, "theirs", 1));
    ledger.delivered(i64::MAX).expect("D1 has all of it");
    sql.transact(
        "update tokens set facts = json_set(facts, '$.only_from', '192.0.2.1') where name = 'theirs';
         alter table tokens add column only_from text;
         create index later on tokens (only_from);
         update schema set version = version + 1",
    );
}

#[test]
fn tables_of_a_later_release_are_worked_with() {
    let sql = Sqlite::new();
    ledger_of_a_later_release(&sql);
    let version = sql.number("select version from schema");
    let mut ledger = open(&sql);
    assert_eq!(liveness(&mut ledger, 9, 1), crate::Liveness::Live);
    minted(&mut ledger, 9, mint(3, "new", 9));
    let now = sql.number("select version from schema");
    assert_eq!(now, version, "steps only go forward");
}

#[test]
fn facts_that_are_not_understood_are_not_handed_out() {
    let sql = Sqlite::new();
    ledger_of_a_later_release(&sql);
    let mut ledger = open(&sql);
    let query = AdmitQuery {
        facts: true,
        ..plain(2)
    };
    let admitted = ledger.admit(at(9), query).map(drop);
    let described = ledger.describe(Some("acme"), Id::from_u128(2)).map(drop);
    for stop in [admitted, described] {
        let Err(Stop::Failed(why)) = stop else {
            panic!("it is refused: {stop:?}");
        };
        assert!(
            why.to_string().contains("unknown field `only_from`"),
            "{why}"
        );
    }
    let query = AdmitQuery {
        facts: true,
        ..plain(1)
    };
    let ours = ledger.admit(at(9), query).expect("an answer");
    assert_eq!(ours.facts.map(|facts| facts.id), Some(Id::from_u128(1)));
}

#[test]
fn r12_what_is_not_understood_can_be_revoked() {
    let sql = Sqlite::new();
    ledger_of_a_later_release(&sql);
    let mut ledger = open(&sql);
    let all = tell(&mut ledger, 9, revoke_many(Selector::default()));
    let RevokeManyAnswer::Done { tokens, .. } = given(all.expect("an answer")) else {
        panic!("two are not too many");
    };
    assert_eq!(tokens, [Id::from_u128(1), Id::from_u128(2)]);
    for id in [1, 2] {
        let now = liveness(&mut ledger, 10, id);
        assert_eq!(now, crate::Liveness::Revoked, "{id}");
    }
    let revoked = sql.number("select count(*) from tokens where state = 2");
    assert_eq!(revoked, 2);
    assert_eq!(events(&sql).len(), 2);
}

#[test]
fn an_entry_that_is_not_understood_stays_and_holds_up_what_comes_after() {
    let sql = Sqlite::new();
    ledger_of_a_later_release(&sql);
    let mut ledger = open(&sql);
    sql.transact(r#"insert into outbox (effects) values ('[{"effect":"limit_token"}]')"#);
    let why = ledger.outbox().expect_err("it is not passed over");
    assert!(
        why.to_string().contains("unknown variant `limit_token`"),
        "{why}"
    );
    // A revoke waits for no D1.
    let all = tell(&mut ledger, 9, revoke_many(Selector::default()));
    assert!(matches!(
        given(all.expect("an answer")),
        RevokeManyAnswer::Done { .. }
    ));
    let waiting = sql.number("select count(*) from outbox");
    assert_eq!(waiting, 3);
}
