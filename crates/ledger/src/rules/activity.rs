//! What calls have come to (R13, R49): taken in once, written together, kept for 30 days, and read.

mod bounds;

use std::collections::BTreeMap;

use postern_domain::id::{Id, TokenId};
use postern_domain::usage::MAX_DAYS;

use crate::store::MAX_TOKENS_OF_DAY;
use crate::testing::*;
use crate::{
    ActivityCommand, ActivityRecord, AdmitQuery, CallerActivity, KEPT_REFUSALS, Ledger,
    MAX_CALLERS, MAX_USER_AGENT, ReadActivityCommand, RefusedCall, RenewCommand, TokenActivity,
};

const DAY_MS: i64 = 86_400_000;
const WHEN: i64 = 20_000 * DAY_MS;

fn told(token: u128) -> TokenActivity {
    TokenActivity {
        token: Id::from_u128(token),
        allowed: 0,
        used_at: None,
        origin_trouble: 0,
        refused: Vec::new(),
        callers: Vec::new(),
    }
}

fn used(token: u128, allowed: u64, at_ms: i64) -> TokenActivity {
    TokenActivity {
        allowed,
        used_at: Some(at(at_ms)),
        ..told(token)
    }
}

fn refused(token: u128, reasons: &[(&str, u64)]) -> TokenActivity {
    let reasons = reasons.iter();
    TokenActivity {
        refused: reasons
            .map(|(code, calls)| ((*code).to_owned(), *calls))
            .collect(),
        ..told(token)
    }
}

fn call(token: u128, at_ms: i64) -> RefusedCall {
    RefusedCall {
        at: at(at_ms),
        operation: None,
        reason: "not_confined".to_owned(),
        token: Id::from_u128(token),
        address: None,
        request_id: at_ms.to_string(),
        user_agent: None,
    }
}

fn batch(reporter: u128, batch: u64, tokens: Vec<TokenActivity>) -> ActivityCommand {
    ActivityCommand {
        reporter: Id::from_u128(reporter),
        batch,
        tokens,
        refused: Vec::new(),
        offline: 0,
    }
}

fn take(ledger: &mut Ledger<Sqlite>, now: i64, command: ActivityCommand) {
    answer(tell(ledger, now, command));
}

fn read(ledger: &mut Ledger<Sqlite>, now: i64, token: Option<u128>, days: u32) -> ActivityRecord {
    let command = ReadActivityCommand {
        token: token.map(Id::from_u128),
        days,
        hides_system: false,
    };
    answer(tell(ledger, now, command)).expect("it is known")
}

/// A Ledger with tokens of these ids.
fn with_tokens(sql: &Sqlite, ids: impl IntoIterator<Item = u128>) -> Ledger<Sqlite> {
    let mut ledger = open(sql);
    for id in ids {
        minted(&mut ledger, WHEN, mint(id, &format!("t{id}"), 0));
    }
    ledger
}

/// Of today: allowed, origin trouble, refusals by code.
fn today(record: &ActivityRecord) -> (u64, u64, Vec<(&str, u64)>) {
    let day = record.days.last().expect("a day");
    let reasons = day.refused.iter();
    (
        day.allowed,
        day.origin_trouble,
        reasons
            .map(|(code, calls)| (code.as_str(), *calls))
            .collect(),
    )
}

