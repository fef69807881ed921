//! Tokens that are being created: pending before active (R11, R27, R39, R40), and rotation (R9).

use postern_domain::audit::Action;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::standing::{Actor, Inactive};
use postern_domain::token::Verifier;

use crate::testing::*;
use crate::{
    Delivery, Done, LeakCommand, Liveness, MintAnswer, MintCommand, RevokeCommand, RotateAnswer,
    Stop, Wait,
};

fn actor(id: u128) -> Actor {
    Actor::Token(Id::from_u128(id))
}

fn revoke(id: u128) -> RevokeCommand {
    RevokeCommand {
        token: Id::from_u128(id),
        requester: requester(),
        respond_async: false,
    }
}

fn adopted(id: u128, now: i64) -> MintCommand {
    let mut command = mint(id, "ci", now);
    command.facts.verifier = Verifier::Adopted {
        claims: Box::default(),
    };
    command
}

fn failed() -> Delivery {
    Delivery::Failed {
        cause: "down".to_owned(),
    }
}

fn unavailable() -> MintAnswer {
    MintAnswer::RecordUnavailable {
        cause: "down".to_owned(),
    }
}

#[test]
fn a_token_opens_nothing_before_d1_has_its_row() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let waiting = waits(tell(&mut ledger, 0, mint(1, "ci", 0)));
    assert_eq!(liveness(&mut ledger, 0, 1), Liveness::Unknown);
    let Wait::Entry(entry) = waiting.wait() else {
        panic!("it waits for its entry");
    };
    assert_eq!(
        ledger
            .outbox()
            .expect("the outbox")
            .last()
            .map(|last| last.id),
        Some(entry)
    );
    assert_eq!(arrived(&mut ledger, 1, waiting, None), MintAnswer::Minted);
    assert_eq!(liveness(&mut ledger, 1, 1), Liveness::Live);
}

#[test]
fn a_token_that_d1_does_not_take_is_revoked_and_audited() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let waiting = waits(tell(&mut ledger, 0, mint(1, "ci", 0)));
    assert_eq!(
        answer(ledger.resume(at(5), waiting, failed())),
        unavailable()
    );
    assert_eq!(liveness(&mut ledger, 5, 1), Liveness::Revoked);
    let actions: Vec<Action> = events(&sql).iter().map(|event| event.action).collect();
    assert_eq!(actions, [Action::TokenMint, Action::TokenMintAbandoned]);
}

#[test]
fn what_happens_to_a_token_while_it_is_pending_stands() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let waiting = waits(tell(&mut ledger, 0, mint(1, "ci", 0)));
    answer(tell(&mut ledger, 1, revoke(1)));
    assert_eq!(
        arrived(&mut ledger, 2, waiting, None),
        MintAnswer::RevokedMeanwhile
    );
    assert_eq!(liveness(&mut ledger, 2, 1), Liveness::Revoked);

    let waiting = waits(tell(&mut ledger, 3, mint(2, "ci", 3)));
    let report = LeakCommand {
        token: Id::from_u128(2),
        on_leak: OnLeak::Quarantine,
        requester: requester(),
    };
    answer(tell(&mut ledger, 4, report));
    let found = arrived(&mut ledger, 5, waiting, None);
    assert_eq!(found, MintAnswer::QuarantinedMeanwhile);
    assert_eq!(liveness(&mut ledger, 5, 2), Liveness::Revoked);
}

#[test]
fn r40_nothing_is_created_for_an_actor_that_was_revoked_meanwhile() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "one", 0));
    minted(&mut ledger, 0, mint(2, "two", 0));
    let created = waits(tell_for(&mut ledger, 1, actor(1), mint(3, "three", 1)));
    let rotated = rotate(2, mint(4, "four", 1), 1);
    let rotated = waits(tell_for(&mut ledger, 1, actor(1), rotated));
    answer(tell(&mut ledger, 2, revoke(1)));
    let arrived = || Delivery::Arrived { row_of: None };
    let stop = ledger.resume(at(3), created, arrived());
    assert!(matches!(stop, Err(Stop::Inactive(Inactive::Revoked))));
    let stop = ledger.resume(at(3), rotated, arrived());
    assert!(matches!(stop, Err(Stop::Inactive(Inactive::Revoked))));
    for (id, expected) in [
        (3, Liveness::Revoked),
        (4, Liveness::Revoked),
        (2, Liveness::Live),
    ] {
        assert_eq!(liveness(&mut ledger, 3, id), expected, "{id}");
    }
    let refused = tell_for(&mut ledger, 4, actor(1), mint(5, "five", 4));
    assert!(matches!(refused, Err(Stop::Inactive(Inactive::Revoked))));
}

