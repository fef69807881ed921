//! The exchange of a CI job for a token (R47): once, in one of two ways, within its limits.

use postern_domain::audit::Action;
use postern_domain::id::Id;
use postern_domain::scope::Scope;
use postern_domain::testing::{project, workflow};
use postern_domain::time::Timestamp;
use postern_domain::token::{Signed, Verifier};

use super::trust::given;
use crate::testing::jobs::{add, bearer, exchange, job, trust_rule};
use crate::testing::*;
use crate::{
    Delivery, ExchangeAnswer, ExchangeCommand, Ledger, Liveness, MAX_RULE_TOKENS, RevokeCommand,
    Wait,
};

/// A Ledger with one rule, about the repository 74.
fn trusting(sql: &Sqlite) -> Ledger<Sqlite> {
    let mut ledger = open(sql);
    answer(tell(&mut ledger, 0, add(trust_rule(9, 74, None))));
    ledger
}

fn exchanged(ledger: &mut Ledger<Sqlite>, now: i64, command: ExchangeCommand) -> ExchangeAnswer {
    let waiting = waits(tell(ledger, now, command));
    // D1 has everything by then.
    let delivered = ledger
        .outbox()
        .expect("the outbox")
        .last()
        .map(|entry| entry.id);
    ledger
        .delivered(delivered.unwrap_or_default())
        .expect("delivered");
    arrived(ledger, now, waiting, None)
}

fn refusal(ledger: &mut Ledger<Sqlite>, now: i64, command: ExchangeCommand) -> ExchangeAnswer {
    answer(tell(ledger, now, command))
}

#[test]
fn r47_a_job_gets_what_its_rule_gives() {
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    let waiting = waits(tell(&mut ledger, 1_500, exchange(1, job(74))));
    let ExchangeAnswer::Given(facts) = arrived(&mut ledger, 1_500, waiting, None) else {
        panic!("it is given");
    };
    let scope = Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    assert_eq!((facts.id, &facts.scope), (Id::from_u128(1), &scope));
    // Fifteen minutes, in whole seconds.
    assert_eq!(facts.expires_at, Some(at(901_000)));
    let job = facts.ci_job.expect("the job");
    assert_eq!(job.rule, Id::from_u128(9));
    assert_eq!(job.run_id.map(|id| id.number()), Some(1234));
    assert_eq!(liveness(&mut ledger, 2_000, 1), Liveness::Live);
    let event = events(&sql).pop().expect("an event");
    assert_eq!(event.action, Action::TokenMint);
    assert_eq!(
        event.requester.actor.as_str(),
        format!("trust-rule:{}", job.rule)
    );
    let changes = serde_json::to_value(&event.changes).expect("changes");
    assert_eq!(changes["repository"], "acme/shop");
    assert_eq!(changes["run_id"], "1234");
}

#[test]
fn r47_strangers_create_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let none = refusal(&mut ledger, 0, exchange(1, job(74)));
    assert_eq!(none, ExchangeAnswer::NoRule);
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
    let mut ledger = trusting(&sql);
    let before = events(&sql).len();
    let none = refusal(&mut ledger, 1, exchange(1, job(75)));
    assert_eq!(none, ExchangeAnswer::NoRule);
    let ended = ExchangeCommand {
        ends_at: Timestamp::from_millis(999),
        ..exchange(1, job(74))
    };
    assert_eq!(refusal(&mut ledger, 1, ended), ExchangeAnswer::Ended);
    assert_eq!(sql.number("select count(*) from tokens"), 0);
    assert_eq!(events(&sql).len(), before);
}

