//! Configurations as rows.

use super::*;

const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const ADMIN: &str = "0123456789abcdef0123456789abcdef";

fn read(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    Config::read(|name| {
        variables
            .iter()
            .rev()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

fn good_and(name: &str, value: &str) -> Result<Config, Vec<String>> {
    read(&[
        ("ORIGIN_URL", "http://127.0.0.1:9090/"),
        ("TOKEN_KEYS", KEY),
        ("ADMIN_TOKEN", ADMIN),
        (name, value),
    ])
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = good_and("", "").expect("a good configuration");
    assert_eq!(config.origin_url, "http://127.0.0.1:9090");
    assert_eq!(config.mint_rate.limit(), 10);
    assert_eq!(config.mint_ceiling, 100);
    assert_eq!(config.trusted_ip_header, "cf-connecting-ip");
    assert_eq!(config.jwt_leeway_seconds, 0);
    assert_eq!(config.origin_timeout_ms, 30_000);
    assert!(config.unheeded.is_empty());
}

#[test]
fn all_problems_are_reported_at_once() {
    let problems = read(&[("ADMIN_TOKEN", "short"), ("MINT_PER_HOUR", "0")]).expect_err("wrong");
    let starts = ["ORIGIN_URL", "ADMIN_TOKEN", "TOKEN_KEYS", "MINT_PER_HOUR"];
    assert_eq!(problems.len(), starts.len(), "{problems:?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn every_wrong_value_is_named() {
    let rows = [
        ("ORIGIN_URL", "ftp://x", "ORIGIN_URL must begin"),
        ("ORIGIN_URL", "http://", "ORIGIN_URL has no host"),
        ("ORIGIN_URL", "http://u@x", "ORIGIN_URL must have neither"),
        ("ORIGIN_URL", "http://x?y", "ORIGIN_URL must have neither"),
        (
            "ADMIN_TOKEN",
            "0123456789abcdef0123456789abcde",
            "ADMIN_TOKEN is shorter",
        ),
        (
            "ADMIN_TOKEN",
            "0123456789 abcdef 0123456789 abcdef",
            "ADMIN_TOKEN has characters",
        ),
        (
            "ADMIN_TOKEN",
            "pst_456789abcdef0123456789abcdef0123",
            "ADMIN_TOKEN must not begin",
        ),
        ("TOKEN_KEYS", "k1:AAAA", "TOKEN_KEYS: entry 1"),
        ("ROOT_KEYS", "k1", "ROOT_KEYS: entry 1"),
        ("MINT_PER_HOUR", "ten", "MINT_PER_HOUR must be"),
        (
            "ORG_TOKEN_MINT_CEILING",
            "-1",
            "ORG_TOKEN_MINT_CEILING must be",
        ),
        (
            "REVOCATION_BOUND_SECONDS",
            "x",
            "REVOCATION_BOUND_SECONDS must be",
        ),
        ("JWT_LEEWAY_SECONDS", "61", "JWT_LEEWAY_SECONDS must be"),
        (
            "ORIGIN_TIMEOUT_SECONDS",
            "0",
            "ORIGIN_TIMEOUT_SECONDS must be",
        ),
        ("TRUSTED_IP_HEADER", "a b", "TRUSTED_IP_HEADER is not"),
        ("ORIGIN_AUTH", "both", "ORIGIN_AUTH must be"),
        ("ASSERTION_KEYS", "a1", "ASSERTION_KEYS: entry 1"),
        ("BOOTSTRAP", "open", "BOOTSTRAP must be"),
    ];
    for (name, value, expected) in rows {
        let problems = good_and(name, value).expect_err(name);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(expected), "{problems:?}");
        assert!(
            !problems[0].contains(value) || value.len() < 4,
            "{problems:?} quotes the value"
        );
    }
}

#[test]
fn what_is_not_heeded_yet_is_said() {
    let config = good_and("REVOCATION_BOUND_SECONDS", "5").expect("accepted");
    assert_eq!(config.unheeded.len(), 1);
    let config = good_and("SESSION_VERIFY_URL", "http://x").expect("accepted");
    assert_eq!(config.unheeded, ["SESSION_VERIFY_URL"]);
}

#[test]
fn the_administrator_key_is_compared_as_a_whole_and_never_shown() {
    let admin = good_and("", "").expect("good").admin.expect("set");
    assert!(admin.matches(ADMIN));
    assert!(!admin.matches(ADMIN.trim_start_matches('0')));
    assert!(!admin.matches(""));
    assert_eq!(format!("{admin:?}"), "AdminKey");
    let piped = good_and("ADMIN_TOKEN", &format!("{ADMIN}\n")).expect("good");
    assert!(piped.admin.expect("set").matches(ADMIN));
    let config = good_and("ADMIN_TOKEN", "").expect("optional");
    assert!(config.admin.is_none());
}
