//! Upstream credentials (R42): which one a call is sent on with, for how long a replaced one is, and
//! when a change is final.

use postern_domain::audit::Action;
use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, UpstreamId};
use postern_domain::name::Label;
use postern_domain::standing::{Actor, Inactive};
use postern_domain::upstream::{Credential, Reach};

use super::leases::{fire, is_final, renew, revoke};
use crate::testing::*;
use crate::{
    AdmitQuery, ClearUpstreamAnswer, ClearUpstreamCommand, Done, Ledger, MAX_UPSTREAMS,
    ReadUpstreamCommand, RunCommand, SetUpstreamAnswer, SetUpstreamCommand, Stop, UpstreamQuery,
    UpstreamState,
};

fn reach(project: &str, workflow: &str) -> Reach {
    Reach::of(Some(project), Some(workflow))
}

/// The command that sets version `id`, for a reach; empty names are none.
fn set(id: u128, project: &str, workflow: &str, keep_ms: u32) -> SetUpstreamCommand {
    let credential = Credential::parse(format!("bearer-{id}")).expect("good");
    SetUpstreamCommand {
        organization: Id::from_u128(1),
        reach: reach(project, workflow),
        id: Id::from_u128(id),
        sealed: format!("sealed-{id}"),
        digest: credential.digest(),
        keep_ms,
        set_by: "admin-token".to_owned(),
        requester: requester(),
    }
}

fn clear(project: &str, workflow: &str) -> ClearUpstreamCommand {
    ClearUpstreamCommand {
        organization: Id::from_u128(1),
        reach: reach(project, workflow),
        requester: requester(),
    }
}

fn is_set(ledger: &mut Ledger<Sqlite>, now: i64, command: SetUpstreamCommand) -> UpstreamState {
    match answer(tell(ledger, now, command)) {
        SetUpstreamAnswer::Set(state) => state,
        SetUpstreamAnswer::TooMany { limit } => panic!("more than {limit}"),
    }
}

fn query(project: &str, workflow: &str) -> UpstreamQuery {
    UpstreamQuery {
        project: Label::parse(project).ok(),
        workflow: Label::parse(workflow).ok(),
        is_exact: false,
        began: None,
    }
}

/// The version that a token's call is given.
fn given_to(
    ledger: &mut Ledger<Sqlite>,
    now: i64,
    token: u128,
    (run, upstream): (Option<u128>, UpstreamQuery),
) -> Option<UpstreamId> {
    let query = AdmitQuery {
        run: run.map(Id::from_u128),
        upstream: Some(upstream),
        ..plain(token)
    };
    let admission = ledger.admit(at(now), query).expect("an answer");
    let given = admission.upstream?;
    assert_eq!(given.sealed, format!("sealed-{}", given.id.as_u128()));
    Some(given.id)
}

/// An organization's token 1, and a project's token 2.
fn two(sql: &Sqlite) -> Ledger<Sqlite> {
    let mut ledger = open(sql);
    minted(&mut ledger, 0, mint(1, "t1", 0));
    let mut narrow = mint(2, "t2", 0);
    narrow.facts.scope = shop();
    minted(&mut ledger, 0, narrow);
    ledger
}

#[test]
fn r42_the_narrowest_credential_is_given() {
    let sql = Sqlite::new();
    let mut ledger = two(&sql);
    let rows = [
        ("", "", [None, None, None, None]),
        ("shop", "release", [None, None, None, Some(11)]),
        ("shop", "", [None, Some(12), Some(12), Some(11)]),
        ("", "", [Some(13), Some(12), Some(12), Some(11)]),
    ];
    for (n, (project, workflow, expected)) in rows.into_iter().enumerate() {
        if n > 0 {
            is_set(&mut ledger, 1, set(10 + n as u128, project, workflow, 0));
        }
        let asked = [
            (1, query("", "")),
            (2, query("", "")),
            (1, query("shop", "nightly")),
            (1, query("shop", "release")),
        ];
        for ((token, asked), expected) in asked.into_iter().zip(expected) {
            let given = given_to(&mut ledger, 2, token, (None, asked.clone()));
            assert_eq!(given, expected.map(Id::from_u128), "{n} {token} {asked:?}");
        }
    }
    // One that is not asked for is not given, nor is one to a token that is not active.
    let plain_answer = ledger.admit(at(2), plain(1)).expect("an answer");
    assert_eq!(plain_answer.upstream, None);
    answer(tell(&mut ledger, 3, revoke(1)));
    assert_eq!(
        given_to(&mut ledger, 4, 1, (None, query("shop", "release"))),
        None
    );
}

