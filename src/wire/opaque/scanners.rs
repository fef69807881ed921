//! The rules for secret scanners against the grammar: one regular expression, in every file that
//! we give to others, that finds our keys and no near miss.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::*;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn key(id: u128, byte: u8) -> String {
    let ring = KeyRing::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a key");
    let keys = RootKeys::from_token_keys(&ring);
    mint(TokenId::from_u128(id), &[byte; MINT_ENTROPY], &keys)
        .expect("enough entropy")
        .expose()
        .to_owned()
}

#[test]
fn every_rule_carries_the_one_expression() {
    for name in [
        "API.md",
        "scanners/gitleaks.toml",
        "scanners/postern_detect_secrets.py",
    ] {
        assert!(file(name).contains(SCANNER_REGEX), "docs/{name}");
    }
}

#[test]
fn our_keys_are_found_in_the_text_around_them() {
    let regex = Regex::new(SCANNER_REGEX).expect("a regular expression");
    for (id, byte) in [(0, 0), (1, 7), (u128::MAX, 247), (42, 100)] {
        let key = key(id, byte);
        for text in [
            key.clone(),
            format!("TOKEN={key}\n"),
            format!("\"{key}\","),
            format!("https://x:{key}@host/"),
            format!("Authorization: Bearer {key} "),
        ] {
            assert_eq!(
                regex.find(&text).map(|found| found.as_str()),
                Some(&*key),
                "{text}"
            );
        }
    }
}

#[test]
fn near_misses_are_not_found() {
    let regex = Regex::new(SCANNER_REGEX).expect("a regular expression");
    let key = key(42, 7);
    let (head, tail) = key.split_at(26);
    let rows = [
        key.replacen("pst_", "pts_", 1),
        key.replacen("pst_", "PST_", 1),
        key.replacen("pst_", "pst-", 1),
        format!("x{key}"),
        format!("{key}x"),
        format!("{head}x{tail}"),
        format!("{head}-{}", tail.trim_start_matches('_')),
        key.chars().take(74).collect(),
        key.replacen('7', "+", 1),
        "pst_example".to_owned(),
    ];
    for text in rows {
        assert!(!regex.is_match(&text), "{text}");
    }
}