#[test]
fn r40_a_jwt_keeps_the_leeway_that_it_was_let_in_with() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let mut jwt = mint(1, "jwt", 0);
    jwt.facts.expires_at = Some(at(10_000));
    let mut opaque = mint(2, "opaque", 0);
    opaque.facts.expires_at = Some(at(10_000));
    opaque.facts.verifier = Verifier::Opaque {
        pepper: "r1".to_owned(),
        hash: "00".to_owned(),
    };
    minted(&mut ledger, 0, jwt);
    minted(&mut ledger, 0, opaque);
    let rows = [
        (1, 10_000, true),
        (1, 10_000 + LEEWAY_MS - 1, true),
        (1, 10_000 + LEEWAY_MS, false),
        (2, 9_999, true),
        (2, 10_000, false),
    ];
    for (id, now, active) in rows {
        let refused = tell_for(&mut ledger, now, actor(id), revoke(9));
        assert_eq!(refused.is_ok(), active, "{id} at {now}");
    }
}

#[test]
fn a_process_that_ended_leaves_no_pending_token() {
    for by_alarm in [true, false] {
        let sql = Sqlite::new();
        let mut ledger = open(&sql);
        drop(waits(tell(&mut ledger, 0, mint(1, "ci", 0))));
        drop(waits(tell(&mut ledger, 0, adopted(2, 0).renamed("two"))));
        let mut ledger = open(&sql);
        match by_alarm {
            true => ledger.wake(at(10)).expect("a wake"),
            false => {
                minted(&mut ledger, 10, mint(3, "three", 10));
            }
        }
        assert_eq!(liveness(&mut ledger, 10, 1), Liveness::Revoked);
        assert_eq!(ledger.describe(None, Id::from_u128(2)), Ok(None));
        assert_eq!(sql.number("select count(*) from tokens where state = 0"), 0);
    }
}

#[test]
fn a_wait_that_broke_off_is_ended_by_the_alarm_and_cannot_be_resumed() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let late = waits(tell(&mut ledger, 0, adopted(1, 0)));
    ledger.delivered(i64::MAX).expect("delivered");
    ledger.wake(at(2_000)).expect("a wake");
    // Somebody may still come: the alarm is set to the end of that.
    assert_eq!(ledger.wakes_at(), Some(at(60_000)));
    ledger.wake(at(60_000)).expect("a wake");
    assert_eq!(ledger.describe(None, Id::from_u128(1)), Ok(None));
    // Tried again meanwhile: the first wait does not end the second one's.
    let waiting = waits(tell(&mut ledger, 60_001, adopted(1, 60_001)));
    let ours = Some(Id::from_u128(1));
    assert_eq!(
        arrived(&mut ledger, 60_002, late, ours),
        MintAnswer::RevokedMeanwhile
    );
    assert_eq!(liveness(&mut ledger, 60_002, 1), Liveness::Unknown);
    assert_eq!(
        arrived(&mut ledger, 60_003, waiting, ours),
        MintAnswer::Minted
    );
}

