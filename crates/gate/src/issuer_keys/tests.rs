//! When key sets are fetched, which ones are kept, and for how long they count.

use super::*;
use postern_domain::trust::Loopback;

fn issuer(text: &str) -> Issuer {
    Issuer::parse(text, Loopback::Refused).expect("an issuer")
}

/// The keys of an issuer: Ed25519, each with a name.
fn keys(issuer: &Issuer, kids: &[&str]) -> KeySet {
    let key = |kid: &&str| {
        let x = "A".repeat(43);
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
    };
    let keys: Vec<String> = kids.iter().map(key).collect();
    let text = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    KeySet::parse(issuer, text.as_bytes()).expect("a key set")
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(10_000_000 + ms)
}

/// Whether keys are used, and if so, whether this one is among them.
fn used(now: &KeysNow, kid: &str) -> Option<bool> {
    match now {
        KeysNow::Use(keys) => Some(keys.find(kid).is_some()),
        KeysNow::Fetch(_) | KeysNow::Wait | KeysNow::Unavailable => None,
    }
}

fn unavailable(now: &KeysNow) -> bool {
    matches!(now, KeysNow::Unavailable)
}

fn waits(now: &KeysNow) -> bool {
    matches!(now, KeysNow::Wait)
}

/// The ticket of an answer that says to fetch.
fn ticket(now: KeysNow) -> Ticket {
    match now {
        KeysNow::Fetch(ticket) => ticket,
        KeysNow::Use(_) | KeysNow::Wait | KeysNow::Unavailable => panic!("a fetch, not {now:?}"),
    }
}

#[test]
fn keys_are_fetched_once_and_then_used() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let first = ticket(kept.look(&github, "a", at(0)));
    assert_eq!(first.issuer(), &github);
    // Another call, while the first one fetches.
    assert!(waits(&kept.look(&github, "a", at(1))));
    kept.fetched(first, keys(&github, &["a"]));
    for ms in [2, 1_000, FRESH_MS - 1] {
        let now = kept.look(&github, "a", at(ms));
        assert_eq!(used(&now, "a"), Some(true), "{ms}");
    }
    // An issuer that takes a key out is followed.
    let second = ticket(kept.look(&github, "a", at(FRESH_MS)));
    kept.fetched(second, keys(&github, &["b"]));
    let after = kept.look(&github, "a", at(FRESH_MS + 1));
    assert_eq!(used(&after, "a"), Some(false));
}

#[test]
fn unknown_keys_cause_one_fetch_a_minute() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let first = ticket(kept.look(&github, "a", at(0)));
    kept.fetched(first, keys(&github, &["a"]));
    let mut fetches = 0;
    for ms in (1..=5 * BETWEEN_FETCHES_MS).step_by(500) {
        match kept.look(&github, &format!("forged-{ms}"), at(ms)) {
            KeysNow::Fetch(ticket) => {
                fetches += 1;
                kept.fetched(ticket, keys(&github, &["a"]));
            }
            KeysNow::Use(keys) => assert!(keys.find("a").is_some()),
            KeysNow::Wait | KeysNow::Unavailable => panic!("the keys are there"),
        }
    }
    assert_eq!(fetches, 4);
    // Real tokens are not disturbed.
    let real = kept.look(&github, "a", at(5 * BETWEEN_FETCHES_MS));
    assert_eq!(used(&real, "a"), Some(true));
}

#[test]
fn an_issuer_that_is_down_is_believed_for_an_hour() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let first = ticket(kept.look(&github, "a", at(0)));
    kept.fetched(first, keys(&github, &["a"]));
    // Each fetch fails.
    ticket(kept.look(&github, "a", at(FRESH_MS))).failed();
    let now = kept.look(&github, "a", at(FRESH_MS + 1));
    assert_eq!(used(&now, "a"), Some(true));
    let late = LONGEST_MS - 1;
    ticket(kept.look(&github, "a", at(late))).failed();
    assert_eq!(used(&kept.look(&github, "a", at(late)), "a"), Some(true));
    assert!(unavailable(&kept.look(&github, "a", at(LONGEST_MS))));
    let again = late + BETWEEN_FETCHES_MS;
    assert!(unavailable(&kept.look(&github, "a", at(again - 1))));
    ticket(kept.look(&github, "a", at(again))).failed();
    assert!(unavailable(&kept.look(&github, "a", at(again))));
}

#[test]
fn a_fetch_that_was_given_up_holds_nobody_up_for_long() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let given_up = ticket(kept.look(&github, "a", at(0)));
    // While it runs, nobody else fetches.
    assert!(waits(&kept.look(&github, "a", at(AFTER_DROPPED_MS))));
    drop(given_up);
    let early = AFTER_DROPPED_MS - 1;
    assert!(unavailable(&kept.look(&github, "a", at(early))));
    let next = ticket(kept.look(&github, "a", at(AFTER_DROPPED_MS)));
    kept.fetched(next, keys(&github, &["a"]));
    let now = kept.look(&github, "a", at(AFTER_DROPPED_MS));
    assert_eq!(used(&now, "a"), Some(true));
}

