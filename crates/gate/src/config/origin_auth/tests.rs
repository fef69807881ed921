//! The variables about the origin as rows.

use super::*;

type Variables<'v> = &'v [(&'v str, &'v str)];

const SEED: &str = "a1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn read_all(origin: &str, variables: Variables<'_>) -> Result<Option<Assertions>, Vec<String>> {
    let mut problems = Vec::new();
    let text = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let (_, read) = read(text, origin, &mut problems);
    if problems.is_empty() {
        Ok(read)
    } else {
        Err(problems)
    }
}

#[test]
fn the_mode_decides_whether_keys_sign_or_are_only_published() {
    let rows: [(Variables<'_>, Option<bool>); 4] = [
        (&[], None),
        (&[("ORIGIN_AUTH", "passthrough")], None),
        (&[("ASSERTION_KEYS", SEED)], Some(false)),
        (
            &[("ASSERTION_KEYS", SEED), ("ORIGIN_AUTH", "assertion")],
            Some(true),
        ),
    ];
    for (variables, expected) in rows {
        let read = read_all("http://o", variables).expect("a good configuration");
        assert_eq!(read.map(|read| read.sent), expected, "{variables:?}");
    }
}

#[test]
fn r42_the_third_mode_sends_a_stored_credential_and_no_assertion() {
    let rows = [
        (None, OriginAuth::Passthrough),
        (Some("passthrough"), OriginAuth::Passthrough),
        (Some("assertion"), OriginAuth::Assertion),
        (Some("upstream"), OriginAuth::Upstream),
    ];
    for (value, expected) in rows {
        let text = |name: &str| match name {
            "ORIGIN_AUTH" => value.map(str::to_owned),
            "ASSERTION_KEYS" => Some(SEED.to_owned()),
            _ => None,
        };
        let (auth, assertions) = read(text, "http://o", &mut Vec::new());
        assert_eq!(auth, expected);
        let sent = assertions.expect("keys").sent;
        assert_eq!(sent, expected == OriginAuth::Assertion, "{value:?}");
    }
}

#[test]
fn the_audience_is_the_origin_of_the_url_unless_it_is_named() {
    let rows = [
        ("https://Origin.Example/base/path", "https://origin.example"),
        ("https://origin.example:443", "https://origin.example"),
        ("http://origin.example:443", "http://origin.example:443"),
        ("http://[::1]:80/x", "http://[::1]"),
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
    ];
    for (url, expected) in rows {
        let read = read_all(url, &[("ASSERTION_KEYS", SEED)]).expect("good");
        assert_eq!(read.expect("keys").audience, expected, "{url}");
    }
    let named = [("ASSERTION_KEYS", SEED), ("ASSERTION_AUDIENCE", "attest")];
    let read = read_all("http://o", &named).expect("good").expect("keys");
    assert_eq!(read.audience, "attest");
    assert_eq!(read.lifetime_seconds, 30);
}

#[test]
fn signatures_go_by_the_name_that_is_asked_for() {
    for (variables, expected) in [
        (&[("ASSERTION_KEYS", SEED)][..], "EdDSA"),
        (
            &[("ASSERTION_KEYS", SEED), ("ASSERTION_ALG", "EdDSA")],
            "EdDSA",
        ),
        (
            &[("ASSERTION_KEYS", SEED), ("ASSERTION_ALG", "Ed25519")],
            "Ed25519",
        ),
    ] {
        let read = read_all("http://o", variables)
            .expect("good")
            .expect("keys");
        let set = serde_json::to_value(read.keys.published()).expect("JSON");
        assert_eq!(set["keys"][0]["alg"], expected, "{variables:?}");
    }
}

#[test]
fn every_wrong_value_is_told_at_once() {
    let long = "x".repeat(MAX_AUDIENCE + 1);
    let problems = read_all(
        "http://o",
        &[
            ("ORIGIN_AUTH", "assertion"),
            ("ASSERTION_AUDIENCE", &long),
            ("ASSERTION_SECONDS", "61"),
        ],
    )
    .expect_err("three problems");
    let starts = [
        "ASSERTION_KEYS is not set: ORIGIN_AUTH `assertion` needs",
        "ASSERTION_AUDIENCE must be at most 256",
        "ASSERTION_SECONDS must be a whole number from 1 to 60",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}");
    }
    let seed = format!("{SEED}AAAA");
    let rows = [
        (
            "ORIGIN_AUTH",
            "both",
            "ORIGIN_AUTH must be `passthrough`, `assertion` or",
        ),
        (
            "ASSERTION_KEYS",
            "a1:AAAA",
            "ASSERTION_KEYS: entry 1: the key is shorter",
        ),
        (
            "ASSERTION_KEYS",
            &seed,
            "ASSERTION_KEYS: entry 1: the seed is not 32",
        ),
        (
            "ASSERTION_AUDIENCE",
            "a b",
            "ASSERTION_AUDIENCE must be at most",
        ),
        ("ASSERTION_SECONDS", "0", "ASSERTION_SECONDS must be"),
        ("ASSERTION_ALG", "eddsa", "ASSERTION_ALG must be `EdDSA` or"),
        ("ASSERTION_ALG", "Ed448", "ASSERTION_ALG must be `EdDSA` or"),
    ];
    for (name, value, start) in rows {
        let problems = read_all("http://o", &[(name, value)]).expect_err(name);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(start), "{problems:?}");
        assert!(!problems[0].contains(&seed), "the problem shows the seed");
    }
}
