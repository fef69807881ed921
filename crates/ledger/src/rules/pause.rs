//! Pause and resume (R53): what a pause stops, when it is final, and what it leaves to administrators.

use postern_domain::audit::Action;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::organization::Pause;
use postern_domain::standing::Actor;

use super::leases::{OVER_MS, fire, is_final, renew, revoke, three};
use crate::testing::jobs::{add, bearer, job, trust_rule};
use crate::testing::*;
use crate::{
    AdmitQuery, Carried, Delivery, Done, ExchangeAnswer, LeakAnswer, LeakCommand, Ledger, Liveness,
    MintAnswer, NoteCommand, Outcome, PauseAnswer, PauseCommand, RecordChange, ReserveCommand,
    ResumeAnswer, ResumeCommand, RevokeAnswer, RotateAnswer, Selector, Stop,
};

fn pause_for(reason: Option<&str>) -> PauseCommand {
    PauseCommand {
        organization: Id::from_u128(1),
        reason: reason.map(str::to_owned),
        paused_by: "admin-token".to_owned(),
        respond_async: false,
        requester: requester(),
    }
}

fn resume() -> ResumeCommand {
    ResumeCommand {
        organization: Id::from_u128(1),
        requester: requester(),
    }
}

fn paused(ledger: &mut Ledger<Sqlite>, now: i64) -> Pause {
    let PauseAnswer::Paused { pause, .. } = answer(tell(ledger, now, pause_for(None)));
    pause
}

fn is_stopped<C: Carried>(outcome: &Outcome<C>) -> bool {
    matches!(outcome, Err(Stop::Paused))
}

#[test]
fn r53_a_pause_stops_every_token_and_resume_gives_all_back() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    answer(tell(&mut ledger, 1, revoke(3)));
    assert_eq!(paused(&mut ledger, 2).at, at(2));
    // Another process knows it as well.
    for mut ledger in [ledger, open(&sql)] {
        for id in [1, 2] {
            let query = AdmitQuery {
                facts: true,
                claim: Some(claim(9, None)),
                ..plain(id)
            };
            let told = ledger.admit(at(3), query).expect("an answer");
            assert_eq!((told.liveness, told.paused), (Liveness::Live, true));
            // To prove the token, and nothing that may be repeated.
            assert!(told.facts.is_some());
            assert_eq!((told.delta, told.run, told.upstream), (None, None, None));
        }
        let told = ledger.admit(at(3), plain(3)).expect("an answer");
        assert_eq!((told.liveness, told.paused), (Liveness::Revoked, false));
    }
    let mut ledger = open(&sql);
    let resumed = answer(tell(&mut ledger, 4, resume()));
    assert_eq!(resumed, ResumeAnswer::Resumed { at: at(4) });
    for mut ledger in [ledger, open(&sql)] {
        let told = ledger.admit(at(5), plain(1)).expect("an answer");
        assert_eq!(told, crate::Admission::LIVE);
        assert_eq!(liveness(&mut ledger, 5, 3), Liveness::Revoked);
        let again = answer(tell(&mut ledger, 6, resume()));
        assert_eq!(again, ResumeAnswer::NotPaused);
    }
}

#[test]
fn r53_a_pause_is_final_when_no_holder_believes_in_any_token() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let before = renew(&mut ledger, claim(9, None)).version;
    assert!(
        renew(&mut ledger, claim(9, Some(before)))
            .lease_ms
            .is_some()
    );
    let Ok(Done::WhenFinal(version, _)) = tell(&mut ledger, 2, pause_for(None)) else {
        panic!("a lease is out");
    };
    assert!(!is_final(&mut ledger, version));
    // A second pause says the same, and waits for the same.
    let Ok(Done::WhenFinal(again, _)) = tell(&mut ledger, 3, pause_for(None)) else {
        panic!("it is not final yet");
    };
    assert_eq!(again, version);
    let told = renew(&mut ledger, claim(9, Some(before)));
    assert_eq!(told.changed, None, "all of it is to be forgotten");
    assert!(!is_final(&mut ledger, version), "told is not applied");
    renew(&mut ledger, claim(9, Some(told.version)));
    assert!(is_final(&mut ledger, version));
    // Every pause does that, and no resume.
    answer(tell(&mut ledger, 4, resume()));
    let between = renew(&mut ledger, claim(9, Some(told.version)));
    assert_eq!(between.changed, Some(Vec::new()));
    let second = tell(&mut ledger, 5, pause_for(None));
    assert!(matches!(second, Ok(Done::WhenFinal(..))));
    let told = renew(&mut ledger, claim(9, Some(between.version)));
    assert_eq!(told.changed, None);
    // A holder that has vanished costs the length of its lease.
    assert!(fire(&mut ledger).iter().all(|ms| *ms == OVER_MS));
    assert!(is_final(&mut ledger, told.version.number));
}

