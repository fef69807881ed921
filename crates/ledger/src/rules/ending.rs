//! Tokens that end: revoked one by one (R11), many in one step (R12), when idle (R14), when found in
//! public.

use postern_domain::audit::Action;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;

use crate::testing::*;
use crate::{
    AdmitQuery, LeakAnswer, LeakCommand, Liveness, ReleaseAnswer, ReleaseCommand, RevokeAnswer,
    RevokeCommand, RevokeManyAnswer, RevokeManyCommand, RotateAnswer, Selector, SweepCommand,
};

const DAY_MS: i64 = 86_400_000;

fn revoke(id: u128) -> RevokeCommand {
    RevokeCommand {
        token: Id::from_u128(id),
        requester: requester(),
        respond_async: false,
    }
}

fn report(id: u128, on_leak: OnLeak) -> LeakCommand {
    LeakCommand {
        token: Id::from_u128(id),
        on_leak,
        requester: requester(),
    }
}

fn release(id: u128) -> ReleaseCommand {
    ReleaseCommand {
        token: Id::from_u128(id),
        requester: requester(),
    }
}

#[test]
fn r11_a_revoke_tells_the_first_time_even_after_the_clock_went_back() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    for now in [1_000, 2_000, 500] {
        let found = answer(tell(&mut ledger, now, revoke(1)));
        assert_eq!(
            found,
            RevokeAnswer::Revoked {
                at: at(1_000),
                final_in_ms: 0
            },
            "{now}"
        );
    }
    let revokes = events(&sql)
        .iter()
        .filter(|event| event.action == Action::TokenRevoke)
        .count();
    assert_eq!(revokes, 1);
    assert_eq!(
        answer(tell(&mut ledger, 1, revoke(9))),
        RevokeAnswer::Unknown
    );
}

#[test]
fn r11_a_token_that_is_being_rotated_out_ends_earlier_by_a_revoke() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let waiting = waits(tell(&mut ledger, 0, rotate(1, mint(2, "ci", 0), 9_000)));
    arrived(&mut ledger, 0, waiting, None);
    let found = answer(tell(&mut ledger, 10, revoke(1)));
    assert_eq!(
        found,
        RevokeAnswer::Revoked {
            at: at(10),
            final_in_ms: 0
        }
    );
    assert_eq!(liveness(&mut ledger, 10, 1), Liveness::Revoked);
    assert_eq!(liveness(&mut ledger, 10, 2), Liveness::Live);
}

fn revoked(answer: RevokeManyAnswer) -> (Vec<u128>, i64) {
    match answer {
        RevokeManyAnswer::Done {
            tokens, version, ..
        } => (tokens.iter().map(|id| id.as_u128()).collect(), version),
        RevokeManyAnswer::TooMany { .. } => panic!("not so many"),
    }
}

#[test]
fn r12_a_bulk_revoke_follows_a_minter_all_the_way_down_in_one_step() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let by = |id: u128, minter: u128| {
        let mut command = mint(id, &format!("t{id}"), 0);
        command.minted_by = Some(Id::from_u128(minter));
        command
    };
    minted(&mut ledger, 0, mint(1, "t1", 0));
    minted(&mut ledger, 1, by(2, 1));
    minted(&mut ledger, 2, by(3, 2));
    minted(&mut ledger, 3, mint(9, "t9", 0));
    // The successor of a child, minted by somebody else, and one that is still being created.
    let waiting = waits(tell(&mut ledger, 4, rotate(3, mint(4, "t3", 4), DAY_MS)));
    arrived(&mut ledger, 4, waiting, None);
    let pending = waits(tell(&mut ledger, 5, rotate(4, by(5, 9), DAY_MS)));
    let selector = Selector {
        minted_by: Some(Id::from_u128(1)),
        ..Selector::default()
    };
    let dry = RevokeManyCommand {
        dry_run: true,
        ..revoke_many(selector.clone())
    };
    let before = sql.number("select version from head");
    let all = vec![2, 3, 4, 5];
    let mut found = revoked(answer(tell(&mut ledger, 6, dry))).0;
    found.sort_unstable();
    assert_eq!(found, all);
    assert_eq!(liveness(&mut ledger, 6, 2), Liveness::Live, "a dry run");
    let (mut found, version) = revoked(answer(tell(&mut ledger, 7, revoke_many(selector))));
    found.sort_unstable();
    assert_eq!((found, version), (all, before + 1));
    let found = arrived(&mut ledger, 8, pending, None);
    assert_eq!(found, RotateAnswer::NotLive);
    for id in [2, 3, 4, 5] {
        assert_eq!(liveness(&mut ledger, 8, id), Liveness::Revoked, "{id}");
    }
    for id in [1, 9] {
        assert_eq!(liveness(&mut ledger, 8, id), Liveness::Live, "{id}");
    }
}

