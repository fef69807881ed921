//! What a text is read as: words, ids, beginnings of ids, and secrets wherever they stand.

use super::*;
use crate::tokens::secrets::{SecretText, secrets_in};
use postern_domain::id::Id;
use postern_domain::token::base62_id;

const UUID: &str = "1613acff-0000-4000-8000-00000000000a";

fn parsed(text: &str) -> core::result::Result<(FoundBy, Vec<String>, usize), &'static str> {
    Search::parse(text, "q")
        .map(|search| (search.found_by(), search.words.clone(), search.ids.len()))
        .map_err(|error| error.code())
}

#[test]
fn r48_words_ids_and_beginnings_are_told_apart() {
    let words =
        |all: &[&str], by, ids| Ok((by, all.iter().map(|word| (*word).to_owned()).collect(), ids));
    let upper = UUID.to_uppercase();
    let (quoted, bare) = (format!("\"{UUID}\","), UUID.replace('-', ""));
    let within = format!("token={UUID};");
    let short = Err("search_invalid");
    let rows = [
        ("Release  ci", words(&["ci", "release"], FoundBy::Words, 0)),
        ("ci ci CI", words(&["ci"], FoundBy::Words, 0)),
        (
            "nightly-build_2.1",
            words(&["1", "2", "build", "nightly"], FoundBy::Words, 0),
        ),
        ("it's", words(&["it", "s"], FoundBy::Words, 0)),
        ("Bär\u{a0}x", words(&["bär\u{a0}x"], FoundBy::Words, 0)),
        ("1613acff", words(&["1613acff"], FoundBy::Words, 0)),
        (UUID, words(&[], FoundBy::Id, 1)),
        (&upper, words(&[], FoundBy::Id, 1)),
        ("pst_1613acTH", words(&[], FoundBy::Prefix, 1)),
        ("pst_1613acTH…", words(&[], FoundBy::Prefix, 1)),
        ("pst_1613acTH...", words(&[], FoundBy::Prefix, 1)),
        (
            "pst_000000000000000000000g_",
            words(&[], FoundBy::Prefix, 1),
        ),
        ("jwt_1613ACFF", words(&[], FoundBy::Prefix, 1)),
        ("jwt_1613acff-00", words(&[], FoundBy::Prefix, 1)),
        ("pst_1613 ci", words(&["ci"], FoundBy::Prefix, 1)),
        // As sentences and logs have them.
        ("\"pst_1613acTH\",", words(&[], FoundBy::Prefix, 1)),
        ("(jwt_1613acff)", words(&[], FoundBy::Prefix, 1)),
        ("org-token:pst_1613acTH", words(&[], FoundBy::Prefix, 1)),
        (&quoted, words(&[], FoundBy::Id, 1)),
        (&bare, words(&[], FoundBy::Id, 1)),
        (&within, words(&[], FoundBy::Id, 1)),
        (
            "xpst_1613acTH",
            words(&["1613acth", "xpst"], FoundBy::Words, 0),
        ),
        // What no id begins with is a word.
        ("pst_zzzz", words(&["pst", "zzzz"], FoundBy::Words, 0)),
        ("jwt_keys", words(&["jwt", "keys"], FoundBy::Words, 0)),
        ("PST_1613", words(&["1613", "pst"], FoundBy::Words, 0)),
        ("pst_161", short.clone()),
        ("jwt_161", short.clone()),
        ("pst_", short.clone()),
        (" - ", short.clone()),
        ("a b c d e f g h i j k l m n o p q", short),
    ];
    for (text, expected) in rows {
        assert_eq!(parsed(text), expected, "{text}");
    }
    let sixteen = "a b c d e f g h i j k l m n o p";
    assert_eq!(
        parsed(sixteen).map(|(_, words, _)| words.len()),
        Ok(MAX_WORDS)
    );
    assert!(Search::parse(UUID, "q").is_ok_and(|search| search.names_one()));
    for more in [format!("{UUID} ci"), "pst_1613acTH".to_owned()] {
        assert!(
            Search::parse(&more, "q").is_ok_and(|search| !search.names_one()),
            "{more}"
        );
    }
}

/// The form of a secret, and its text.
fn secret(text: &str) -> Option<(&'static str, String)> {
    match secrets_in(text).first()? {
        SecretText::Opaque(key) => Some(("opaque", key.expose().to_owned())),
        SecretText::Jwt(token) => Some(("jwt", token.expose().to_owned())),
        SecretText::Cut(_) => Some(("cut", String::new())),
    }
}

