//! The rules for secret scanners against the grammar: one regular expression in every published
//! file, which finds our keys and no near miss.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::*;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
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
fn our_keys_are_found_whatever_stands_around_them() {
    let regex = Regex::new(SCANNER_REGEX).expect("a regular expression");
    let around = [
        "",
        " ",
        "\n",
        "\"",
        "=",
        ":",
        "@",
        ",",
        "Bearer ",
        "https://x:",
        "\\n",
        "\\t",
        "\\u003d",
        "\\x3d",
        "%20",
        "%3D",
        "=3D",
        "\u{1b}[32m",
        "\u{1b}[0m",
        "TOKEN_",
        "x",
        "9",
        "_",
        "-",
        "\u{e9}",
    ];
    for (id, byte) in [(0, 0), (1, 7), (u128::MAX, 247), (42, 100)] {
        let key = key(id, byte);
        for before in around {
            for behind in around {
                let text = format!("a {before}{key}{behind} b");
                let found = regex.find(&text).map(|found| found.as_str());
                assert_eq!(found, Some(&*key), "{text}");
            }
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

/// What the plugin for detect-secrets computes is the checksum that keys have.
#[test]
fn a_whole_key_is_told_from_a_look_alike() {
    let key = key(42, 7);
    assert_eq!(check_form(&key), Ok(TokenId::from_u128(42)));
    let mistyped = key.replacen("77", "78", 1);
    assert_eq!(check_form(&mistyped), Err(OpaqueError::Checksum));
    for text in [
        key.trim_start_matches('p'),
        &format!("{key}x"),
        &key.replacen('7', "-", 1),
    ] {
        assert_eq!(check_form(text), Err(OpaqueError::Malformed), "{text}");
    }
}