#[test]
fn r10_r12_a_bulk_revoke_stays_within_its_callers_reach() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "organization", 0));
    let mut command = mint(2, "project", 0);
    command.facts.scope = shop();
    minted(&mut ledger, 1, command);
    let mut command = mint(3, "system", 0);
    command.facts.is_system = true;
    minted(&mut ledger, 2, command);
    let all = revoke_many(Selector::default());
    // Organization's, projects', system's; what is found.
    let rows = [
        ((true, true, true), vec![1, 2, 3]),
        ((true, true, false), vec![1, 2]),
        ((true, false, true), vec![1, 3]),
        ((false, true, true), vec![2]),
        ((false, false, true), vec![]),
    ];
    for ((organization_tokens, project_tokens, system_tokens), expected) in rows {
        let command = RevokeManyCommand {
            organization_tokens,
            project_tokens,
            system_tokens,
            dry_run: true,
            ..all.clone()
        };
        let mut found = revoked(answer(tell(&mut ledger, 5, command))).0;
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn r12_each_criterion_narrows_a_bulk_revoke() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    for id in 1..=3 {
        let now = i64::try_from(id).expect("small") * 100;
        let mut command = mint(id, &format!("t{id}"), now);
        if id == 2 {
            command.facts.scope = shop();
            command.requester.address = Some("198.51.100.9".to_owned());
        }
        minted(&mut ledger, now, command);
    }
    let used = AdmitQuery {
        counts: true,
        ..plain(3)
    };
    ledger.admit(at(400), used).expect("an answer");
    let none = Selector::default;
    let rows = [
        (none(), vec![1, 2, 3]),
        (
            Selector {
                ids: Some(vec![Id::from_u128(1), Id::from_u128(77)]),
                ..none()
            },
            vec![1],
        ),
        (
            Selector {
                project: Some(Id::from_u128(100)),
                ..none()
            },
            vec![2],
        ),
        (
            Selector {
                created_after: Some(at(100)),
                created_before: Some(at(300)),
                ..none()
            },
            vec![2],
        ),
        (
            Selector {
                never_used: true,
                ..none()
            },
            vec![1, 2],
        ),
        (
            Selector {
                address: Some("198.51.100.9".to_owned()),
                ..none()
            },
            vec![2],
        ),
    ];
    for (selector, expected) in rows {
        let command = RevokeManyCommand {
            dry_run: true,
            ..revoke_many(selector)
        };
        let found = answer(tell(&mut ledger, 500, command));
        let RevokeManyAnswer::Done {
            used_in_last_day, ..
        } = &found
        else {
            panic!("not so many");
        };
        assert_eq!(*used_in_last_day, u32::from(expected.contains(&3)));
        assert_eq!(revoked(found).0, expected);
    }
}

#[test]
fn r14_a_sweep_revokes_what_was_not_used_since() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    for id in 1..=3 {
        let mut command = mint(id, &format!("t{id}"), 0);
        command.facts.is_system = id == 3;
        minted(&mut ledger, 0, command);
    }
    // The use of the second is still in memory when the sweep comes.
    let used = AdmitQuery {
        counts: true,
        ..plain(2)
    };
    ledger.admit(at(DAY_MS), used).expect("an answer");
    let sweep = || SweepCommand {
        max_idle_days: 1,
        requester: requester(),
    };
    assert!(answer(tell(&mut ledger, DAY_MS, sweep())).tokens.is_empty());
    let swept = answer(tell(&mut ledger, DAY_MS + 1, sweep())).tokens;
    assert_eq!(swept, [Id::from_u128(1)]);
    let swept = answer(tell(&mut ledger, 2 * DAY_MS + 1, sweep())).tokens;
    assert_eq!(swept, [Id::from_u128(2)]);
    assert_eq!(liveness(&mut ledger, 2 * DAY_MS + 1, 3), Liveness::Live);
}

#[test]
fn a_quarantined_token_is_released_and_a_revoked_one_is_not() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    let found = answer(tell(&mut ledger, 1, report(1, OnLeak::Quarantine)));
    assert_eq!(found, LeakAnswer::Quarantined);
    assert_eq!(liveness(&mut ledger, 1, 1), Liveness::Revoked);
    let rotated = answer(tell(&mut ledger, 1, rotate(1, mint(2, "ci", 1), 1)));
    assert_eq!(rotated, RotateAnswer::NotLive);
    assert_eq!(
        answer(tell(&mut ledger, 2, release(1))),
        ReleaseAnswer::Released
    );
    assert_eq!(liveness(&mut ledger, 2, 1), Liveness::Live);
    assert_eq!(
        answer(tell(&mut ledger, 3, release(1))),
        ReleaseAnswer::NotHeld
    );
    let found = answer(tell(&mut ledger, 4, report(1, OnLeak::Revoke)));
    assert_eq!(found, LeakAnswer::Revoked);
    assert_eq!(
        answer(tell(&mut ledger, 5, release(1))),
        ReleaseAnswer::NotHeld
    );
    assert_eq!(liveness(&mut ledger, 5, 1), Liveness::Revoked);
    let found = answer(tell(&mut ledger, 6, report(77, OnLeak::Revoke)));
    assert_eq!(found, LeakAnswer::Unchanged);
}