#[test]
fn r48_a_secret_is_found_whatever_stands_around_it() {
    let id = base62_id(Id::from_u128(42));
    let key = format!("pst_{id}_{}", "7".repeat(48));
    let jwt = &format!("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.{}", "A".repeat(43));
    let around = [
        ("", ""),
        (" ", "\n"),
        ("Bearer ", ""),
        ("Authorization: Bearer ", "\r\n"),
        ("export TOKEN=\"", "\""),
        ("https://x:", "@example.com/"),
        ("{\"token\":\"", "\"}"),
        ("'", "',"),
        ("It was ", "."),
        ("é", "é"),
        // As logs have it.
        ("{\"msg\":\"x\\n", "\\n\"}"),
        ("x\\r\\n", "\\r\\n"),
        ("_", ""),
        ("x", ""),
        ("-", ""),
        ("1.", ""),
        ("eyJ.", ""),
        ("eyJ_", ".x"),
    ];
    for (before, behind) in around {
        for (form, text) in [("opaque", key.as_str()), ("jwt", jwt.as_str())] {
            let found = secret(&format!("{before}{text}{behind}"));
            assert_eq!(found, Some((form, text.to_owned())), "{before}…{behind}");
        }
    }
    let half = key.get(..60).expect("characters");
    let rows = [
        (format!("{key}x"), Some(("opaque", key.clone()))),
        (format!("pst_old {key}"), Some(("opaque", key.clone()))),
        (format!("{half} {key}"), Some(("opaque", key.clone()))),
        (half.to_owned(), Some(("cut", String::new()))),
        (format!("{half}…"), Some(("cut", String::new()))),
        (format!("pst_{id}_7"), Some(("cut", String::new()))),
        (format!("pst_{id}_"), None),
        (format!("pst_{id}"), None),
        ("pst_1613acTH".to_owned(), None),
        (UUID.to_owned(), None),
        ("a.b.c".to_owned(), None),
        ("shop.release.2026".to_owned(), None),
        ("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.".to_owned(), None),
        ("eyJhbGciOiJIUzI1NiJ9..c2ln".to_owned(), None),
        ("eyJhbGciOiJIUzI1NiJ9".to_owned(), None),
    ];
    for (text, expected) in rows {
        assert_eq!(secret(&text), expected, "{text}");
    }
    assert_eq!(format!("{:?}", secrets_in(&key)), "[Opaque]");
    assert_eq!(format!("{:?}", secrets_in(jwt)), "[Jwt]");
}

#[test]
fn r48_a_line_may_end_within_a_secret_and_letters_may_stand_behind_it() {
    let key = format!("pst_{}_{}", base62_id(Id::from_u128(42)), "7".repeat(48));
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.{}", "A".repeat(43));
    for (form, whole) in [("opaque", &key), ("jwt", &jwt)] {
        for place in [2, 30, 50, 70] {
            let (before, behind) = whole.split_at(place);
            for end in ["\n", "\r\n", "\\n", "\\\n", "=\r\n", "\n    "] {
                let text = format!("TOKEN: {before}{end}{behind}");
                assert_eq!(
                    secret(&text),
                    Some((form, whole.clone())),
                    "{place} {end:?}"
                );
            }
        }
    }
    for behind in ["x", "_", "-", ".x", "\nnext", "\n.x"] {
        let found = secret(&format!("{jwt}{behind}"));
        assert_eq!(found, Some(("jwt", jwt.clone())), "{behind:?}");
    }
}

#[test]
fn r48_each_secret_of_a_text_is_seen_once() {
    let key = |id: u128| format!("pst_{}_{}", base62_id(Id::from_u128(id)), "7".repeat(48));
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.{}", "A".repeat(43));
    let (first, second) = (key(1), key(2));
    let half = first.get(..60).expect("characters");
    for (text, expected) in [
        (format!("{first} {second} {first}"), "[Opaque, Opaque]"),
        (format!("{jwt}\n{first}"), "[Jwt, Opaque]"),
        (format!("{first}\n{jwt}\n{jwt}"), "[Opaque, Jwt]"),
        (format!("{half} {first}"), "[Opaque]"),
        (format!("{half}, {second}"), "[Cut, Opaque]"),
        ("ci".to_owned(), "[]"),
    ] {
        assert_eq!(format!("{:?}", secrets_in(&text)), expected, "{text}");
    }
    for text in [half, &first] {
        let id = secrets_in(text).first().and_then(SecretText::readable_id);
        assert_eq!(id, Some(Id::from_u128(1)), "{text}");
    }
}

#[test]
fn r48_what_looks_like_an_id_can_be_a_name() {
    for (text, expected) in [
        ("jwt_cafe", Some(vec!["cafe", "jwt"])),
        (
            UUID,
            Some(vec!["0000", "00000000000a", "1613acff", "4000", "8000"]),
        ),
        ("nightly ci", None),
    ] {
        let search = Search::parse(text, "q").expect("a search");
        let instead = search.instead().map(|instead| instead.words);
        assert_eq!(
            instead,
            expected.map(|words| words.into_iter().map(str::to_owned).collect()),
            "{text}"
        );
    }
}
