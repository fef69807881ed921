//! Finds keys and JWTs in text of any kind, by their grammar alone: a key's length and checksum, a
//! JWT's header and signature. What stands before or behind one decides nothing, since in logs that
//! is mostly a part of an escape (`\n`, `%3D`, `\u003d`, a colour).

use std::borrow::Cow;
use std::collections::BTreeSet;

use postern_domain::token::OPAQUE_PREFIX;
use postern_wire::jwt::{JwtForm, form};
use postern_wire::opaque::{KEY_LENGTH, OpaqueError, check_form};

use super::clean::cleaned;

/// Longest credential that the gateway would look at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;
/// Longest header of a JWT that is looked into, in base64url: far more than a name of a key needs.
const MAX_HEADER: usize = 512;
/// Length of an HS256 signature in base64url.
const SIGNATURE: usize = 43;

/// What a text holds, once each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Whole keys.
    pub keys: BTreeSet<String>,
    /// JWTs of the kind that gateways and their origins make.
    pub jwts: BTreeSet<String>,
    /// Texts that only look like one: keys whose checksum does not fit, JWTs under other algorithms
    /// or without a whole signature.
    pub others: BTreeSet<String>,
}

impl Found {
    /// How many texts were looked at.
    pub fn all(&self) -> usize {
        self.keys.len() + self.jwts.len() + self.others.len()
    }
}

/// Looks through a text: as it stands, and once more with its escapes, colours and line breaks
/// undone, for keys that have some within.
pub fn tokens(text: &[u8]) -> Found {
    let text = without_nul(text);
    let mut found = Found::default();
    look_through(&text, &mut found);
    let mut within = Found::default();
    look_through(&cleaned(&text), &mut within);
    // What only looks like a token there was joined by chance.
    found.keys.append(&mut within.keys);
    found.jwts.append(&mut within.jwts);
    // What stands in the text as the first part of one was no other.
    let Found { jwts, others, .. } = &mut found;
    others.retain(|other| {
        let longer = jwts.range::<String, _>(other..).next();
        longer.is_none_or(|jwt| !jwt.starts_with(other.as_str()))
    });
    found
}

/// The text without zero bytes: what UTF-16 and UTF-32 leave of a token is then the token, in
/// either order of bytes and without a mark.
fn without_nul(text: &[u8]) -> Cow<'_, [u8]> {
    match text.contains(&0) {
        true => text.iter().copied().filter(|byte| *byte != 0).collect(),
        false => text.into(),
    }
}

fn look_through(text: &[u8], found: &mut Found) {
    for run in text.split(|byte| !of_token(*byte)) {
        let Ok(run) = std::str::from_utf8(run) else {
            continue;
        };
        for (place, _) in run.match_indices(OPAQUE_PREFIX) {
            key(run.get(place..place + KEY_LENGTH), found);
        }
        let dots: Vec<usize> = run.match_indices('.').map(|(place, _)| place).collect();
        for (place, _) in run.match_indices("eyJ") {
            let behind = dots.partition_point(|dot| *dot < place);
            if let Some([first, second, ..]) = dots.get(behind..) {
                jwt(run, [place, *first, *second], found);
            }
        }
    }
}

fn key(key: Option<&str>, found: &mut Found) {
    match key.map(|key| (key, check_form(key))) {
        Some((key, Ok(_))) => found.keys.insert(key.to_owned()),
        Some((key, Err(OpaqueError::Checksum))) => found.others.insert(key.to_owned()),
        _ => false,
    };
}

/// Looks at what begins at the first place and has its dots at the two others.
fn jwt(run: &str, [begin, first, second]: [usize; 3], found: &mut Found) {
    if first - begin > MAX_HEADER || second - begin > MAX_TOKEN {
        return;
    }
    let rest = run.get(second + 1..).unwrap_or_default();
    let signature = rest.split('.').next().unwrap_or_default();
    let end = |length: usize| second + 1 + length;
    let part = |end: usize| run.get(begin..end).unwrap_or_default();
    // What is longer has something else behind it.
    let whole = part(end(signature.len().min(SIGNATURE)));
    if whole.len() > MAX_TOKEN {
        return;
    }
    if form(whole) == Some(JwtForm::Ours) {
        found.jwts.insert(whole.to_owned());
        return;
    }
    let all = part(end(signature.len().min(MAX_TOKEN)));
    if form(all).is_some() {
        found.others.insert(all.to_owned());
    }
}