/// An isolate that knows the run, or the scope, asks for what it will remember the answer for.
#[test]
fn r42_a_scope_adds_nothing_to_exact_names() {
    let sql = Sqlite::new();
    let mut ledger = two(&sql);
    for (id, project) in [(11, ""), (12, "shop")] {
        is_set(&mut ledger, 1, set(id, project, "", 0));
    }
    let rows = [("", false, 12), ("", true, 11), ("shop", true, 12)];
    for (project, is_exact, expected) in rows {
        let asked = UpstreamQuery {
            is_exact,
            ..query(project, "")
        };
        let given = given_to(&mut ledger, 2, 2, (None, asked));
        assert_eq!(given, Some(Id::from_u128(expected)), "{project} {is_exact}");
    }
}

#[test]
fn r42_a_run_keeps_what_it_began_under_until_its_time_is_over() {
    let sql = Sqlite::new();
    let mut ledger = two(&sql);
    is_set(&mut ledger, 1, set(11, "shop", "", 0));
    let report = |run: u128, upstream: Option<u128>, workflow: &str| RunCommand {
        run: Id::from_u128(run),
        facts: RunFacts {
            project: "shop".to_owned(),
            workflow: workflow.to_owned(),
            workflow_id: None,
            upstream: upstream.map(Id::from_u128),
        },
        token: Id::from_u128(1),
        at: at(2),
    };
    answer(tell(&mut ledger, 2, report(50, Some(11), "release")));
    answer(tell(&mut ledger, 2, report(51, None, "release")));
    // An isolate that has asked the origin was heard before the one that has seen the run begin; of
    // two that say so, the first stands.
    for upstream in [None, Some(11), Some(99)] {
        answer(tell(&mut ledger, 2, report(53, upstream, "release")));
    }
    let state = is_set(&mut ledger, 1_000, set(12, "shop", "", 5_000));
    let replaced = state.replaced.expect("it is kept");
    assert_eq!(replaced.until, at(6_000));
    assert_eq!(replaced.digest, set(11, "", "", 0).digest);

    let began = |id: u128| UpstreamQuery {
        began: Some(Id::from_u128(id)),
        ..query("shop", "release")
    };
    // What is asked: a run that is known with its version, one that began before there were any, one
    // that nobody knows, and one of which the isolate alone knows.
    let rows = [
        (5_999, Some(50), query("", ""), 11),
        (5_999, Some(51), query("", ""), 12),
        (5_999, Some(53), query("", ""), 11),
        (5_999, Some(52), query("shop", "release"), 12),
        (5_999, Some(52), began(11), 11),
        (5_999, Some(50), began(12), 11),
        (6_000, Some(50), query("", ""), 12),
        (6_000, None, began(11), 12),
        // Of another project: it is not for this one.
        (
            5_999,
            None,
            UpstreamQuery {
                project: Label::parse("cart").ok(),
                ..began(11)
            },
            0,
        ),
    ];
    for (now, run, asked, expected) in rows {
        let expected = Some(Id::from_u128(expected)).filter(|id| id.as_u128() > 0);
        let given = given_to(&mut ledger, now, 1, (run, asked.clone()));
        assert_eq!(given, expected, "{now} {run:?} {asked:?}");
    }
    // Shown is the one that is kept longest.
    let state = is_set(&mut ledger, 5_000, set(13, "shop", "", 500));
    assert_eq!(state.replaced, Some(replaced));
    // Without any time nothing is kept, of what was replaced before neither.
    let state = is_set(&mut ledger, 5_001, set(14, "shop", "", 0));
    assert_eq!(state.replaced, None);
    for id in [11, 12, 13] {
        let given = given_to(&mut ledger, 5_002, 1, (None, began(id)));
        assert_eq!(given, Some(Id::from_u128(14)), "{id}");
    }
    assert_eq!(sql.number("select count(*) from upstreams"), 1);
}

