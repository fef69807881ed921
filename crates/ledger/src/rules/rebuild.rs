//! A Ledger rebuilt from D1: when it is, what it is then, and that it is closed meanwhile.

mod ahead;
mod edits;
mod histories;
mod lacks;
mod witnesses;

use postern_domain::audit::{Action, Event};
use postern_domain::id::Id;
use postern_domain::standing::{Actor, State};

use super::leases::{fire, is_final, revoke};
use crate::testing::record::{Record, copy, step};
use crate::testing::*;
use crate::{
    Done, LeakCommand, Ledger, Liveness, NoteCommand, RebuildAnswer, RebuildCause, RebuildCounts,
    RebuildPhase, RebuildProgress, RebuildRefusal, RebuildStep, ReleaseCommand, Stop,
};
use postern_domain::leak::OnLeak;

/// Four tokens that D1 has: 1 is active, 2 was revoked, 3 is quarantined, 4 is of another project.
fn grown() -> (Sqlite, Ledger<Sqlite>, Record) {
    let (sql, mut record) = (Sqlite::new(), Record::default());
    let mut ledger = open(&sql);
    for id in 1..=3 {
        minted(&mut ledger, 0, mint(id, &format!("t{id}"), 0));
    }
    let mut narrow = mint(4, "t4", 0);
    narrow.facts.scope = shop();
    narrow.minted_by = Some(Id::from_u128(1));
    minted(&mut ledger, 0, narrow);
    answer(tell(&mut ledger, 1, revoke(2)));
    answer(tell(&mut ledger, 1, leak(3)));
    assert!(record.take(&mut ledger));
    (sql, ledger, record)
}

fn leak(id: u128) -> LeakCommand {
    LeakCommand {
        token: Id::from_u128(id),
        on_leak: OnLeak::Quarantine,
        requester: requester(),
    }
}

fn note() -> NoteCommand {
    NoteCommand {
        organization: Id::from_u128(1),
        action: Action::ProjectCreate,
        target: None,
        requester: requester(),
    }
}

fn finished(answer: RebuildAnswer) -> RebuildProgress {
    match answer {
        RebuildAnswer::Finished(progress) => progress,
        other => panic!("{other:?}"),
    }
}

fn progress(answer: RebuildAnswer) -> RebuildProgress {
    match answer {
        RebuildAnswer::Progress(progress) => progress,
        other => panic!("{other:?}"),
    }
}