/// Whether a byte is one of the alphabet of tokens.
pub(super) fn of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key of the gateway's own tests.
    pub const KEY: &str =
        "pst_000000000000000000000g_77777777777777777777777777777777tRLAxXWB0T3cfVba";
    pub const JWT: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJqdGkiOiIxIn0.\
                           AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn set(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn check(text: &[u8], token: &str) {
        let found = tokens(text);
        let all: BTreeSet<_> = found.keys.union(&found.jwts).cloned().collect();
        let text = String::from_utf8_lossy(text);
        assert_eq!(all, set(&[token]), "{text}");
        assert_eq!(found.others, BTreeSet::new(), "{text}");
    }

    #[test]
    fn whatever_stands_around_a_token() {
        let around = [
            "",
            " ",
            "\n",
            "\t",
            "\"",
            "'",
            "`",
            "=",
            ":",
            "/",
            "\\",
            "<",
            "(",
            "[",
            "|",
            "&",
            "\\n",
            "\\t",
            "\\r\\n",
            "\\u003d",
            "\\u003e",
            "\\u0026",
            "\\x3d",
            "%20",
            "%3D",
            "%3d",
            "%0A",
            "%2F",
            "%253D",
            "=3D",
            "=20",
            "&#61;",
            "&quot;",
            "\u{1b}[32m",
            "\u{1b}[0m",
            "\u{1b}[01;31m\u{1b}[K",
            "\u{1b}]8;;http://x\u{7}",
            "TOKEN",
            "TOKEN_",
            "x",
            "0",
            "_",
            "-",
            ".",
            "\u{e9}",
            "\u{200b}",
            "\u{feff}",
            "\0",
        ];
        for token in [KEY, JWT] {
            for before in around {
                for behind in around {
                    check(format!("a {before}{token}{behind} b").as_bytes(), token);
                }
            }
        }
    }

    #[test]
    fn whatever_stands_within_a_token() {
        for token in [KEY, JWT] {
            for place in [4, 27, 30, 60] {
                let (head, tail) = token.split_at(place);
                for within in [
                    "=\n",
                    "=\r\n",
                    "\\\n",
                    "\n",
                    "\r\n",
                    "\n    ",
                    "\r\n> ",
                    "\n\t",
                    "\u{1b}[K",
                    "\u{1b}[m\u{1b}[K",
                    "\u{200b}",
                    "\u{ad}",
                    "\u{1b}[0m\u{1b}[1m",
                ] {
                    check(format!("a {head}{within}{tail} b").as_bytes(), token);
                }
            }
        }
        // As Markdown, quoted-printable, URLs, JSON and HTML can write the underscore.
        for underscore in [
            "\\_", "=5F", "%5f", "%5F", "\\u005f", "\\x5F", "&#95;", "&#x5f;",
        ] {
            check(KEY.replace('_', underscore).as_bytes(), KEY);
        }
        for (dot, dash) in [
            ("\\.", "\\-"),
            ("=2E", "=2D"),
            ("%2E", "%2d"),
            ("&#46;", "&#45;"),
        ] {
            check(JWT.replace('.', dot).replace('-', dash).as_bytes(), JWT);
        }
        // What `grep --color` makes of a find.
        let coloured = KEY.replacen("pst_", "\u{1b}[01;31m\u{1b}[Kpst_\u{1b}[m\u{1b}[K", 1);
        check(coloured.as_bytes(), KEY);
    }

    #[test]
    fn text_in_other_encodings() {
        for token in [KEY, JWT] {
            let text = format!("TOKEN={token}\r\n");
            for mark in ["", "\u{feff}"] {
                let text = format!("{mark}{text}");
                let units = || text.encode_utf16();
                let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
                let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
                let wide: Vec<u8> = text
                    .chars()
                    .flat_map(|c| u32::from(c).to_le_bytes())
                    .collect();
                for bytes in [little, big, wide] {
                    check(&bytes, token);
                    // As PowerShell's `>>` appends to a file of another encoding.
                    check(&[b"first line\n", bytes.as_slice()].concat(), token);
                }
            }
        }
    }

    #[test]
    fn each_once_and_next_to_each_other() {
        let text = format!("{KEY}{KEY}{JWT}{JWT},{KEY}\n{KEY}");
        let found = tokens(text.as_bytes());
        assert_eq!((found.keys, found.jwts), (set(&[KEY]), set(&[JWT])));
    }

    #[test]
    fn look_alikes_are_counted_and_not_taken() {
        let mistyped = KEY.replacen("777", "778", 1);
        let other_algorithm = JWT.replacen(
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0",
            "eyJhbGciOiJSUzI1NiJ9",
            1,
        );
        let cut = JWT.get(..JWT.len() - 3).unwrap();
        let text = format!(
            "{mistyped} {other_algorithm} {cut} pst_short eyJ.eyJ a.b.c {}",
            KEY.trim_end_matches('a')
        );
        let found = tokens(text.as_bytes());
        assert_eq!(found.others, set(&[&mistyped, &other_algorithm, cut]));
        assert_eq!((found.keys.len(), found.jwts.len(), found.all()), (0, 0, 3));
        assert_eq!(tokens(b"nothing here"), Found::default());
    }

    #[test]
    fn any_bytes_can_be_looked_through() {
        let mut bytes: Vec<u8> = (0..=255).collect();
        bytes.extend(KEY.as_bytes());
        bytes.extend(b"\xff\xfe\x1b[\x1b]\x1b%=\\u\\x&#");
        assert_eq!(tokens(&bytes).keys, set(&[KEY]));
        assert_eq!(
            tokens(&[b"eyJ".as_slice(), &[b'a'; 20_000]].concat()),
            Found::default()
        );
    }
}