#[test]
fn r42_a_clear_takes_what_is_kept_along() {
    let sql = Sqlite::new();
    let mut ledger = two(&sql);
    is_set(&mut ledger, 1, set(11, "shop", "", 0));
    is_set(&mut ledger, 2, set(12, "shop", "", 60_000));
    is_set(&mut ledger, 3, set(13, "cart", "", 0));
    assert_eq!(
        answer(tell(&mut ledger, 4, clear("shop", ""))),
        ClearUpstreamAnswer::Cleared
    );
    let began = UpstreamQuery {
        began: Some(Id::from_u128(11)),
        ..query("shop", "")
    };
    assert_eq!(given_to(&mut ledger, 5, 1, (None, began)), None);
    assert_eq!(sql.number("select count(*) from upstreams"), 1);
    assert_eq!(
        answer(tell(&mut ledger, 6, clear("shop", ""))),
        ClearUpstreamAnswer::Unset
    );
    let read = ReadUpstreamCommand {
        reach: reach("shop", ""),
    };
    assert_eq!(answer(tell(&mut ledger, 7, read)), None);
}

/// What is answered is final: a holder that has said nothing since is waited for.
#[test]
fn r42_a_change_waits_for_every_holder_and_has_it_forget_all() {
    let sql = Sqlite::new();
    let mut ledger = two(&sql);
    let mut applied = renew(&mut ledger, claim(9, None)).version;
    let held = |ledger: &mut Ledger<Sqlite>, sets: bool| {
        let version = match sets {
            true => match tell(ledger, 10, set(11, "shop", "", 0)).expect("carried out") {
                Done::WhenFinal(version, SetUpstreamAnswer::Set(_)) => version,
                _ => panic!("a lease is out"),
            },
            false => match tell(ledger, 11, clear("shop", "")).expect("carried out") {
                Done::WhenFinal(version, _) => version,
                _ => panic!("a lease is out"),
            },
        };
        assert!(ledger.take_moved(), "watches are told");
        version
    };
    for sets in [true, false] {
        let version = held(&mut ledger, sets);
        let told = renew(&mut ledger, claim(9, Some(applied)));
        assert_eq!(told.changed, None, "whatever it knows, it is to ask anew");
        assert!(!is_final(&mut ledger, version));
        renew(&mut ledger, claim(9, Some(told.version)));
        assert!(is_final(&mut ledger, version));
        applied = told.version;
    }
    // A clear of what is cleared already waits as well.
    let again = held(&mut ledger, true);
    renew(&mut ledger, claim(8, None));
    let version = held(&mut ledger, false);
    assert!(version > again);
    let repeated = tell(&mut ledger, 12, clear("shop", "")).expect("carried out");
    assert!(matches!(
        repeated,
        Done::WhenFinal(waits, ClearUpstreamAnswer::Unset) if waits == version
    ));
    fire(&mut ledger);
    assert!(is_final(&mut ledger, version));
    // A revoke after that names its token alone.
    let now = renew(&mut ledger, claim(7, None)).version;
    answer(tell(&mut ledger, 13, revoke(1)));
    let told = renew(&mut ledger, claim(7, Some(now)));
    assert_eq!(told.changed, Some(vec![Id::from_u128(1)]));
}

