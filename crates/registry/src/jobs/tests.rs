//! Job tokens over the ports: when their issuer is asked, and what becomes of each.

use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::ports::NotFetched;
use crate::testing::issuer::{
    GITHUB, asked, claims, fails, jwk, publish, put, signed, token, with_ci,
};
use crate::testing::job_keys::Event;
use crate::testing::{World, config, now_or_never};
use postern_domain::trust::REFUSED;
use postern_gate::issuer_keys::{BETWEEN_FETCHES_MS, FRESH_MS, LONGEST_MS};
use postern_wire::job::{ClaimFault, TokenFault};

const DOCUMENT: &str = "/.well-known/openid-configuration";
const FETCHES: [&str; 2] = ["fetch /.well-known/openid-configuration", "fetch /keys"];

fn present(world: &World, token: &Secret) -> Result<VerifiedJob> {
    now_or_never(verify(token, &with_ci(), world))
}

/// A world in which GitHub has published one key.
fn world() -> World {
    let world = World::new();
    publish(&world, &[jwk("a", 1)]);
    world
}

fn later(world: &World, ms: i64) {
    world.now.set(world.now.get() + ms);
}

/// Why keys cannot be had.
fn unavailable(answer: Result<VerifiedJob>) -> String {
    match answer {
        Err(Error::Unavailable { cause }) => cause,
        other => panic!("unavailable, not {other:?}"),
    }
}

fn unknown_key() -> Result<VerifiedJob> {
    Err(refused(KeyFault::Unknown))
}

#[test]
fn an_issuer_is_asked_once_for_many_tokens() {
    let world = world();
    for n in 0..3 {
        let job = present(&world, &token(&world, "a", 1)).expect("a job");
        assert_eq!(job.job().issuer.url(), GITHUB);
        let expected = match n {
            0 => vec![FETCHES[0], FETCHES[1], "verify"],
            _ => vec!["verify"],
        };
        assert_eq!(asked(&world), expected);
        later(&world, FRESH_MS / 3);
    }
    // The set is old: an issuer that takes a key out is followed.
    publish(&world, &[jwk("b", 2)]);
    assert_eq!(present(&world, &token(&world, "a", 1)), unknown_key());
    assert_eq!(asked(&world), FETCHES);
}

#[test]
fn keys_that_nobody_knows_cost_a_fetch_a_minute() {
    let world = world();
    present(&world, &token(&world, "a", 1)).expect("a job");
    world.take_asked();
    let mut fetches = 0;
    for _ in 0..40 {
        later(&world, BETWEEN_FETCHES_MS / 10);
        assert_eq!(present(&world, &token(&world, "forged", 9)), unknown_key());
        let asked = asked(&world);
        assert!(asked.is_empty() || asked == FETCHES, "{asked:?}");
        fetches += asked.len() / 2;
    }
    assert_eq!(fetches, 4);
}

#[test]
fn a_new_key_is_found_after_a_minute_and_the_old_one_holds_meanwhile() {
    let world = world();
    present(&world, &token(&world, "a", 1)).expect("a job");
    publish(&world, &[jwk("a", 1), jwk("b", 2)]);
    assert_eq!(present(&world, &token(&world, "b", 2)), unknown_key());
    later(&world, BETWEEN_FETCHES_MS);
    assert!(present(&world, &token(&world, "a", 1)).is_ok());
    assert!(present(&world, &token(&world, "b", 2)).is_ok());
}

#[test]
fn an_issuer_that_is_down_is_believed_for_an_hour() {
    let world = world();
    present(&world, &token(&world, "a", 1)).expect("a job");
    fails(&world, DOCUMENT, NotFetched::Failed("no answer".to_owned()));
    later(&world, FRESH_MS);
    world.take_asked();
    assert!(present(&world, &token(&world, "a", 1)).is_ok());
    // It is written down, though the call succeeds.
    let cause = format!("the keys of github: {DOCUMENT}: no answer");
    let failed = format!("failed {cause}");
    assert_eq!(asked(&world), [FETCHES[0], &failed, "verify"]);
    // A key that the kept set lacks may be there by now.
    later(&world, BETWEEN_FETCHES_MS);
    let told = unavailable(present(&world, &token(&world, "b", 2)));
    assert_eq!(told.replace(GITHUB, ""), cause);
    later(&world, LONGEST_MS - FRESH_MS - BETWEEN_FETCHES_MS);
    let told = unavailable(present(&world, &token(&world, "a", 1)));
    assert_eq!(told.replace(GITHUB, ""), cause);
    // It is not asked again at once.
    world.take_asked();
    let told = unavailable(present(&world, &token(&world, "a", 1)));
    assert_eq!(told, "the keys of github: fetched in vain before");
    assert!(asked(&world).is_empty());
    publish(&world, &[jwk("a", 1)]);
    later(&world, BETWEEN_FETCHES_MS);
    assert!(present(&world, &token(&world, "a", 1)).is_ok());
}