#[test]
fn calls_at_once_wait_for_the_one_that_fetches() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let first = ticket(kept.look(&github, "a", at(0)));
    kept.fetched(first, keys(&github, &["a"]));
    // The issuer has a new key, and two tokens that it signed come at once.
    let second = ticket(kept.look(&github, "b", at(BETWEEN_FETCHES_MS)));
    assert!(waits(&kept.look(&github, "b", at(BETWEEN_FETCHES_MS))));
    let old = kept.look(&github, "a", at(BETWEEN_FETCHES_MS));
    assert_eq!(used(&old, "a"), Some(true));
    kept.fetched(second, keys(&github, &["b"]));
    let now = kept.look(&github, "b", at(BETWEEN_FETCHES_MS + 1));
    assert_eq!(used(&now, "b"), Some(true));
    // One that brings nothing has the key refused, and is waited for no longer.
    let third = ticket(kept.look(&github, "c", at(2 * BETWEEN_FETCHES_MS)));
    third.failed();
    let now = kept.look(&github, "c", at(2 * BETWEEN_FETCHES_MS));
    assert_eq!(used(&now, "c"), Some(false));
}

#[test]
fn a_fetch_that_never_ends_is_waited_for_no_longer_than_one_can_take() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let lost = ticket(kept.look(&github, "a", at(0)));
    let late = at(LONGEST_FETCH_MS - 1);
    assert!(waits(&kept.look(&github, "a", late)));
    let next = ticket(kept.look(&github, "a", at(LONGEST_FETCH_MS)));
    kept.fetched(next, keys(&github, &["a"]));
    // Its answer comes after all, and is older.
    kept.fetched(lost, keys(&github, &["b"]));
    let now = kept.look(&github, "a", at(LONGEST_FETCH_MS));
    assert_eq!(used(&now, "a"), Some(true));
}

#[test]
fn an_older_answer_does_not_take_the_place_of_a_newer_one() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let slow = ticket(kept.look(&github, "a", at(0)));
    let fast = ticket(kept.look(&github, "a", at(BETWEEN_FETCHES_MS)));
    kept.fetched(fast, keys(&github, &["new"]));
    // What the issuer said a minute before, with the key that it has taken out.
    kept.fetched(slow, keys(&github, &["taken-out"]));
    let now = kept.look(&github, "taken-out", at(BETWEEN_FETCHES_MS + 1));
    assert_eq!(used(&now, "taken-out"), Some(false));
    assert_eq!(used(&now, "new"), Some(true));
    // A set is as old as its fetch, however late it came.
    let (mut kept, late) = (IssuerKeys::default(), FRESH_MS - 1);
    let slow = ticket(kept.look(&github, "a", at(0)));
    kept.fetched(slow, keys(&github, &["a"]));
    assert_eq!(used(&kept.look(&github, "a", at(late)), "a"), Some(true));
    ticket(kept.look(&github, "a", at(FRESH_MS))).failed();
}

#[test]
fn a_set_that_is_of_no_use_is_a_failed_fetch() {
    let github = issuer("github");
    for useless in [keys(&github, &[]), keys(&issuer("gitlab"), &["b"])] {
        let mut kept = IssuerKeys::default();
        let first = ticket(kept.look(&github, "a", at(0)));
        kept.fetched(first, keys(&github, &["a"]));
        let next = ticket(kept.look(&github, "a", at(FRESH_MS)));
        kept.fetched(next, useless);
        let now = kept.look(&github, "a", at(FRESH_MS + 1));
        assert_eq!(used(&now, "a"), Some(true));
        // It has a result, so the next fetch is a minute away.
        let soon = kept.look(&github, "a", at(FRESH_MS + AFTER_DROPPED_MS));
        assert_eq!(used(&soon, "a"), Some(true));
    }
}

#[test]
fn a_clock_that_went_back_makes_keys_no_younger() {
    let (mut kept, github) = (IssuerKeys::default(), issuer("github"));
    let first = ticket(kept.look(&github, "a", at(0)));
    kept.fetched(first, keys(&github, &["a"]));
    // A call that began before the keys were there, and still sees that time.
    let before = kept.look(&github, "a", at(-BETWEEN_FETCHES_MS));
    assert_eq!(used(&before, "a"), Some(true));
    let back = at(-BETWEEN_FETCHES_MS - 1);
    let second = ticket(kept.look(&github, "a", back));
    assert!(waits(&kept.look(&github, "a", back)));
    // What is fetched now takes the place of what has a later time.
    kept.fetched(second, keys(&github, &["b"]));
    assert_eq!(used(&kept.look(&github, "b", back), "b"), Some(true));
}

#[test]
fn each_issuer_has_its_own_keys() {
    let mut kept = IssuerKeys::default();
    let all: Vec<Issuer> = (0..=MAX_ISSUERS)
        .map(|n| issuer(&format!("https://ci{n}.example")))
        .collect();
    for (n, one) in all.iter().enumerate() {
        match kept.look(one, "a", at(0)) {
            KeysNow::Fetch(ticket) if n < MAX_ISSUERS => {
                kept.fetched(ticket, keys(one, &[&format!("k{n}")]));
            }
            KeysNow::Unavailable if n == MAX_ISSUERS => {}
            other => panic!("{one}: {other:?}"),
        }
    }
    for (n, one) in all.iter().take(MAX_ISSUERS).enumerate() {
        let kid = format!("k{n}");
        assert_eq!(used(&kept.look(one, &kid, at(1)), &kid), Some(true));
        let KeysNow::Use(keys) = kept.look(one, "other", at(1)) else {
            panic!("used")
        };
        assert_eq!(keys.issuer(), one);
    }
}
