//! What a rebuild believes: a log that the keys confirm, before any row, and what an earlier rebuild has
//! done.

use postern_domain::audit::Action;
use postern_domain::id::{Id, TokenId};
use postern_domain::standing::{Actor, State};

use super::super::leases::revoke;
use super::{GONE, LIVE, finished, grown, note, progress, refused};
use crate::testing::record::{Record, copy, step};
use crate::testing::*;
use crate::{
    Addressed, Carried, Ledger, NoteCommand, Outcome, REBUILD_TOKENS, RebuildAnswer,
    RebuildCommand, RebuildPhase, RebuildRefusal, RebuildStep, RecordedToken, Stop,
};

/// A Ledger that was put back to before D1's last event, the one that D1 follows, and D1.
fn put_back() -> (Ledger<Sqlite>, Ledger<Sqlite>, Record) {
    let (sql, mut ledger, mut record) = grown();
    let backup = copy(&sql);
    answer(tell(&mut ledger, 20, note()));
    assert!(record.take(&mut ledger));
    (open(&backup), ledger, record)
}

fn key(id: u128) -> String {
    let id: TokenId = Id::from_u128(id);
    id.to_string()
}

fn row(record: &mut Record, id: u128) -> &mut RecordedToken {
    record.tokens.get_mut(&key(id)).expect("a row")
}

/// What is stored of a token: its state, and whether it is quarantined.
fn stored(ledger: &mut Ledger<Sqlite>, id: u128) -> (State, bool) {
    let standing = ledger.store.standing(Id::from_u128(id));
    let standing = standing.expect("an answer").expect("a token");
    (standing.state, standing.quarantined)
}

#[test]
fn r35_a_log_that_is_not_genuine_rebuilds_nothing_and_stays_closed() {
    type Change = fn(&mut Record);
    let rows: [(&str, Change); 4] = [
        ("changed", |record| {
            let row = record.rows.get_mut(&5).expect("a row");
            row.content = row.content.replace("token.revoke", "token.release");
        }),
        ("missing", |record| drop(record.rows.remove(&3))),
        ("its beginning is missing", |record| {
            drop(record.rows.remove(&1))
        }),
        ("another one's", |record| {
            let row = record.rows[&2].clone();
            record.rows.insert(4, row);
        }),
    ];
    for (what, change) in rows {
        let (_, _, record) = grown();
        let mut broken = record.clone();
        change(&mut broken);
        let mut ledger = open(&Sqlite::new());
        let refusal = refused(broken.rebuild(&mut ledger, 10, true, 2));
        assert!(
            matches!(refusal, RebuildRefusal::NotGenuine { .. }),
            "{what}: {refusal:?}"
        );
        assert_eq!(
            ledger.admit(at(11), plain(1)),
            Err(Stop::Rebuilding),
            "{what}"
        );
        // D1 is mended: it begins anew.
        finished(record.rebuild(&mut ledger, 12, true, 2));
        assert_eq!(liveness(&mut ledger, 13, 2), GONE, "{what}");
        assert_eq!(liveness(&mut ledger, 13, 1), LIVE, "{what}");
    }
}

#[test]
fn r11_a_row_that_calls_a_revoked_token_active_is_not_believed() {
    let (_, _, mut record) = grown();
    for token in record.tokens.values_mut() {
        token.revoked_at = None;
        token.quarantined_at = None;
    }
    // And one that nobody has created.
    let mut planted = record.tokens.values().next().expect("a token").clone();
    planted.facts.id = Id::from_u128(77);
    record.tokens.insert(planted.facts.id.to_string(), planted);
    let mut ledger = open(&Sqlite::new());
    finished(record.rebuild(&mut ledger, 10, true, 9));
    let found = [1, 2, 3, 4, 77].map(|id| liveness(&mut ledger, 11, id));
    assert_eq!(found, [LIVE, GONE, GONE, LIVE, GONE]);
}