fn refused(answer: RebuildAnswer) -> RebuildRefusal {
    match answer {
        RebuildAnswer::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn last_event(record: &Record) -> Event {
    let last = record.last().expect("an event");
    serde_json::from_str(&last.row.content).expect("an event")
}

const LIVE: Liveness = Liveness::Live;
const GONE: Liveness = Liveness::Revoked;

#[test]
fn r11_a_lost_ledger_is_rebuilt_with_every_active_token_quarantined() {
    for (keeps_active, first, counts) in [(false, GONE, (0, 3)), (true, LIVE, (2, 1))] {
        let (_, _, mut record) = grown();
        let mut ledger = open(&Sqlite::new());
        let told = finished(record.rebuild(&mut ledger, 10, keeps_active, 2));
        assert_eq!(told.cause, RebuildCause::Lost);
        let (active, quarantined) = counts;
        let expected = RebuildCounts {
            active,
            quarantined,
            revoked: 1,
            expired: 0,
        };
        assert_eq!(told.counts, expected);
        let found = [1, 2, 3, 4].map(|id| liveness(&mut ledger, 11, id));
        assert_eq!(found, [first, GONE, GONE, first]);
        // D1 shows it, and the log goes on where it ended.
        assert!(record.take(&mut ledger));
        let held = |id: u128| {
            let token = record
                .tokens
                .get(&Id::<postern_domain::id::Token>::from_u128(id).to_string());
            token.expect("a row").quarantined_at.is_some()
        };
        assert_eq!(
            [1, 2, 3, 4].map(held),
            [!keeps_active, false, true, !keeps_active]
        );
        let event = last_event(&record);
        assert_eq!((event.action, event.sequence), (Action::LedgerRebuild, 7));
        let changes = serde_json::to_value(event.changes).expect("serializes");
        assert_eq!(changes["cause"], "lost");
        assert_eq!(changes["last_sequence"], 6);
        assert_eq!(changes["keeps_active"], keeps_active);
        assert_eq!(changes["revoked"], 1);
        assert_eq!(event.requester.actor.as_str(), "admin-token");
        let report = record.verified();
        assert_eq!(report.rows, 7);
        // No checkpoint is among the lines; all else fits.
        assert_eq!(report.faults_in_all, 1, "{:?}", report.faults);
        // What was quarantined can be released, and new tokens are made.
        let release = ReleaseCommand {
            token: Id::from_u128(1),
            requester: requester(),
        };
        answer(tell(&mut ledger, 12, release));
        assert_eq!(liveness(&mut ledger, 13, 1), LIVE);
        minted(&mut ledger, 14, mint(9, "t9", 14));
        assert!(record.take(&mut ledger));
        assert_eq!(liveness(&mut ledger, 15, 9), LIVE);
        // A name that is taken stays so, and the successor's creator is known.
        let again = minted(&mut ledger, 16, mint(10, "t1", 16));
        assert_eq!(again, crate::MintAnswer::NameTaken);
    }
}

#[test]
fn r11_an_older_ledger_is_rebuilt_and_keeps_its_own_tombstones() {
    let (sql, mut ledger, mut record) = grown();
    let backup = copy(&sql);
    answer(tell(&mut ledger, 20, revoke(1)));
    minted(&mut ledger, 21, mint(5, "t5", 21));
    assert!(record.take(&mut ledger));

    // The copy believes in what has been revoked since; D1 refuses its next event.
    let mut older = open(&backup);
    assert_eq!(liveness(&mut older, 30, 1), LIVE);
    answer(tell(&mut older, 31, revoke(4)));
    assert!(!record.take(&mut older), "D1 has another row");

    let told = finished(record.rebuild(&mut older, 40, true, 3));
    assert_eq!(
        (told.cause, told.ledger_sequence),
        (RebuildCause::OtherHistory, 7)
    );
    assert_eq!(told.undelivered, 1);
    let found = [1, 2, 3, 4, 5].map(|id| liveness(&mut older, 41, id));
    assert_eq!(found, [GONE, GONE, GONE, GONE, LIVE]);
    // D1 learns of the tombstone that only the copy had.
    assert!(record.take(&mut older));
    let row = &record.tokens[&Id::<postern_domain::id::Token>::from_u128(4).to_string()];
    assert_eq!(row.revoked_at, Some(at(31)));
    assert_eq!(record.verified().faults_in_all, 1);
}

#[test]
fn r11_a_ledger_that_agrees_or_knows_more_is_left_alone() {
    let (_, mut ledger, mut record) = grown();
    let agrees = RebuildRefusal::Agrees { sequence: 6 };
    assert_eq!(refused(record.rebuild(&mut ledger, 9, true, 9)), agrees);
    answer(tell(&mut ledger, 10, note()));
    let ahead = RebuildRefusal::Ahead {
        ledger: 7,
        record: 6,
    };
    assert_eq!(refused(record.rebuild(&mut ledger, 11, true, 9)), ahead);
    assert!(record.take(&mut ledger));
    assert_eq!(liveness(&mut ledger, 12, 1), LIVE);
    // D1 has not received the first event yet.
    let waits = RebuildRefusal::Ahead {
        ledger: 7,
        record: 0,
    };
    let before = Record::default().rebuild(&mut ledger, 12, true, 9);
    assert_eq!(refused(before), waits);
    // Nothing in D1: nothing to rebuild from.
    let mut empty = open(&Sqlite::new());
    let nothing = Record::default().rebuild(&mut empty, 13, true, 9);
    assert_eq!(refused(nothing), RebuildRefusal::NothingRecorded);
    // Rows that somebody planted behind the Ledger's own make it no older.
    let mut planted = record.clone();
    let mut row = planted.rows[&7].clone();
    row.content = row.content.replace("\"sequence\":7", "\"sequence\":8");
    planted.rows.insert(8, row);
    let refusal = refused(planted.rebuild(&mut ledger, 14, true, 9));
    assert!(
        matches!(refusal, RebuildRefusal::NotGenuine { sequence: 8, .. }),
        "{refusal:?}"
    );
    assert_eq!(liveness(&mut ledger, 15, 1), LIVE);
}

#[test]
fn r11_a_rebuild_that_is_not_over_admits_nobody() {
    let (_, _, record) = grown();
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let begin = record.begin(&mut ledger, false);
    let mut told = progress(step(&mut ledger, 10, true, begin));
    let mut steps = 0;
    loop {
        steps += 1;
        // A new process each time: what closes it is stored.
        let mut ledger = open(&sql);
        let asked = ledger.admit(at(11), plain(1));
        assert_eq!(asked, Err(Stop::Rebuilding), "{told:?}");
        let told_to = tell(&mut ledger, 11, note()).err();
        assert_eq!(told_to, Some(Stop::Rebuilding));
        let minting = tell_for(
            &mut ledger,
            11,
            Actor::Token(Id::from_u128(1)),
            mint(8, "x", 11),
        );
        assert_eq!(minting.err(), Some(Stop::Rebuilding));
        let described = ledger.describe(None, Id::from_u128(1));
        assert_eq!(described, Err(Stop::Rebuilding));
        let delta = ledger.renew(
            at(11),
            &crate::RenewCommand {
                claim: claim(5, None),
                uses: Vec::new(),
            },
        );
        let delta = delta.expect("an answer");
        assert_eq!((delta.changed, delta.lease_ms), (None, None));
        ledger.wake(at(12)).expect("wakes");
        let next = record.next(told.phase, told.verified, 2);
        match step(&mut ledger, 12, true, next.clone()) {
            RebuildAnswer::Progress(next_one) => {
                // The same step again, by somebody who is late, changes nothing.
                let again = progress(step(&mut ledger, 12, true, next));
                assert_eq!(again, next_one);
                told = next_one;
            }
            RebuildAnswer::Finished(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(steps, 3 + 2 + 1, "six events and four tokens by twos");
    let mut ledger = open(&sql);
    assert_eq!(liveness(&mut ledger, 20, 1), LIVE);
    assert_eq!(liveness(&mut ledger, 20, 2), GONE);
    let finish = RebuildStep::Finish { last: 6 };
    assert_eq!(step(&mut ledger, 21, true, finish), RebuildAnswer::None);
}

#[test]
fn r11_a_choice_is_made_once_and_a_dry_run_writes_nothing() {
    let (_, _, record) = grown();
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let look = record.begin(&mut ledger, true);
    let planned = progress(step(&mut ledger, 10, true, look));
    assert_eq!((planned.cause, planned.target), (RebuildCause::Lost, 6));
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
    let begin = record.begin(&mut ledger, false);
    progress(step(&mut ledger, 10, false, begin.clone()));
    let other = refused(step(&mut ledger, 10, true, begin));
    assert_eq!(
        other,
        RebuildRefusal::OtherChoice {
            keeps_active: false
        }
    );
}

#[test]
fn r9_successors_are_known_as_before_and_what_they_replace_is_doubtful() {
    let (sql, mut ledger, mut record) = grown();
    let waiting = waits(tell(&mut ledger, 20, rotate(1, mint(5, "t1", 20), 1_000)));
    arrived(&mut ledger, 20, waiting, None);
    assert!(record.take(&mut ledger));
    let backup = copy(&sql);
    answer(tell(&mut ledger, 21, note()));
    assert!(record.take(&mut ledger));
    // What D1's row alone says of its end may have been put off.
    let mut rebuilt = open(&Sqlite::new());
    finished(record.rebuild(&mut rebuilt, 30, true, 9));
    assert_eq!(liveness(&mut rebuilt, 31, 1), GONE);
    assert_eq!(liveness(&mut rebuilt, 31, 5), LIVE);
    let release = ReleaseCommand {
        token: Id::from_u128(1),
        requester: requester(),
    };
    answer(tell(&mut rebuilt, 32, release));
    // An older Ledger that has it itself is believed, whatever D1 says.
    let mut older = open(&backup);
    let key = Id::<postern_domain::id::Token>::from_u128(1).to_string();
    record.tokens.get_mut(&key).expect("a row").revoked_at = Some(at(9_000));
    finished(record.rebuild(&mut older, 30, true, 9));
    record.tokens.get_mut(&key).expect("a row").revoked_at = Some(at(1_000));
    // Rotated out at 1,000, and not a moment later.
    for ledger in [&mut rebuilt, &mut older] {
        assert_eq!(liveness(ledger, 999, 1), LIVE);
        assert_eq!(liveness(ledger, 1_000, 1), GONE);
        assert_eq!(liveness(ledger, 1_000, 5), LIVE);
    }
    let selector = crate::Selector {
        minted_by: Some(Id::from_u128(1)),
        address: Some("192.0.2.1".to_owned()),
        ..crate::Selector::default()
    };
    let told = answer(tell(&mut rebuilt, 40, revoke_many(selector)));
    let crate::RevokeManyAnswer::Done { tokens, .. } = told else {
        panic!("{told:?}");
    };
    assert_eq!(tokens, [Id::from_u128(4)]);
    record.tokens.get_mut(&key).expect("a row").revoked_at = None;
    let mut rebuilt = open(&Sqlite::new());
    finished(record.rebuild(&mut rebuilt, 30, true, 9));
    assert_eq!(liveness(&mut rebuilt, 31, 1), GONE);
    assert_eq!(
        rebuilt
            .store
            .standing(Id::from_u128(1))
            .map(|found| found.map(|s| s.state)),
        Ok(Some(State::Live))
    );
}

#[test]
fn r41_nothing_is_final_until_leases_of_the_lost_ledger_are_over() {
    let (_, _, record) = grown();
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let begin = record.begin(&mut ledger, false);
    let told = step(&mut ledger, 10, true, begin);
    let version = sql.number("select version from head");
    assert!(!is_final(&mut ledger, version), "{told:?}");
    assert_eq!(sql.number("select longest_ms from leases"), 5_000);
    // A new process does not know when the lost one ended either.
    let mut ledger = open(&sql);
    assert!(!is_final(&mut ledger, version));
    let waits = fire(&mut ledger);
    assert_eq!(waits, [5_100]);
    assert!(is_final(&mut ledger, version));
    assert_eq!(sql.number("select longest_ms from leases"), 0);
    // In the process that has begun it, too.
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let begin = record.begin(&mut ledger, false);
    step(&mut ledger, 10, true, begin);
    assert_eq!(fire(&mut ledger), [5_100]);
    finished(record.rebuild(&mut ledger, 20, true, 9));
    let version = sql.number("select version from head");
    assert!(is_final(&mut ledger, version));
}

#[test]
fn r40_what_began_before_the_rebuild_is_taken_back() {
    let (sql, mut ledger, mut record) = grown();
    let backup = copy(&sql);
    answer(tell(&mut ledger, 20, note()));
    assert!(record.take(&mut ledger));
    let mut older = open(&backup);
    let minting = waits(tell(&mut older, 30, mint(8, "t8", 30)));
    let begin = record.begin(&mut older, false);
    let planned = step(&mut older, 31, true, begin);
    assert_eq!(progress(planned).phase, RebuildPhase::Events);
    let arrived = crate::Delivery::Arrived { row_of: None };
    let resumed = older.resume(at(32), minting, arrived).err();
    assert_eq!(resumed, Some(Stop::Rebuilding));
    finished(record.rebuild(&mut older, 33, true, 9));
    assert_eq!(liveness(&mut older, 34, 8), GONE);
    assert_eq!(liveness(&mut older, 34, 1), LIVE);
    assert!(matches!(tell(&mut older, 35, note()), Ok(Done::Answer(()))));
    assert!(record.take(&mut older));
}
