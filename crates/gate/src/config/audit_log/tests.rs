//! What is read of the variables of the public audit log, and what is wrong with them.

use super::*;
use crate::config::Config;
use postern_transparency::key::SigningKey;

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const OTHER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

fn config(changed: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let keys = [
        ("ORIGIN_URL", "https://origin.example".to_owned()),
        ("TOKEN_KEYS", format!("k1:{KEY}")),
    ];
    Config::read(|name| {
        let set = changed.iter().find(|(key, _)| *key == name);
        let set = set.map(|(_, value)| (*value).to_owned());
        set.or_else(|| {
            let own = keys.iter().find(|(key, _)| *key == name);
            own.map(|(_, value)| value.clone())
        })
    })
}

fn cosigner(name: &str, kind: Kind) -> String {
    let key = SigningKey::new(name, kind, &[3; 32]).expect("a name");
    format!("{} https://{name}/", key.verifier())
}

#[test]
fn r54_keys_names_and_witnesses_are_read() {
    assert!(config(&[]).expect("good").audit_log.is_none());
    let keys = format!("a2:{OTHER},a1:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI");
    let two = [
        cosigner("w1.example", Kind::Cosignature),
        cosigner("w2.example", Kind::Cosignature),
    ];
    let read = config(&[
        ("AUDIT_KEYS", &keys),
        ("AUDIT_LOG_NAME", "gateway.example"),
        ("WITNESSES", &two.join(",\n")),
    ]);
    let log = read.expect("good").audit_log.expect("keys");
    assert_eq!(log.keys.origin("o"), "gateway.example/audit/o");
    assert_eq!(log.keys.verifiers("o").map(|all| all.len()), Ok(2));
    let urls: Vec<&str> = log.witnesses.iter().map(|one| one.url.as_str()).collect();
    assert_eq!(urls, ["https://w1.example", "https://w2.example"]);
}

#[test]
fn r54_what_is_wrong_is_said() {
    let own = format!("a1:{OTHER}");
    let (name, keys) = (("AUDIT_LOG_NAME", "gateway.example"), ("AUDIT_KEYS", &*own));
    let good = cosigner("w1.example", Kind::Cosignature);
    let plain = cosigner("w1.example", Kind::Ed25519);
    let many: Vec<String> = (0..9)
        .map(|number| cosigner(&format!("w{number}.example"), Kind::Cosignature))
        .collect();
    let (twice, many) = (format!("{good},{good}"), many.join(","));
    let short = format!("a1:{}", "A".repeat(44));
    let used = format!("a1:{KEY}");
    let rows: [(&[(&str, &str)], &str); 11] = [
        (&[keys], "AUDIT_LOG_NAME is not set"),
        (
            &[keys, ("AUDIT_LOG_NAME", "A b")],
            "AUDIT_LOG_NAME must be a host name",
        ),
        (&[name, ("AUDIT_KEYS", &short)], "AUDIT_KEYS: entry 1"),
        (
            &[name, ("AUDIT_KEYS", &used)],
            "AUDIT_KEYS: the key `k1` of TOKEN_KEYS",
        ),
        (
            &[name, keys, ("ASSERTION_KEYS", &own)],
            "AUDIT_KEYS: the key `a1` of ASSERTION_KEYS",
        ),
        (&[("WITNESSES", &good)], "AUDIT_KEYS is not set"),
        (
            &[name, keys, ("WITNESSES", "w1.example")],
            "WITNESSES: entry 1: give its",
        ),
        (
            &[name, keys, ("WITNESSES", &plain)],
            "WITNESSES: entry 1: its key is no cosigner",
        ),
        (
            &[name, keys, ("WITNESSES", &twice)],
            "WITNESSES: entry 2: its name",
        ),
        (
            &[name, keys, ("WITNESSES", &many)],
            "WITNESSES must be at most 8",
        ),
        (
            &[name, keys, ("WITNESSES", &good.replace("https", "ftp"))],
            "WITNESSES: entry 1: its URL must begin",
        ),
    ];
    for (changed, expected) in rows {
        let problems = config(changed).expect_err(expected);
        let [problem] = problems.as_slice() else {
            panic!("{expected}: {problems:?}");
        };
        assert!(problem.starts_with(expected), "{problem}");
        assert!(!problem.contains(OTHER), "{problem}");
    }
}