#[test]
fn r11_what_an_earlier_rebuild_has_quarantined_stays_so() {
    let (_, _, mut record) = grown();
    let mut first = open(&Sqlite::new());
    finished(record.rebuild(&mut first, 10, false, 9));
    let events = record.rows.len();
    assert!(record.take(&mut first));
    assert_eq!(record.rows.len(), events + 1);
    // It is lost again, and D1's rows have lost the quarantine.
    for token in record.tokens.values_mut() {
        token.quarantined_at = None;
    }
    let mut second = open(&Sqlite::new());
    finished(record.rebuild(&mut second, 20, true, 9));
    let found = [1, 2, 3, 4].map(|id| liveness(&mut second, 21, id));
    assert_eq!(found, [GONE; 4]);
}

#[test]
fn r11_an_expiry_that_the_ledger_does_not_have_keeps_nothing_active() {
    for (keeps_active, first) in [(true, LIVE), (false, GONE)] {
        let (mut older, _, mut record) = put_back();
        row(&mut record, 1).facts.expires_at = Some(at(1));
        let told = finished(record.rebuild(&mut older, 100_000, keeps_active, 9));
        assert_eq!(liveness(&mut older, 100_001, 1), first);
        assert_eq!(told.counts.expired, 0);
    }
}

#[test]
fn r11_a_token_without_a_row_is_revoked_where_the_log_says_so() {
    let (mut older, mut ledger, mut record) = put_back();
    answer(tell(&mut ledger, 21, revoke(1)));
    assert!(record.take(&mut ledger));
    for id in [1, 4] {
        record.tokens.remove(&key(id)).expect("a row");
    }
    finished(record.rebuild(&mut older, 30, true, 9));
    assert_eq!(stored(&mut older, 1).0, State::Revoked);
    assert_eq!(stored(&mut older, 4), (State::Live, true));
}

#[test]
fn r11_a_row_that_goes_during_a_rebuild_keeps_nothing_active() {
    let (mut older, mut ledger, mut record) = put_back();
    let begin = record.begin(&mut older, false);
    let mut told = progress(step(&mut older, 30, true, begin));
    while told.phase != RebuildPhase::Ready {
        let next = record.next(told.phase, told.verified, 9);
        told = progress(step(&mut older, 30, true, next));
    }
    // More has come, so it goes back to the events.
    answer(tell(&mut ledger, 31, note()));
    assert!(record.take(&mut ledger));
    record.tokens.remove(&key(1)).expect("a row");
    finished(record.rebuild(&mut older, 32, true, 9));
    assert_eq!(stored(&mut older, 1), (State::Live, true));
    assert_eq!(stored(&mut older, 4), (State::Live, false));
}