#[test]
fn r53_a_pause_can_answer_at_once_and_says_when_it_is_final() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    let command = PauseCommand {
        respond_async: true,
        ..pause_for(Some("a leak"))
    };
    let answer = |told| match told {
        Ok(Done::Answer(PauseAnswer::Paused { pause, final_in_ms })) => (pause, final_in_ms),
        _ => panic!("it answers at once"),
    };
    let (pause, final_in_ms) = answer(tell(&mut ledger, 2, command.clone()));
    assert_eq!(pause.reason.as_deref(), Some("a leak"));
    assert_eq!(final_in_ms, OVER_MS);
    fire(&mut ledger);
    assert_eq!(answer(tell(&mut ledger, 3, command)), (pause, 0));
}

#[test]
fn r53_nothing_is_written_for_a_token_and_none_is_created_for_anybody() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    answer(tell(&mut ledger, 0, add(trust_rule(9, 74, None))));
    paused(&mut ledger, 1);
    let token = Actor::Token(Id::from_u128(1));
    let note = || NoteCommand {
        organization: Id::from_u128(1),
        action: Action::ProjectCreate,
        target: None,
        requester: requester(),
    };
    let reserve = || ReserveCommand {
        id: Id::from_u128(5),
        ceiling: 9,
        lasts_ms: 1_000,
    };
    let written = sql.number("select total_changes()");
    assert!(is_stopped(&tell_for(&mut ledger, 2, token, note())));
    assert!(is_stopped(&tell_for(&mut ledger, 2, token, revoke(2))));
    assert!(is_stopped(&tell_for(&mut ledger, 2, token, resume())));
    for actor in [token, Actor::NotAToken] {
        let mint = mint(4, "new", 2);
        assert!(is_stopped(&tell_for(&mut ledger, 2, actor, mint.clone())));
        let rotate = rotate(1, mint, 2);
        assert!(is_stopped(&tell_for(&mut ledger, 2, actor, rotate)));
        assert!(is_stopped(&tell_for(&mut ledger, 2, actor, reserve())));
    }
    // A job that meets a rule is told; to another the organization is as any other.
    let met = answer(tell(&mut ledger, 2, bearer(7, job(74))));
    assert_eq!(met, ExchangeAnswer::Paused);
    let unmet = answer(tell(&mut ledger, 2, bearer(8, job(75))));
    assert_eq!(unmet, ExchangeAnswer::NoRule);
    assert_eq!(sql.number("select total_changes()"), written);
}

#[test]
fn r53_tokens_can_still_be_revoked_and_reported() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    paused(&mut ledger, 1);
    // By its holder itself, by an administrator, and by whoever found it.
    let revoked = |at_ms| RevokeAnswer::Revoked {
        at: at(at_ms),
        final_in_ms: 0,
    };
    let own = tell_for(&mut ledger, 2, Actor::Token(Id::from_u128(1)), revoke(1));
    assert_eq!(answer(own), revoked(2));
    answer(tell(
        &mut ledger,
        3,
        revoke_many(Selector {
            ids: Some(vec![Id::from_u128(2)]),
            ..Selector::default()
        }),
    ));
    let leak = LeakCommand {
        token: Id::from_u128(3),
        on_leak: OnLeak::Revoke,
        requester: requester(),
    };
    assert_eq!(answer(tell(&mut ledger, 4, leak)), LeakAnswer::Revoked);
    answer(tell(&mut ledger, 5, resume()));
    for id in [1, 2, 3] {
        assert_eq!(liveness(&mut ledger, 6, id), Liveness::Revoked, "{id}");
    }
}