#[test]
fn r47_a_job_token_is_exchanged_once() {
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    let first = waits(tell(&mut ledger, 1, exchange(1, job(74))));
    // While the first is on its way, and after it.
    let second = refusal(&mut ledger, 1, exchange(1, job(74)));
    assert_eq!(second, ExchangeAnswer::Used);
    let first = arrived(&mut ledger, 2, first, None);
    assert!(matches!(first, ExchangeAnswer::Given(_)));
    for command in [exchange(1, job(74)), bearer(1, job(74))] {
        assert_eq!(refusal(&mut ledger, 3, command), ExchangeAnswer::Used);
    }
    // Nor after its end, when it has been revoked, or by another process.
    let mut ledger = open(&sql);
    let late = refusal(&mut ledger, 902_000, exchange(1, job(74)));
    assert_eq!(late, ExchangeAnswer::Used);
}

#[test]
fn r47_a_bearer_finds_the_token_of_its_first_call() {
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    let ExchangeAnswer::Given(first) = given(&mut ledger, 1, 1) else {
        panic!("it is given");
    };
    assert!(first.is_job_token());
    for now in [2, 899_999] {
        let again = answer(tell(&mut ledger, now, bearer(1, job(74))));
        assert_eq!(again, ExchangeAnswer::Given(first.clone()));
    }
    assert_eq!(sql.number("select count(*) from tokens"), 1);
    let late = refusal(&mut ledger, 900_000, bearer(1, job(74)));
    assert_eq!(late, ExchangeAnswer::Ended);
    assert_eq!(
        refusal(&mut ledger, 2, exchange(1, job(74))),
        ExchangeAnswer::Used
    );
    // Another token with the same `jti`.
    let other = ExchangeCommand {
        verifier: Verifier::Jwt {
            signed: Some(Signed {
                kid: "https://token.actions.githubusercontent.com".to_owned(),
                digest: "f".repeat(64),
            }),
        },
        ..bearer(1, job(74))
    };
    assert_eq!(refusal(&mut ledger, 2, other), ExchangeAnswer::Used);
    let revoke = RevokeCommand {
        token: Id::from_u128(1),
        requester: requester(),
        respond_async: false,
    };
    answer(tell(&mut ledger, 3, revoke));
    let revoked = refusal(&mut ledger, 4, bearer(1, job(74)));
    assert_eq!(revoked, ExchangeAnswer::Revoked);
}

#[test]
fn r47_calls_of_one_bearer_at_once_wait_for_one_token() {
    let sql = Sqlite::new();
    for first_comes_first in [true, false] {
        let mut ledger = trusting(&sql);
        let token = if first_comes_first { 1 } else { 2 };
        let first = waits(tell(&mut ledger, 1, bearer(token, job(74))));
        let second = waits(tell(&mut ledger, 1, bearer(token, job(74))));
        assert_eq!(first.wait(), second.wait());
        assert!(matches!(first.wait(), Wait::Entry(_)));
        let in_order = match first_comes_first {
            true => [first, second],
            false => [second, first],
        };
        for waiting in in_order {
            let told = arrived(&mut ledger, 2, waiting, None);
            let ExchangeAnswer::Given(facts) = told else {
                panic!("{told:?}");
            };
            assert_eq!(facts.id, Id::from_u128(token));
        }
        assert_eq!(liveness(&mut ledger, 2, token), Liveness::Live);
    }
    assert_eq!(sql.number("select count(*) from tokens"), 2);
}

#[test]
fn r47_an_outage_of_d1_does_not_use_a_job_token_up() {
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    for command in [exchange(1, job(74)), bearer(2, job(74))] {
        let token = command.token.as_u128();
        let waiting = waits(tell(&mut ledger, 1, command.clone()));
        let cause = "down".to_owned();
        let down = Delivery::Failed {
            cause: cause.clone(),
        };
        let failed = answer(ledger.resume(at(2), waiting, down));
        assert_eq!(failed, ExchangeAnswer::RecordUnavailable { cause });
        assert_eq!(liveness(&mut ledger, 2, token), Liveness::Unknown);
        let again = exchanged(&mut ledger, 3, command);
        assert!(matches!(again, ExchangeAnswer::Given(_)), "{again:?}");
        assert_eq!(liveness(&mut ledger, 3, token), Liveness::Live);
    }
}