#[test]
fn r35_a_key_that_left_its_ring_is_named_before_anything_is_closed() {
    let with = |record: &Record, ledger: &mut Ledger<Sqlite>, dry_run, keys: &[&str]| {
        let RebuildStep::Begin { last, at_head, .. } = record.begin(ledger, dry_run) else {
            panic!("it begins");
        };
        let begin = RebuildStep::Begin {
            last,
            at_head,
            dry_run,
            unknown_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        step(ledger, 30, true, begin)
    };
    let (mut older, mut ledger, record) = put_back();
    let missing = RebuildRefusal::KeyMissing {
        kid: "r0".to_owned(),
    };
    for dry_run in [true, false] {
        let told = with(&record, &mut older, dry_run, &["r1", "r0"]);
        assert_eq!(refused(told), missing);
        assert_eq!(liveness(&mut older, 31, 1), LIVE, "it is not closed");
    }
    // One that the Ledger does have; and a Ledger that needs no rebuild says so.
    let told = with(&record, &mut older, true, &["r1"]);
    assert_eq!(progress(told).phase, RebuildPhase::Events);
    let told = with(&record, &mut ledger, false, &["r0"]);
    assert_eq!(refused(told), RebuildRefusal::Agrees { sequence: 7 });
    // One that is under way names it, too.
    let told = with(&record, &mut older, false, &[]);
    assert!(matches!(told, RebuildAnswer::Progress(_)), "{told:?}");
    assert_eq!(refused(with(&record, &mut older, false, &["r0"])), missing);
}

#[test]
fn r11_tokens_without_a_row_are_held_some_in_a_step() {
    let most = u128::from(REBUILD_TOKENS);
    for (tokens, pages) in [(most - 1, 1), (most, 2), (2 * most + 1, 3)] {
        let sql = Sqlite::new();
        let (mut ledger, mut record) = (open(&sql), Record::default());
        for id in 1..=tokens {
            minted(&mut ledger, 0, mint(id, &format!("t{id}"), 0));
        }
        assert!(record.take(&mut ledger));
        let backup = copy(&sql);
        let mut older = open(&backup);
        answer(tell(&mut ledger, 20, note()));
        assert!(record.take(&mut ledger));
        record.tokens.clear();
        let begin = record.begin(&mut older, false);
        let mut told = progress(step(&mut older, 30, true, begin));
        let mut taken = 0;
        while told.phase != RebuildPhase::Ready {
            let held = "select count(*) from tokens where quarantined_at is not null";
            let before = backup.number(held);
            taken += i32::from(told.phase != RebuildPhase::Events);
            let next = record.next(told.phase, told.verified, 1_000);
            told = progress(step(&mut older, 30, true, next));
            let after = backup.number(held);
            assert!(after - before <= i64::from(REBUILD_TOKENS));
        }
        assert_eq!(taken, pages, "{tokens}");
        finished(record.rebuild(&mut older, 31, true, 9));
        for id in [1, most / 2, tokens] {
            assert_eq!(stored(&mut older, id), (State::Live, true), "{id}");
        }
    }
}

fn by_name<C: Carried>(ledger: &mut Ledger<Sqlite>, name: &str, command: C) -> Outcome<C> {
    let addressed = Addressed {
        by: Some(name),
        actor: Actor::NotAToken,
    };
    ledger.handle(at(30), addressed, command)
}

#[test]
fn r35_a_lost_ledger_gets_no_other_name_than_its_log_has() {
    let named = |target: &str| {
        let (_, mut ledger, mut record) = grown();
        let creation = NoteCommand {
            action: Action::OrganizationCreate,
            target: Some(target.to_owned()),
            ..note()
        };
        answer(tell(&mut ledger, 20, creation));
        assert!(record.take(&mut ledger));
        record
    };
    let rebuild = |step| RebuildCommand {
        organization: Id::from_u128(1),
        keeps_active: true,
        step,
        requester: requester(),
    };
    // D1 calls it globex, and its log knows better; one has written under that name since.
    for has_written in [false, true] {
        let record = named("organization:acme");
        let mut ledger = open(&Sqlite::new());
        if has_written {
            answer(by_name(&mut ledger, "globex", note()));
        }
        let begin = RebuildStep::Begin {
            last: record.last(),
            at_head: record.row(1),
            dry_run: false,
            unknown_keys: Vec::new(),
        };
        let mut told = progress(answer(by_name(&mut ledger, "globex", rebuild(begin))));
        let refusal = loop {
            let next = record.next(told.phase, told.verified, 2);
            match answer(by_name(&mut ledger, "globex", rebuild(next))) {
                RebuildAnswer::Progress(next) => told = next,
                other => break refused(other),
            }
        };
        let RebuildRefusal::NotGenuine { sequence, problem } = &refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(*sequence, 7);
        assert!(problem.contains("of `organization:acme`"), "{problem}");
        assert_eq!(ledger.admit(at(31), plain(1)), Err(Stop::Rebuilding));
        // It is still to be had by its own name, and by no other afterwards.
        finished(record.rebuild(&mut ledger, 32, true, 2));
        assert_eq!(liveness(&mut ledger, 33, 1), LIVE);
        let look = by_name(&mut ledger, "globex", rebuild(RebuildStep::Look));
        assert_eq!(look.err(), Some(Stop::Misdirected));
    }
}
