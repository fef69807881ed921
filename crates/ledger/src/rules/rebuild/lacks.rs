//! What only the Ledger knew of its tokens: after a rebuild the log has it, so that the next Ledger
//! that is lost does not forget it.

use postern_domain::audit::{Action, Event};
use postern_domain::id::{Id, TokenId};

use super::super::leases::revoke;
use super::{GONE, finished, grown, leak, note};
use crate::testing::record::{Record, copy};
use crate::testing::*;
use crate::{Ledger, REBUILD_TOKENS};

/// What the log has behind the rebuild: the actions, and the tokens.
fn after_the_rebuild(record: &Record) -> Vec<(Action, Option<TokenId>)> {
    let events = record.rows.values().map(|row| {
        let event: Event = serde_json::from_str(&row.content).expect("an event");
        (event.action, event.token_id)
    });
    let events = events.skip_while(|(action, _)| *action != Action::LedgerRebuild);
    events.skip(1).collect()
}

/// A Ledger that has ended token 1 and holds token 4, of which D1 never heard, and has missed a note.
fn alone(sql: &Sqlite) -> Ledger<Sqlite> {
    let mut older = open(&copy(sql));
    answer(tell(&mut older, 30, revoke(1)));
    answer(tell(&mut older, 31, leak(4)));
    older
}

#[test]
fn r35_what_only_the_ledger_knew_is_in_the_log_after_a_rebuild() {
    let (one, four) = (Some(Id::from_u128(1)), Some(Id::from_u128(4)));
    let both = vec![(Action::TokenRevoke, one), (Action::TokenQuarantine, four)];
    for (keeps_active, expected) in [(true, both.clone()), (false, both[..1].to_vec())] {
        let (sql, mut ledger, mut record) = grown();
        let mut older = alone(&sql);
        answer(tell(&mut ledger, 20, note()));
        assert!(record.take(&mut ledger));
        finished(record.rebuild(&mut older, 40, keeps_active, 3));
        assert!(record.take(&mut older));
        assert_eq!(after_the_rebuild(&record), expected);
        assert_eq!(record.verified().faults_in_all, 1);
        // It is lost, and D1's rows forget what they had.
        for token in record.tokens.values_mut() {
            token.revoked_at = None;
            token.quarantined_at = None;
        }
        let mut next = open(&Sqlite::new());
        finished(record.rebuild(&mut next, 50, true, 9));
        let found = [1, 2, 3, 4].map(|id| liveness(&mut next, 51, id));
        assert_eq!(found, [GONE; 4]);
    }
}

#[test]
fn r35_a_rotation_is_no_end_that_the_log_lacks() {
    let (_, mut ledger, mut record) = grown();
    let waiting = waits(tell(&mut ledger, 20, rotate(1, mint(5, "t1", 20), 0)));
    arrived(&mut ledger, 20, waiting, None);
    assert!(record.take(&mut ledger));
    let mut next = open(&Sqlite::new());
    finished(record.rebuild(&mut next, 30, true, 9));
    assert!(record.take(&mut next));
    assert_eq!(after_the_rebuild(&record), []);
    assert_eq!(liveness(&mut next, 31, 1), GONE);
}

#[test]
fn r35_what_the_log_lacks_is_written_some_in_a_turn() {
    let (sql, mut record) = (Sqlite::new(), Record::default());
    let mut ledger = open(&sql);
    let most = REBUILD_TOKENS as usize;
    let tokens = 2 * u128::from(REBUILD_TOKENS) + 1;
    for id in 1..=tokens {
        minted(&mut ledger, 0, mint(id, &format!("t{id}"), 0));
    }
    assert!(record.take(&mut ledger));
    let backup = copy(&sql);
    let mut older = open(&backup);
    answer(tell(
        &mut older,
        10,
        revoke_many(crate::Selector::default()),
    ));
    answer(tell(&mut ledger, 20, note()));
    assert!(record.take(&mut ledger));
    finished(record.rebuild(&mut older, 30, true, 1_000));
    let mut written = Vec::new();
    for turn in 0..4 {
        // A new process each time: what is left is stored.
        let mut older = open(&backup);
        if turn > 0 {
            older.wake(at(40 + turn)).expect("wakes");
        }
        assert_eq!(older.wakes_at().is_some(), turn == 1, "{turn}");
        assert!(record.take(&mut older));
        written.push(after_the_rebuild(&record).len());
    }
    assert_eq!(written, [most, 2 * most, 2 * most + 1, 2 * most + 1]);
}