#[test]
fn documents_that_are_none_bring_no_keys() {
    let document = |keys: &str| json!({"issuer": GITHUB, "jwks_uri": keys}).to_string();
    type Change = Box<dyn Fn(&World)>;
    let with = |path: &'static str, text: String| -> Change {
        Box::new(move |world| put(world, path, text.clone()))
    };
    let rows: Vec<(Change, &str)> = vec![
        (
            Box::new(|world| fails(world, DOCUMENT, NotFetched::Status(302))),
            "it answered with status 302",
        ),
        (
            Box::new(|world| fails(world, "/keys", NotFetched::Status(500))),
            "/keys: it answered with status 500",
        ),
        (
            with(DOCUMENT, " ".repeat(MAX_DISCOVERY + 1)),
            "more than 65536 bytes",
        ),
        (
            with("/keys", " ".repeat(MAX_KEY_SET + 1)),
            "/keys: more than 65536 bytes",
        ),
        (
            with(DOCUMENT, "<html>".to_owned()),
            "the discovery document is not JSON",
        ),
        (
            with(
                DOCUMENT,
                json!({"issuer": "https://evil.example"}).to_string(),
            ),
            "the discovery document is of another issuer",
        ),
        (
            with(DOCUMENT, document("http://127.0.0.1/keys")),
            "`jwks_uri` of the discovery document is no https URL",
        ),
        (
            with(DOCUMENT, document("https://nobody.example/keys")),
            "nobody is there",
        ),
        (
            with("/keys", "{}".to_owned()),
            "the key set has no list `keys`",
        ),
        (
            with("/keys", r#"{"keys":[]}"#.to_owned()),
            "has no key that can be used",
        ),
    ];
    for (change, expected) in rows {
        let world = world();
        change(&world);
        let told = unavailable(present(&world, &token(&world, "a", 1)));
        assert!(told.starts_with("the keys of github: https://"), "{told}");
        assert!(told.ends_with(expected), "{told}, not {expected}");
        // One fetch, and none more within a minute.
        world.take_asked();
        publish(&world, &[jwk("a", 1)]);
        unavailable(present(&world, &token(&world, "a", 1)));
        assert!(asked(&world).is_empty());
    }
}

#[test]
fn what_is_wrong_with_a_token_is_for_the_log_alone() {
    let world = world();
    let header = json!({"alg": "EdDSA", "kid": "a"});
    let with = |name: &str, value: Value| {
        let mut claims = claims(&world);
        claims[name] = value;
        signed(&header, &claims, 1)
    };
    let rs256 = signed(&json!({"alg": "RS256", "kid": "a"}), &claims(&world), 1);
    let (message, _) = rs256.expose().rsplit_once('.').expect("three parts");
    let as_rsa = Secret::new(format!("{message}.{}", "AQAB".repeat(128)));
    let past = world.now.get() / 1000;
    let rows: Vec<(Secret, JobRefusal, &[&str])> = vec![
        (
            Secret::new("no token".to_owned()),
            TokenFault::Parts.into(),
            &[],
        ),
        // Nobody is asked about a stranger.
        (
            with("iss", json!("https://evil.example")),
            JobRefusal::UnknownIssuer,
            &[],
        ),
        (as_rsa, KeyFault::OtherAlgorithm.into(), &FETCHES),
        (token(&world, "a", 2), JobRefusal::Signature, &["verify"]),
        (
            with("aud", json!("https://other.example/acme")),
            ClaimFault::Audience.into(),
            &["verify"],
        ),
        (
            with("exp", json!(past)),
            ClaimFault::Expired.into(),
            &["verify"],
        ),
    ];
    for (token, why, questions) in rows {
        let error = present(&world, &token).expect_err("refused");
        assert_eq!(error, Error::JobToken(JobFault::Token(why)));
        assert_eq!(
            (error.code(), error.public()),
            ("job_token_refused", REFUSED.to_owned())
        );
        assert_eq!(error.private(), why.to_string());
        assert_eq!(asked(&world), questions, "{why}");
    }
}

#[test]
fn without_issuers_nothing_is_looked_at() {
    let world = world();
    let off: Config = config();
    let answer = now_or_never(verify(&token(&world, "a", 1), &off, &world));
    assert_eq!(answer, Err(Error::JobToken(JobFault::Off)));
    assert!(asked(&world).is_empty());
}

/// Another call's fetch, that has begun and not ended.
fn begun_elsewhere(world: &World) -> Ticket {
    let (config, now) = (with_ci(), world.now());
    let ci = config.ci.expect("issuers");
    let issuer = ci.issuers.of_url(GITHUB).expect("known");
    let mut gate = world.gate.borrow_mut();
    match gate.memory.issuer_keys.look(issuer, "a", now) {
        KeysNow::Fetch(ticket) => ticket,
        other => panic!("a fetch, not {other:?}"),
    }
}

#[test]
fn calls_at_once_share_a_fetch() {
    let world = world();
    let ticket = begun_elsewhere(&world);
    let nothing = |_: &World| {};
    let fetched = move |world: &World| {
        let set = json!({"keys": [jwk("a", 1)]}).to_string();
        let keys = KeySet::parse(ticket.issuer(), set.as_bytes()).expect("a key set");
        world
            .gate
            .borrow_mut()
            .memory
            .issuer_keys
            .fetched(ticket, keys);
    };
    let meanwhile: [Event; 2] = [Box::new(nothing), Box::new(fetched)];
    world.published.meanwhile.borrow_mut().extend(meanwhile);
    let begun = world.now.get();
    assert!(present(&world, &token(&world, "a", 1)).is_ok());
    assert_eq!(asked(&world), ["verify"]);
    assert_eq!(world.now.get(), begun + 2 * i64::from(LOOK_EVERY_MS));
}

#[test]
fn a_fetch_that_fails_elsewhere_or_never_ends_holds_nobody_up_for_long() {
    let failing = world();
    let ticket = begun_elsewhere(&failing);
    let fails: Event = Box::new(move |_| ticket.failed());
    failing.published.meanwhile.borrow_mut().push(fails);
    unavailable(present(&failing, &token(&failing, "a", 1)));
    assert!(asked(&failing).is_empty());

    let lost = world();
    let _never_ends = begun_elsewhere(&lost);
    let begun = lost.now.get();
    assert!(present(&lost, &token(&lost, "a", 1)).is_ok());
    assert_eq!(asked(&lost), [FETCHES[0], FETCHES[1], "verify"]);
    assert_eq!(lost.now.get(), begun + LONGEST_FETCH_MS);
}
