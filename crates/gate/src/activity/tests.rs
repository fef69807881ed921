//! What an isolate counts, tells and forgets.

use super::*;
use postern_ledger::{MAX_USER_AGENT, shortened};

const FROM: CallFrom<'static> = CallFrom {
    address: None,
    user_agent: Some("curl/8"),
    operation: Some("AttestationService/Init"),
    request_id: "r1",
};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn of(token: u128) -> KnownToken {
    KnownToken {
        organization: Id::from_u128(1),
        token: Id::from_u128(token),
    }
}

const ACME: fn() -> Told = || Some(Id::from_u128(1));

fn batch(activity: &mut Activity, ms: i64) -> Batch {
    activity.batch(ACME(), at(ms)).expect("a batch")
}

#[test]
fn r49_calls_are_told_in_one_batch_and_planned_once() {
    let mut activity = Activity::new(7);
    assert!(!activity.is_due());
    for ms in 0..3 {
        activity.ended(of(1), Ended::Allowed, &FROM, at(ms));
    }
    activity.ended(of(1), Ended::OriginTrouble, &FROM, at(3));
    activity.ended(of(2), Ended::Refused("not_confined"), &FROM, at(4));
    activity.ended(of(2), Ended::Refused("not_confined"), &FROM, at(5));
    assert_eq!(activity.due(), Some(ACME()));
    assert_eq!(activity.due(), None, "one plan for all of them");

    let told = batch(&mut activity, 8_000);
    let mut tokens = told.command.tokens.clone();
    tokens.sort_by_key(|told| told.token.as_u128());
    let [first, second] = tokens.as_slice() else {
        panic!("two tokens: {tokens:?}")
    };
    assert_eq!(
        (first.allowed, first.used_at, first.origin_trouble),
        (3, Some(at(2)), 1)
    );
    let [caller] = first.callers.as_slice() else {
        panic!("one caller")
    };
    assert_eq!((caller.calls, caller.last_at), (4, at(3)));
    assert_eq!((second.allowed, second.used_at), (0, None));
    assert_eq!(second.refused, [("not_confined".to_owned(), 2)]);
    assert!(second.callers.is_empty(), "a refused call is no caller's");
    let moments: Vec<_> = told.command.refused.iter().map(|call| call.at).collect();
    assert_eq!(moments, [at(4), at(5)]);

    activity.told(&told);
    assert!(activity.batch(ACME(), at(8_001)).is_none());
    assert_eq!(activity.tokens, 0);
    assert!(activity.waiting.is_empty(), "nothing is left behind");
}

#[test]
fn r49_a_batch_without_an_answer_goes_again_under_its_number() {
    let mut activity = Activity::new(7);
    activity.ended(of(1), Ended::Allowed, &FROM, at(0));
    let first = batch(&mut activity, 8_000);
    // Not while it is on its way.
    activity.ended(of(1), Ended::Allowed, &FROM, at(8_001));
    assert!(activity.batch(ACME(), at(8_002)).is_none());
    activity.failed(&first);
    let again = batch(&mut activity, 8_003);
    assert_eq!(again.command, first.command);
    // Nor was anything heard of it: it was lost with its request.
    let later = 8_003 + LOST_MS;
    assert!(activity.batch(ACME(), at(later - 1)).is_none());
    let again = batch(&mut activity, later);
    assert_eq!(again.command, first.command);
    activity.told(&again);
    // An answer that comes late is to another batch.
    let second = batch(&mut activity, later + 1);
    assert!(second.command.batch > first.command.batch);
    activity.told(&first);
    activity.failed(&second);
    let again = batch(&mut activity, later + 2);
    assert_eq!(again.command, second.command);
    let counted = first.command.tokens.iter().chain(&second.command.tokens);
    assert_eq!(counted.map(|told| told.allowed).sum::<u64>(), 2);
}

#[test]
fn r49_a_plan_that_was_lost_with_its_request_is_made_anew() {
    let mut activity = Activity::new(7);
    activity.ended(of(1), Ended::Allowed, &FROM, at(0));
    assert_eq!(activity.due(), Some(ACME()));
    let lost = i64::from(REPORT_MS) + LOST_MS;
    activity.ended(of(1), Ended::Allowed, &FROM, at(lost - 1));
    assert_eq!(activity.due(), None);
    activity.ended(of(1), Ended::Allowed, &FROM, at(lost));
    assert_eq!(activity.due(), Some(ACME()));
    assert_eq!(batch(&mut activity, lost).command.tokens[0].allowed, 3);
}

#[test]
fn r49_what_an_isolate_keeps_and_tells_is_bounded() {
    let mut activity = Activity::new(7);
    let many = MAX_REPORTED_TOKENS as u128 + 1;
    for token in 0..many {
        activity.ended(of(token), Ended::Refused("not_confined"), &FROM, at(0));
    }
    let first = batch(&mut activity, 8_000);
    assert_eq!(first.command.tokens.len(), MAX_REPORTED_TOKENS);
    let told: Vec<_> = first
        .command
        .refused
        .iter()
        .map(|call| call.token)
        .collect();
    let last = many - MAX_REPORTED_REFUSALS as u128..many;
    let last: Vec<TokenId> = last.map(Id::from_u128).collect();
    assert_eq!(told, last, "the last ones");
    activity.told(&first);
    assert_eq!(batch(&mut activity, 8_001).command.tokens.len(), 1);

    for agent in 0..=MAX_CALLERS {
        let agent = agent.to_string();
        let from = CallFrom {
            user_agent: Some(&agent),
            ..FROM
        };
        let now = at(agent.parse().expect("a number"));
        activity.ended(of(9_999), Ended::Allowed, &from, now);
    }
    let counts = &activity.waiting[&ACME()].tokens[&Id::from_u128(9_999)];
    assert_eq!(counts.callers.len(), MAX_CALLERS);
    let is_first = |caller: &Caller| caller.user_agent.as_deref() == Some("0");
    assert!(!counts.callers.iter().any(is_first), "the oldest made room");

    activity.tokens = TOKENS;
    activity.ended(of(10_000), Ended::Allowed, &FROM, at(9));
    assert!(
        !activity.waiting[&ACME()]
            .tokens
            .contains_key(&Id::from_u128(10_000))
    );
    let long = "ä".repeat(MAX_USER_AGENT + 1);
    assert_eq!(shortened(long).chars().count(), MAX_USER_AGENT);
}

#[test]
fn r49_credentials_of_nobody_are_counted_for_the_gateway() {
    let mut activity = Activity::new(7);
    activity.failed_offline(at(0));
    activity.failed_offline(at(1));
    assert_eq!(activity.due(), Some(None));
    let told = activity.batch(None, at(8_000)).expect("a batch");
    assert_eq!((told.to, told.command.offline), (None, 2));
    assert!(told.command.tokens.is_empty());
}

#[test]
fn r49_what_becomes_of_a_call_by_its_error() {
    let origin = || Error::Origin {
        cause: "x".to_owned(),
    };
    let rows = [
        (origin(), Ended::OriginTrouble),
        (Error::Deadline, Ended::OriginTrouble),
        (
            Error::UpstreamRefused {
                cause: "x".to_owned(),
            },
            Ended::OriginTrouble,
        ),
        (
            Error::NotFound { what: "token" },
            Ended::Refused("not_found"),
        ),
        (Error::unavailable("x"), Ended::Refused("unavailable")),
        (
            Error::invalid("body_unreadable", "x"),
            Ended::Refused("body_unreadable"),
        ),
    ];
    for (error, ended) in rows {
        assert_eq!(Ended::by(&error), ended, "{error:?}");
    }
}
