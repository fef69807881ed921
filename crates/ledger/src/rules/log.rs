//! The audit log (R35): its chain, refusals, limits, checkpoints and copies.

use postern_domain::audit::checkpoint::Checkpoint;
use postern_domain::audit::verify::verify;
use postern_domain::audit::{Action, MAX_REFUSALS};
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::standing::{Actor, Inactive};

use crate::testing::*;
use crate::{
    CheckpointCommand, Delivery, KeptQuery, LimitsAnswer, LimitsCommand, NoteCommand, RecordChange,
    RefusalCommand, RevokeCommand, Stop,
};

const HOUR_MS: i64 = 3_600_000;

fn note() -> NoteCommand {
    NoteCommand {
        organization: Id::from_u128(1),
        action: Action::ProjectCreate,
        target: Some("project:shop".to_owned()),
        requester: requester(),
    }
}

fn refusal(outcome: &str) -> RefusalCommand {
    RefusalCommand {
        organization: Id::from_u128(1),
        outcome: outcome.to_owned(),
        target: None,
        requester: requester(),
    }
}

fn checkpoint(keep: bool) -> CheckpointCommand {
    CheckpointCommand {
        organization: Id::from_u128(1),
        keep,
    }
}

#[test]
fn r35_every_event_follows_on_the_one_before_and_a_checkpoint_covers_them() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    for now in 1..5 {
        // The chain goes on where an earlier process ended.
        answer(tell(&mut open(&sql), now, note()));
    }
    let waiting = waits(tell(&mut ledger, 5, checkpoint(false)));
    let signed = arrived(&mut ledger, 6, waiting, None);
    let kept = KeptQuery {
        after: 0,
        up_to: 99,
    };
    let kept = ledger.kept_events(Some("acme"), kept).expect("copies");
    let numbers: Vec<u64> = kept.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let mut lines: Vec<String> = kept
        .iter()
        .map(|(_, row)| serde_json::to_string(row).expect("serializes"))
        .collect();
    lines.push(serde_json::to_string(&signed).expect("serializes"));
    let report = verify(&lines, &audit());
    assert!(report.is_clean(), "{:?}", report.faults);
    let some = KeptQuery { after: 1, up_to: 3 };
    let some = ledger.kept_events(Some("acme"), some).expect("copies");
    assert_eq!(some.len(), 2);
}

#[test]
fn r35_an_hour_of_refusals_is_so_many_events_and_one_more() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let most = usize::try_from(MAX_REFUSALS).expect("small");
    for now in 0..15 {
        answer(tell(&mut ledger, now, refusal("name_taken")));
    }
    answer(tell(&mut ledger, 20, refusal("ceiling")));
    assert_eq!(events(&sql).len(), most + 1);
    // The alarm rings when the hour is over.
    ledger.delivered(i64::MAX).expect("delivered");
    ledger.wake(at(2_020)).expect("a wake");
    assert_eq!(ledger.wakes_at(), Some(at(HOUR_MS)));
    let mut ledger = open(&sql);
    ledger.wake(at(HOUR_MS)).expect("a wake");
    let written = events(&sql);
    let [sum] = written.as_slice() else {
        panic!("{} events instead of one", written.len());
    };
    assert_eq!(sum.action, Action::TokenMintRefused);
    assert_eq!(sum.count, Some(5));
    assert_eq!(sum.requester.actor.as_str(), "ledger");
    // The next hour counts anew.
    answer(tell(&mut ledger, HOUR_MS + 1, refusal("name_taken")));
    assert_eq!(events(&sql).len(), 2);
}

#[test]
fn limits_go_to_d1_with_their_event_and_the_later_ones_stay() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let change = |ceiling| LimitsCommand {
        organization: Id::from_u128(1),
        mint_ceiling: Some(ceiling),
        max_idle_days: 30,
        on_leak: OnLeak::Revoke,
        changes: serde_json::Map::new(),
        requester: requester(),
    };
    let first = waits(tell(&mut ledger, 0, change(1)));
    let second = waits(tell(&mut ledger, 1, change(2)));
    let outbox = ledger.outbox().expect("the outbox");
    let sequences: Vec<(i64, u64)> = outbox
        .iter()
        .map(|entry| match entry.changes.as_slice() {
            [
                RecordChange::SetLimits { sequence, .. },
                RecordChange::AppendAudit(row),
            ] => (*sequence, row.event.sequence),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sequences, [(1, 1), (2, 2)]);
    assert_eq!(arrived(&mut ledger, 2, first, None), LimitsAnswer::Changed);
    let failed = Delivery::Failed {
        cause: "down".to_owned(),
    };
    let found = answer(ledger.resume(at(3), second, failed));
    let expected = LimitsAnswer::RecordUnavailable {
        cause: "down".to_owned(),
    };
    assert_eq!(found, expected);
}

#[test]
fn r35_a_checkpoint_is_of_the_moment_that_it_was_asked_for() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let empty = answer(tell(&mut ledger, 0, checkpoint(true)));
    let opened: Checkpoint = empty.open(&audit()).expect("ours");
    assert_eq!((opened.sequence, opened.link), (0, "0".repeat(64)));
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);

    minted(&mut ledger, 1, mint(1, "ci", 0));
    let waiting = waits(tell(&mut ledger, 2, checkpoint(true)));
    answer(tell(&mut ledger, 3, note()));
    let failed = Delivery::Failed {
        cause: "down".to_owned(),
    };
    // D1 was offered the events; that it did not take them is what a checkpoint is for.
    let signed = answer(ledger.resume(at(4), waiting, failed));
    assert_eq!(signed.open(&audit()).expect("ours").sequence, 1);
    let outbox = ledger.outbox().expect("the outbox");
    let kept = outbox.iter().flat_map(|entry| &entry.changes);
    let kept =
        kept.filter(|change| matches!(change, RecordChange::KeepCheckpoint { sequence: 1, .. }));
    assert_eq!(kept.count(), 1);
}

#[test]
fn r40_no_checkpoint_is_kept_for_an_actor_that_was_revoked_meanwhile() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let actor = Actor::Token(Id::from_u128(1));
    let waiting = waits(tell_for(&mut ledger, 1, actor, checkpoint(true)));
    let revoke = RevokeCommand {
        token: Id::from_u128(1),
        requester: requester(),
        respond_async: false,
    };
    answer(tell(&mut ledger, 2, revoke));
    let written = sql.number("select total_changes()");
    let stop = ledger.resume(at(3), waiting, Delivery::Arrived { row_of: None });
    assert!(matches!(stop, Err(Stop::Inactive(Inactive::Revoked))));
    assert_eq!(sql.number("select total_changes()"), written);
}