#[test]
fn r42_events_have_the_digest_and_the_reach_and_nothing_of_the_text() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    is_set(&mut ledger, 1, set(11, "shop", "release", 0));
    is_set(&mut ledger, 2, set(12, "shop", "release", 7_200_000));
    answer(tell(&mut ledger, 3, clear("shop", "release")));
    let told: Vec<_> = events(&sql)
        .into_iter()
        .map(|event| {
            let target = event.target.expect("a target").as_str().to_owned();
            let changes = serde_json::to_value(event.changes).expect("JSON");
            (event.action, target, changes)
        })
        .collect();
    let digest = |id| set(id, "", "", 0).digest.as_str().to_owned();
    let target = || "workflow:shop/release".to_owned();
    let expected = [
        (
            Action::UpstreamSet,
            target(),
            serde_json::json!({ "digest": digest(11) }),
        ),
        (
            Action::UpstreamSet,
            target(),
            serde_json::json!({
                "digest": digest(12),
                "replaces": digest(11),
                "keep_replaced_seconds": 7_200,
            }),
        ),
        (
            Action::UpstreamClear,
            target(),
            serde_json::json!({ "digest": digest(12) }),
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        sql.number("select count(*) from outbox where effects like '%sealed-%'"),
        0
    );
}

#[test]
fn r42_the_actor_is_active_at_the_moment_of_the_write() {
    let sql = Sqlite::new();
    let mut ledger = two(&sql);
    is_set(&mut ledger, 1, set(11, "", "", 0));
    answer(tell(&mut ledger, 2, revoke(1)));
    let actor = Actor::Token(Id::from_u128(1));
    let refused = tell_for(&mut ledger, 3, actor, set(12, "", "", 0)).map(|_| ());
    assert_eq!(refused, Err(Stop::Inactive(Inactive::Revoked)));
    let refused = tell_for(&mut ledger, 3, actor, clear("", "")).map(|_| ());
    assert_eq!(refused, Err(Stop::Inactive(Inactive::Revoked)));
    let read = ReadUpstreamCommand {
        reach: Reach::Organization,
    };
    let refused = tell_for(&mut ledger, 3, actor, read.clone()).map(|_| ());
    assert_eq!(refused, Err(Stop::Inactive(Inactive::Revoked)));
    let state = answer(tell(&mut ledger, 4, read)).expect("it is set");
    assert_eq!(state.digest, set(11, "", "", 0).digest);
    assert_eq!(
        (state.set_at, state.set_by.as_str()),
        (at(1), "admin-token")
    );
}

#[test]
fn r42_an_organization_has_at_most_so_many() {
    let sql = Sqlite::new();
    let mut ledger = two(&sql);
    is_set(&mut ledger, 1, set(11, "shop", "", 0));
    let many = format!(
        "with recursive n (i) as (select 2 union select i + 1 from n where i < {MAX_UPSTREAMS}) \
         insert into upstreams (id, project, workflow, sealed, digest, set_by, set_at, version, until) \
         select 'k' || i, 'cart', '', '', '', '', 0, 0, 5000 from n"
    );
    sql.connection().execute_batch(&many).expect("inserted");
    let limit = MAX_UPSTREAMS;
    let full = SetUpstreamAnswer::TooMany { limit };
    assert_eq!(answer(tell(&mut ledger, 2, set(12, "", "", 0))), full);
    assert_eq!(answer(tell(&mut ledger, 2, set(12, "shop", "", 1))), full);
    // One in the place of another takes no room; and what is over makes some.
    is_set(&mut ledger, 3, set(12, "shop", "", 0));
    is_set(&mut ledger, 5_000, set(13, "", "", 0));
    assert_eq!(sql.number("select count(*) from upstreams"), 2);
}

#[test]
fn r42_asking_creates_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let read = ReadUpstreamCommand {
        reach: Reach::Organization,
    };
    assert_eq!(answer(tell(&mut ledger, 1, read)), None);
    assert_eq!(
        answer(tell(&mut ledger, 1, clear("", ""))),
        ClearUpstreamAnswer::Unset
    );
    assert_eq!(given_to(&mut ledger, 1, 1, (None, query("", ""))), None);
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
}