#[test]
fn r47_a_rule_gives_so_many_tokens_within_an_hour() {
    const BASE: i64 = 10_000_000;
    let late = |token, repository| ExchangeCommand {
        ends_at: at(9_000_000_000),
        ..exchange(token, job(repository))
    };
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    answer(tell(&mut ledger, 0, add(trust_rule(10, 75, None))));
    let limit = u128::from(MAX_RULE_TOKENS);
    for token in 1..=limit {
        let now = BASE + i64::try_from(token).expect("small");
        let told = exchanged(&mut ledger, now, late(token, 74));
        assert!(matches!(told, ExchangeAnswer::Given(_)));
    }
    // Revoked or not.
    let revoke = RevokeCommand {
        token: Id::from_u128(1),
        requester: requester(),
        respond_async: false,
    };
    answer(tell(&mut ledger, BASE + 1_500, revoke));
    let full = refusal(&mut ledger, BASE + 2_000, late(limit + 1, 74));
    let expected = ExchangeAnswer::TooMany {
        limit: MAX_RULE_TOKENS,
        retry_after_seconds: 3_599,
    };
    assert_eq!(full, expected);
    let other = exchanged(&mut ledger, BASE + 2_000, late(limit + 2, 75));
    assert!(matches!(other, ExchangeAnswer::Given(_)));
    // An hour after the first there is room for one more; those of a month ago go, and their job tokens ended.
    let told = exchanged(&mut ledger, BASE + 3_600_002, late(limit + 1, 74));
    assert!(matches!(told, ExchangeAnswer::Given(_)));
    exchanged(&mut ledger, 31 * 86_400_000, late(limit + 3, 74));
    let kept = sql.number("select count(*) from tokens");
    assert_eq!(kept, i64::try_from(limit).expect("small") + 3 - 20);
}

#[test]
fn r27_tokens_of_rules_have_limits_of_their_own() {
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    given(&mut ledger, 1, 1);
    let mut command = mint(2, "ci", 1);
    command.ceiling = 1;
    assert_eq!(minted(&mut ledger, 1, command), crate::MintAnswer::Minted);
}

#[test]
fn r47_while_d1_takes_nothing_no_more_is_written_for_jobs() {
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    let mut refused = 0;
    for token in 1..=1_000 {
        match tell(&mut ledger, 1, exchange(token, job(74))).expect("carried out") {
            crate::Done::AfterDelivery(waiting) => {
                let cause = "down".to_owned();
                ledger.not_delivered(at(2));
                answer(ledger.resume(at(2), waiting, Delivery::Failed { cause }));
            }
            crate::Done::Answer(ExchangeAnswer::RecordUnavailable { cause }) => {
                assert_eq!(cause, "D1 has not taken the last 500 changes");
                refused += 1;
            }
            _ => panic!("it waits for D1, or is told so"),
        }
    }
    assert!(refused > 700, "{refused}");
    assert!(sql.number("select count(*) from outbox") < 510);
    assert_eq!(sql.number("select count(*) from tokens"), 0);
}

#[test]
fn r47_a_call_that_waited_for_what_was_taken_back_can_come_again() {
    let sql = Sqlite::new();
    let mut ledger = trusting(&sql);
    let failed = || Delivery::Failed {
        cause: "late".to_owned(),
    };
    let first = waits(tell(&mut ledger, 1, bearer(1, job(74))));
    let joined = waits(tell(&mut ledger, 1, bearer(1, job(74))));
    answer(ledger.resume(at(2), first, failed()));
    // The first comes again, and is on its way once more when the other's wait is over.
    let again = waits(tell(&mut ledger, 3, bearer(1, job(74))));
    let told = answer(ledger.resume(at(4), joined, failed()));
    let can_come_again = matches!(told, ExchangeAnswer::RecordUnavailable { .. });
    assert!(can_come_again, "{told:?}");
    let told = arrived(&mut ledger, 5, again, None);
    assert!(matches!(told, ExchangeAnswer::Given(_)), "{told:?}");
}