#[test]
fn r39_an_adoption_that_came_to_nothing_can_be_tried_again() {
    let ours = Some(Id::from_u128(1));
    let foreign = Some(Id::from_u128(2));
    let rows = [
        (failed(), unavailable()),
        (
            Delivery::Arrived { row_of: foreign },
            MintAnswer::IdTaken { revoked: false },
        ),
        (
            Delivery::Arrived { row_of: None },
            MintAnswer::IdTaken { revoked: false },
        ),
    ];
    for (delivery, expected) in rows {
        let sql = Sqlite::new();
        let mut ledger = open(&sql);
        let waiting = waits(tell(&mut ledger, 0, adopted(1, 0)));
        assert!(matches!(waiting.wait(), Wait::Row { .. }));
        assert_eq!(answer(ledger.resume(at(1), waiting, delivery)), expected);
        let waiting = waits(tell(&mut ledger, 2, adopted(1, 2)));
        assert_eq!(arrived(&mut ledger, 3, waiting, ours), MintAnswer::Minted);
        // What is active, or was revoked, is not adopted again.
        for revoked in [false, true] {
            let taken = answer(tell(&mut ledger, 4, adopted(1, 4)));
            assert_eq!(taken, MintAnswer::IdTaken { revoked });
            answer(tell(&mut ledger, 4, revoke(1)));
        }
    }
}

#[test]
fn r27_pending_tokens_count_under_the_ceiling() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let order = |id: u128| MintCommand {
        ceiling: 2,
        ..mint(id, &format!("t{id}"), 0)
    };
    minted(&mut ledger, 0, order(1));
    let waiting = waits(tell(&mut ledger, 0, order(2)));
    let full = MintAnswer::CeilingReached { ceiling: 2 };
    assert_eq!(minted(&mut ledger, 0, order(3)), full);
    let mut system = order(4);
    system.facts.is_system = true;
    assert_eq!(minted(&mut ledger, 0, system), MintAnswer::Minted);
    assert_eq!(
        answer(ledger.resume(at(1), waiting, failed())),
        unavailable()
    );
    assert_eq!(minted(&mut ledger, 1, order(3)), MintAnswer::Minted);
}

#[test]
fn r9_a_rotation_ends_the_old_token_when_the_new_one_is_active() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let mut old = mint(1, "ci", 0);
    old.description = Some("of the build".to_owned());
    minted(&mut ledger, 0, old);
    let waiting = waits(tell(&mut ledger, 10, rotate(1, mint(2, "ci", 10), 500)));
    assert_eq!(liveness(&mut ledger, 10, 1), Liveness::Live);
    // While one is on its way there is no second.
    let second = answer(tell(&mut ledger, 10, rotate(1, mint(3, "ci", 10), 500)));
    assert_eq!(second, RotateAnswer::NotLive);
    let rotated = RotateAnswer::Rotated {
        description: Some("of the build".to_owned()),
    };
    assert_eq!(arrived(&mut ledger, 20, waiting, None), rotated);
    let rows = [
        (499, 1, Liveness::Live),
        (500, 1, Liveness::Revoked),
        (500, 2, Liveness::Live),
    ];
    for (now, id, expected) in rows {
        assert_eq!(liveness(&mut ledger, now, id), expected, "{id} at {now}");
    }
    let again = answer(tell(&mut ledger, 30, rotate(1, mint(4, "ci", 30), 500)));
    assert_eq!(again, RotateAnswer::NotLive);
}

#[test]
fn r9_a_rotation_whose_old_token_was_revoked_meanwhile_leaves_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let waiting = waits(tell(&mut ledger, 1, rotate(1, mint(2, "ci", 1), 500)));
    answer(tell(&mut ledger, 2, revoke(1)));
    assert_eq!(
        arrived(&mut ledger, 3, waiting, None),
        RotateAnswer::NotLive
    );
    for id in [1, 2] {
        assert_eq!(liveness(&mut ledger, 3, id), Liveness::Revoked, "{id}");
    }
}

#[test]
fn a_command_that_waits_holds_up_nobody_else() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let waiting = waits(tell(&mut ledger, 0, mint(1, "ci", 0)));
    let second = tell(&mut ledger, 0, mint(2, "deploy", 0));
    assert!(matches!(second, Ok(Done::AfterDelivery(_))));
    assert_eq!(arrived(&mut ledger, 1, waiting, None), MintAnswer::Minted);
}

impl MintCommand {
    fn renamed(mut self, name: &str) -> Self {
        self.facts.name = postern_domain::name::TokenName::stored(name.to_owned());
        self
    }
}