#[test]
fn r40_r53_a_token_that_is_paused_while_it_creates_one_creates_none() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let token = Actor::Token(Id::from_u128(1));
    let minting = waits(tell_for(&mut ledger, 1, token, mint(4, "n4", 1)));
    let rotating = waits(tell_for(
        &mut ledger,
        1,
        token,
        rotate(2, mint(5, "t2", 1), 1),
    ));
    let by_admin = waits(tell(&mut ledger, 1, mint(6, "n6", 1)));
    paused(&mut ledger, 2);
    let delivery = || Delivery::Arrived { row_of: None };
    assert!(is_stopped(&ledger.resume(at(3), minting, delivery())));
    assert!(is_stopped(&ledger.resume(at(3), rotating, delivery())));
    // This one began before, and opens nothing yet.
    let made = answer(ledger.resume(at(3), by_admin, delivery()));
    assert_eq!(made, MintAnswer::Minted);
    assert!(ledger.admit(at(3), plain(6)).expect("an answer").paused);
    answer(tell(&mut ledger, 4, resume()));
    for (id, expected) in [
        (2, Liveness::Live),
        (4, Liveness::Revoked),
        (5, Liveness::Revoked),
        (6, Liveness::Live),
    ] {
        assert_eq!(liveness(&mut ledger, 5, id), expected, "{id}");
    }
    let rotated = waits(tell(&mut ledger, 6, rotate(2, mint(7, "t2", 6), 6)));
    let rotated = arrived(&mut ledger, 6, rotated, None);
    assert_eq!(rotated, RotateAnswer::Rotated { description: None });
}

#[test]
fn r35_r53_pause_and_resume_are_in_the_log_and_on_their_way_to_d1() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    // The first write of an organization can be its pause.
    let told = answer(tell(&mut ledger, 1, pause_for(Some("a leak"))));
    let PauseAnswer::Paused { pause, .. } = told;
    assert_eq!((pause.at, pause.by.as_str()), (at(1), "admin-token"));
    let again = answer(tell(&mut ledger, 2, pause_for(Some("another"))));
    let PauseAnswer::Paused { pause: first, .. } = again;
    assert_eq!(first, pause, "the first one stands");
    answer(tell(&mut ledger, 3, resume()));
    answer(tell(&mut ledger, 4, pause_for(None)));
    let told: Vec<_> = events(&sql)
        .iter()
        .map(|event| {
            let changes = serde_json::to_value(&event.changes).expect("changes");
            (event.action, event.at, changes["reason"].clone())
        })
        .collect();
    let null = serde_json::Value::Null;
    assert_eq!(
        told,
        [
            (Action::OrganizationPause, at(1), "a leak".into()),
            (Action::OrganizationResume, at(3), null.clone()),
            (Action::OrganizationPause, at(4), null),
        ]
    );
    let entries = ledger.outbox().expect("the outbox");
    let changes = entries.iter().flat_map(|entry| &entry.changes);
    let pauses: Vec<_> = changes
        .filter_map(|change| match change {
            RecordChange::SetPause {
                sequence, pause, ..
            } => Some((*sequence, pause.as_ref().map(|pause| pause.at))),
            _ => None,
        })
        .collect();
    assert_eq!(pauses, [(1, Some(at(1))), (2, None), (3, Some(at(4)))]);
}

#[test]
fn r53_what_is_not_paused_is_not_resumed_and_stores_nothing() {
    let sql = Sqlite::new();
    let told = answer(tell(&mut open(&sql), 1, resume()));
    assert_eq!(told, ResumeAnswer::NotPaused);
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
}