#[test]
fn r49_calls_are_counted_by_token_day_and_what_they_came_to() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1, 2]);
    let trouble = TokenActivity {
        origin_trouble: 3,
        ..told(2)
    };
    let first = vec![used(1, 4, WHEN + 5), trouble, used(9, 7, WHEN)];
    take(&mut ledger, WHEN, batch(1, 1, first));
    let later = WHEN + DAY_MS;
    let second = vec![refused(1, &[("not_confined", 2), ("body_unreadable", 1)])];
    take(&mut ledger, later, batch(2, 1, second));

    let all = read(&mut ledger, later, None, 3);
    let days: Vec<i64> = all.days.iter().map(|day| day.day).collect();
    assert_eq!(days, [19_999, 20_000, 20_001], "exactly those days");
    assert_eq!((all.days[0].allowed, all.days[1].allowed), (0, 4));
    assert_eq!(all.days[1].origin_trouble, 3);
    let reasons = vec![("body_unreadable", 1), ("not_confined", 2)];
    assert_eq!(today(&all), (0, 0, reasons.clone()));
    assert_eq!(all.most_refused, [(Id::from_u128(1), 3)]);
    assert_eq!(all.tokens.len(), 1);
    assert_eq!(all.tokens[0].name, "t1");
    assert!(all.tokens[0].prefix.starts_with("pst_") || all.tokens[0].prefix.starts_with("jwt_"));

    let one = read(&mut ledger, later, Some(1), 1);
    assert_eq!(today(&one), (0, 0, reasons));
    let other = read(&mut ledger, later, Some(2), 2);
    assert_eq!(other.days[0].origin_trouble, 3);
    let gone = ReadActivityCommand {
        token: Some(Id::from_u128(9)),
        days: 1,
        hides_system: false,
    };
    assert_eq!(answer(tell(&mut ledger, later, gone)), None);
    let uses = "select uses from tokens where id like '%1'";
    assert_eq!(sql.number(uses), 4, "what is refused is no use");
    assert_eq!(
        sql.number("select used_at from tokens where id like '%1'"),
        WHEN + 5
    );
    assert_eq!(sql.number("select uses from tokens where id like '%2'"), 0);
}

#[test]
fn r10_r49_calls_of_system_tokens_are_told_of_only_where_they_are_not_hidden() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1]);
    let mut system = mint(2, "daemon", 0);
    system.facts.is_system = true;
    minted(&mut ledger, WHEN, system);
    let mut told = batch(
        1,
        1,
        vec![
            refused(1, &[("not_confined", 1)]),
            refused(2, &[("not_confined", 2)]),
        ],
    );
    told.refused = vec![call(1, WHEN), call(2, WHEN + 1)];
    take(&mut ledger, WHEN, told);
    for (hides_system, expected) in [(false, vec![2, 1]), (true, vec![1])] {
        let mut asked = |token: Option<u128>| {
            let command = ReadActivityCommand {
                token: token.map(Id::from_u128),
                days: 1,
                hides_system,
            };
            answer(tell(&mut ledger, WHEN, command))
        };
        let all = asked(None).expect("told");
        let recent: Vec<u128> = all.recent.iter().map(|call| call.token.as_u128()).collect();
        assert_eq!(recent, expected);
        let most = all.most_refused.iter();
        let most: Vec<u128> = most.map(|(token, _)| token.as_u128()).collect();
        assert_eq!(most, expected);
        assert_eq!(all.tokens.len(), expected.len());
        assert_eq!(today(&all).2, [("not_confined", 3)], "the day counts all");
        assert_eq!(asked(Some(2)).is_none(), hides_system);
        assert!(asked(Some(1)).is_some());
    }
}

#[test]
fn r49_a_batch_that_comes_again_counts_once() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1]);
    // Reporter, batch, and how many uses there are then.
    let rows = [
        (1, 1, 1),
        (1, 1, 1),
        (2, 1, 2),
        (1, 2, 3),
        (1, 1, 3),
        (2, 1, 3),
        (1, 3, 4),
    ];
    for (reporter, number, uses) in rows {
        let command = batch(reporter, number, vec![used(1, 1, WHEN)]);
        take(&mut ledger, WHEN, command);
        let found = today(&read(&mut ledger, WHEN, None, 1)).0;
        assert_eq!(found, uses, "{reporter} {number}");
        assert_eq!(
            sql.number("select uses from tokens"),
            i64::try_from(uses).expect("few")
        );
    }
}

#[test]
fn r49_uses_as_earlier_gateways_tell_them_are_allowed_calls() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1]);
    for counts in [true, false] {
        let query = AdmitQuery {
            counts,
            ..AdmitQuery::look(Id::from_u128(1))
        };
        ledger.admit(at(WHEN), query).expect("it lives");
    }
    let renewal = RenewCommand {
        claim: claim(9, None),
        uses: vec![(Id::from_u128(1), 2, at(WHEN + 1))],
    };
    ledger.renew(at(WHEN), &renewal).expect("a delta");
    assert_eq!(today(&read(&mut ledger, WHEN, Some(1), 1)).0, 3);
    assert_eq!(sql.number("select uses from tokens"), 3);
}

