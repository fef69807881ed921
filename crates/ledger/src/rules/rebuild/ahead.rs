//! A Ledger whose log reaches further than D1's, and that has no copy of D1's last event any more:
//! whether the two have the same history.

use super::{grown, note, refused};
use crate::testing::record::{Record, copy, step};
use crate::testing::*;
use crate::{Ledger, RebuildAnswer, RebuildCause, RebuildProgress, RebuildRefusal};

/// Notes so many events, and tells the number of the last.
fn noted(ledger: &mut Ledger<Sqlite>, events: usize) -> u64 {
    for _ in 0..events {
        answer(tell(ledger, 20, note()));
    }
    let head = ledger.store.head().expect("a head");
    u64::try_from(head.sequence).expect("a number")
}

/// What a dry run says, once the copies of events are too old.
fn told(sql: &Sqlite, ledger: &mut Ledger<Sqlite>, record: &Record) -> RebuildAnswer {
    let db = sql.connection();
    db.execute("delete from events", []).expect("forgets them");
    let begin = record.begin(ledger, true);
    step(ledger, 30, true, begin)
}

fn is_other(told: &RebuildAnswer) -> bool {
    let other = RebuildCause::OtherHistory;
    matches!(told, RebuildAnswer::Progress(RebuildProgress { cause, .. }) if *cause == other)
}

#[test]
fn r11_a_ledger_that_is_ahead_of_its_own_history_is_left_alone() {
    for (taken, waits) in [(0, 1), (0, 60), (1, 1), (1, 60), (60, 1)] {
        let (sql, mut ledger, mut record) = grown();
        noted(&mut ledger, taken);
        assert!(record.take(&mut ledger));
        let reach = noted(&mut ledger, waits);
        let ahead = RebuildRefusal::Ahead {
            ledger: reach,
            record: 6 + taken as u64,
        };
        assert_eq!(refused(told(&sql, &mut ledger, &record)), ahead);
    }
    // D1 has taken what waits, and the Ledger has not heard of that.
    let (sql, mut ledger, mut record) = grown();
    noted(&mut ledger, 1);
    let unheard = copy(&sql);
    assert!(record.take(&mut ledger));
    let mut ledger = open(&unheard);
    let ahead = RebuildRefusal::Ahead {
        ledger: noted(&mut ledger, 2),
        record: 7,
    };
    assert_eq!(refused(told(&unheard, &mut ledger, &record)), ahead);
    // Nothing waits, and D1 has lost its end: nothing says that it is another history.
    let (sql, mut ledger, mut record) = grown();
    record.rows.remove(&6);
    let ahead = RebuildRefusal::Ahead {
        ledger: 6,
        record: 5,
    };
    assert_eq!(refused(told(&sql, &mut ledger, &record)), ahead);
}

#[test]
fn r11_a_ledger_that_is_ahead_of_another_history_is_rebuilt() {
    // So many events of another history D1 has; so many the Ledger has, of which it believes that
    // D1 has so many.
    for (others, own, heard) in [(1, 2, 0), (1, 60, 0), (1, 2, 1), (40, 60, 0), (40, 60, 40)] {
        let (sql, mut ledger, mut record) = grown();
        let backup = copy(&sql);
        let mut other = note();
        other.target = Some("another".to_owned());
        for _ in 0..others {
            answer(tell(&mut ledger, 20, other.clone()));
        }
        assert!(record.take(&mut ledger));
        let mut older = open(&backup);
        let reach = noted(&mut older, heard);
        while let Some(entry) = older.outbox().expect("an outbox").last() {
            older.delivered(entry.id).expect("forgets them");
        }
        assert_eq!(reach, 6 + heard as u64);
        noted(&mut older, own - heard);
        let told = told(&backup, &mut older, &record);
        assert!(is_other(&told), "{others} {own} {heard}: {told:?}");
    }
}