#[test]
fn r49_the_last_refused_calls_are_kept_and_no_more() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1, 2]);
    let many = i64::try_from(KEPT_REFUSALS).expect("few") + 10;
    for number in 0..many {
        let token = if number % 2 == 0 { 1 } else { 2 };
        let command = ActivityCommand {
            refused: vec![call(token, WHEN + number), call(9, WHEN)],
            ..batch(1, u64::try_from(number).expect("a number") + 1, Vec::new())
        };
        take(&mut ledger, WHEN, command);
        if number % 7 == 0 {
            ledger.wake(at(WHEN)).expect("a wake");
        }
    }
    let all = read(&mut ledger, WHEN, None, 1);
    let moments: Vec<i64> = all
        .recent
        .iter()
        .map(|call| call.at.as_millis() - WHEN)
        .collect();
    let newest: Vec<i64> = (10..many).rev().collect();
    assert!(moments.len() <= KEPT_REFUSALS);
    assert!(
        newest.starts_with(&moments[..100]),
        "newest first: {moments:?}"
    );
    assert!(
        all.recent.iter().all(|call| call.token != Id::from_u128(9)),
        "it is no token"
    );
    let one = read(&mut ledger, WHEN, Some(2), 1);
    let ids: Vec<TokenId> = one.recent.iter().map(|call| call.token).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == Id::from_u128(2)));
}

#[test]
fn r49_the_last_callers_of_a_token_are_kept() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1]);
    let caller = |agent: String, last: i64| CallerActivity {
        address: Some("192.0.2.7".to_owned()),
        user_agent: Some(agent),
        last_at: at(last),
        calls: 1,
    };
    let long = "x".repeat(MAX_USER_AGENT + 50);
    let many = i64::try_from(MAX_CALLERS).expect("few") + 2;
    for number in 0..many {
        let agent = if number == 0 {
            long.clone()
        } else {
            number.to_string()
        };
        // The first comes again, later than the others.
        let callers = vec![caller(agent, number), caller(long.clone(), 100 + number)];
        let told = TokenActivity {
            callers,
            ..used(1, 2, WHEN)
        };
        // On two days.
        let now = WHEN + (number % 2) * DAY_MS;
        let number = u64::try_from(number).expect("a number") + 1;
        take(&mut ledger, now, batch(1, number, vec![told]));
    }
    let callers = read(&mut ledger, WHEN + DAY_MS, Some(1), 2).callers;
    assert_eq!(callers.len(), MAX_CALLERS);
    let agents: Vec<_> = callers
        .iter()
        .map(|caller| caller.user_agent.clone().expect("one"))
        .collect();
    assert_eq!(agents[0].chars().count(), MAX_USER_AGENT, "cut, and last");
    assert_eq!(callers[0].calls, u64::try_from(many).expect("few") + 1);
    assert!(
        !agents.contains(&"1".to_owned()),
        "the oldest made room: {agents:?}"
    );
    assert!(
        read(&mut ledger, WHEN, None, 2).callers.is_empty(),
        "of no token in particular"
    );
}

#[test]
fn r49_days_are_kept_for_as_long_as_they_are_shown() {
    let sql = Sqlite::new();
    let mut ledger = with_tokens(&sql, [1]);
    let days = i64::from(MAX_DAYS) + 5;
    for day in 0..days {
        let number = u64::try_from(day).expect("a number") + 1;
        let now = WHEN + day * DAY_MS;
        take(
            &mut ledger,
            now,
            batch(1, number, vec![refused(1, &[("not_confined", 1)])]),
        );
        ledger.wake(at(now)).expect("a wake");
    }
    assert_eq!(
        sql.number("select count(distinct day) from activity_days"),
        i64::from(MAX_DAYS)
    );
    let all = read(&mut ledger, WHEN + (days - 1) * DAY_MS, None, 99);
    assert_eq!(all.days.len(), MAX_DAYS as usize);
    assert_eq!(all.most_refused, [(Id::from_u128(1), u64::from(MAX_DAYS))]);
}
