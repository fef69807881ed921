//! Secrets in the history: every file that any commit ever had, held against the forms of well-known credentials and of
//! our own. Says where one is and how it begins, and never the whole of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::{paths, process};

/// A form: how it begins, of which bytes it goes on, and how many of them there are at least.
struct Form {
    what: &'static str,
    begins: &'static str,
    of: fn(u8) -> bool,
    least: usize,
}

const fn form(what: &'static str, begins: &'static str, of: fn(u8) -> bool, least: usize) -> Form {
    Form {
        what,
        begins,
        of,
        least,
    }
}

/// Prefixes are as their issuers document them; lengths are those of the shortest in use.
const FORMS: [Form; 27] = [
    form("a key of AWS", "AKIA", upper, 16),
    form("a key of AWS", "ASIA", upper, 16),
    form("a token of GitHub", "ghp_", alphanumeric, 36),
    form("a token of GitHub", "gho_", alphanumeric, 36),
    form("a token of GitHub", "ghu_", alphanumeric, 36),
    form("a token of GitHub", "ghs_", alphanumeric, 36),
    form("a token of GitHub", "ghr_", alphanumeric, 36),
    form("a token of GitHub", "github_pat_", word, 60),
    form("a token of GitLab", "glpat-", word, 20),
    form("a token of Slack", "xoxb-", word, 10),
    form("a token of Slack", "xoxp-", word, 10),
    form("a token of Slack", "xoxa-", word, 10),
    form("a key of Google", "AIza", word, 35),
    form("a token of npm", "npm_", alphanumeric, 36),
    form("a token of PyPI", "pypi-AgE", word, 50),
    form("a token of crates.io", "cio", alphanumeric, 32),
    form("a key of Stripe", "sk_live_", alphanumeric, 20),
    form("a key of Stripe", "rk_live_", alphanumeric, 20),
    form("a private key", "-----BEGIN PRIVATE KEY-----", any, 20),
    form("a private key", "-----BEGIN RSA PRIVATE KEY-----", any, 20),
    form("a private key", "-----BEGIN EC PRIVATE KEY-----", any, 20),
    form(
        "a private key",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        any,
        20,
    ),
    form("a JWT", "eyJ", token, 60),
    form("a key of Postern", "pst_", word, 71),
    form("an administrator key", "ADMIN_TOKEN=", value, 32),
    form("signing keys", "TOKEN_KEYS=", value, 43),
    form("root keys", "ROOT_KEYS=", value, 43),
];

/// This file.
const HERE: &str = "xtask/src/supply/secrets.rs";

/// How those begin that open nothing, and why.
const KNOWN: [(&str, &str); 7] = [
    (
        "ADMIN_TOKEN=\"only-for-local-trials",
        "refused in production",
    ),
    (
        "TOKEN_KEYS=\"local:b25seS1mb3ItbG9jYWwt",
        "refused in production",
    ),
    (
        "pst_000000000000000000000g_7777",
        "of a test of the grammar",
    ),
    (
        "pst_1613acTHn9cqlApHy2LdI8_",
        "of a golden text, under a key of that test",
    ),
    (
        "pst_5iZVYFr1ODKvUhjM4lQZ7y_",
        "an example of the documents, too long for a key",
    ),
    (
        "pst_0ur4e3zIZ8bPC6jnR4mxaI_",
        "the example of the documents",
    ),
    ("pst_0000000000000000000000_0000", "of a test of the brake"),
];

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Three parts, with two dots.
fn token(byte: u8) -> bool {
    word(byte) || byte == b'.'
}

fn value(byte: u8) -> bool {
    word(byte) || matches!(byte, b'"' | b'\'' | b':' | b',' | b'/' | b'+' | b'=')
}

fn any(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace() || byte == b'\\'
}

/// Looks through all of the history. Gives what was looked at.
pub fn check() -> Outcome<String> {
    let commits = git(&["rev-list", "--all", "--count"])?;
    let names = names()?;
    let list = paths::target().join("supply-chain-objects");
    let ids: String = names.keys().map(|id| format!("{id}\n")).collect();
    doing("writing a list of objects", fs::write(&list, ids))?;
    let input = doing("opening a list of objects", File::open(&list))?;
    let mut command = Command::new("git");
    command
        .args(["cat-file", "--batch", "--buffer"])
        .current_dir(paths::root())
        .stdin(input);
    let (reader, writer) = doing("opening a pipe", std::io::pipe())?;
    let mut child = process::spawn(command.stdout(writer))?;
    drop(command); // else our own copy keeps the pipe open
    let read = look(&mut BufReader::new(reader), &names);
    let status = process::wait(&mut child)?;
    let (files, found) = doing("reading the history", read)?;
    if !status.success() {
        return Err(failed(format_args!("`git cat-file`: {status}")));
    }
    if !found.is_empty() {
        let told = |(find, id): (String, String)| format!("{find} (`git show {id}`)");
        let lines: Vec<String> = found.into_iter().map(told).collect();
        return Err(failed(format_args!(
            "the history has what looks like a secret: revoke it where it was issued; if it opens nothing, say so in \
             `KNOWN` of xtask/src/supply/secrets.rs:\n  {}",
            lines.join("\n  ")
        )));
    }
    let forms: BTreeSet<&str> = FORMS.iter().map(|form| form.what).collect();
    Ok(format!(
        "history: {files} files of {commits} commits, {} kinds of credentials, none found but {} that open nothing",
        forms.len(),
        KNOWN.len()
    ))
}

/// Every file of the history by its id, with a name that it had.
fn names() -> Outcome<BTreeMap<String, String>> {
    let text = git(&["rev-list", "--all", "--objects"])?;
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .collect())
}

fn git(words: &[&str]) -> Outcome<String> {
    process::read(Command::new("git").args(words).current_dir(paths::root()))
}

/// How many files there are in what `git cat-file --batch` writes, and what was found in them, each with the id of one
/// that has it.
fn look(
    from: &mut impl BufRead,
    names: &BTreeMap<String, String>,
) -> std::io::Result<(usize, BTreeMap<String, String>)> {
    let (mut files, mut found) = (0, BTreeMap::new());
    let mut head = String::new();
    while from.read_line(&mut head)? > 0 {
        let mut words = head.split_whitespace();
        let (id, kind) = (words.next().unwrap_or_default(), words.next());
        let size: u64 = words.next().and_then(|size| size.parse().ok()).unwrap_or(0);
        let mut content = Vec::new();
        from.take(size + 1).read_to_end(&mut content)?;
        let name = names.get(id).map_or("?", String::as_str);
        // The forms stand in this file themselves.
        if kind == Some("blob") && name != HERE {
            files += 1;
            for (what, begins) in secrets(&content) {
                // Once, however many versions of the file have it.
                let find = format!("{what}, {begins}…, in {name}");
                found.entry(find).or_insert_with(|| id.to_owned());
            }
        }
        head.clear();
    }
    Ok((files, found))
}

/// What each find is, and how it begins.
fn secrets(content: &[u8]) -> Vec<(&'static str, String)> {
    let mut begins = [false; 256];
    for form in &FORMS {
        begins[usize::from(form.begins.as_bytes()[0])] = true;
    }
    let mut found = Vec::new();
    for (at, byte) in content.iter().enumerate() {
        if !begins[usize::from(*byte)] {
            continue;
        }
        let rest = &content[at..];
        let inside = at > 0 && content[at - 1].is_ascii_alphanumeric();
        for form in FORMS
            .iter()
            .filter(|form| rest.starts_with(form.begins.as_bytes()))
        {
            if let Some(text) = fits(form, rest).filter(|_| !inside) {
                let is_known = KNOWN
                    .iter()
                    .any(|(known, _)| text.starts_with(known.as_bytes()));
                if !is_known {
                    let shown = &text[..text.len().min(form.begins.len() + 6)];
                    found.push((form.what, String::from_utf8_lossy(shown).into_owned()));
                }
            }
        }
    }
    found
}

/// The text of that form that stands here, if one does.
fn fits<'c>(form: &Form, here: &'c [u8]) -> Option<&'c [u8]> {
    let body = &here[form.begins.len()..];
    let length = body
        .iter()
        .take(4096)
        .take_while(|byte| (form.of)(**byte))
        .count();
    let text = &here[..form.begins.len() + length];
    let fits = length >= form.least
        && match form.what {
            // Three parts, of which the second begins as JSON does, too.
            "a JWT" => {
                let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
                parts.len() >= 3 && parts[1].starts_with(b"eyJ") && parts[2].len() >= 20
            }
            "a key of Postern" => {
                body[22] == b'_'
                    && body[..71]
                        .iter()
                        .filter(|byte| !alphanumeric(**byte))
                        .count()
                        == 1
            }
            _ => true,
        };
    fits.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In parts, so that none stands in the history because of this test.
    fn built(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn every_kind_is_found_and_not_shown() {
        let upper = "Q7".repeat(20);
        let long = "aB3".repeat(40);
        for (what, text) in [
            ("a key of AWS", built(&["AKI", "A", &upper[..16]])),
            ("a token of GitHub", built(&["gh", "p_", &long[..36]])),
            (
                "a token of GitHub",
                built(&["github_", "pat_", &long[..82]]),
            ),
            ("a token of GitLab", built(&["glp", "at-", &long[..20]])),
            ("a token of Slack", built(&["xo", "xb-", "1234567890-abc"])),
            ("a key of Google", built(&["AI", "za", &long[..35]])),
            ("a token of npm", built(&["np", "m_", &long[..36]])),
            ("a token of PyPI", built(&["py", "pi-AgE", &long[..80]])),
            ("a token of crates.io", built(&["ci", "o", &long[..32]])),
            ("a key of Stripe", built(&["sk_", "live_", &long[..24]])),
            (
                "a private key",
                built(&["-----BEGIN ", "PRIVATE KEY-----\n", &long]),
            ),
            (
                "a private key",
                built(&["-----BEGIN ", "EC PRIVATE KEY-----\\n", &long]),
            ),
            (
                "a JWT",
                built(&[
                    "eyJ",
                    &long[..40],
                    ".ey",
                    "J",
                    &long[..40],
                    ".",
                    &long[..43],
                ]),
            ),
            (
                "a key of Postern",
                built(&["ps", "t_", &long[..22], "_", &long[..48]]),
            ),
            (
                "an administrator key",
                built(&["ADMIN_", "TOKEN=", &long[..40]]),
            ),
            (
                "signing keys",
                built(&["TOKEN_", "KEYS=\"k1:", &long[..43], "\""]),
            ),
            ("root keys", built(&["ROOT_", "KEYS=r1:", &long[..43]])),
        ] {
            let line = format!("a line with {text} in it\n");
            let found = secrets(line.as_bytes());
            assert_eq!(found.len(), 1, "{what}: {found:?}");
            assert_eq!(found[0].0, what);
            assert!(found[0].1.len() < text.len() / 2 + 20, "{}", found[0].1);
            assert!(!text.ends_with(&found[0].1), "the whole of it is shown");
        }
    }

    #[test]
    fn what_only_looks_alike_is_left() {
        let long = "aB3".repeat(40);
        for text in [
            built(&["AKI", "A", "SHORT"]),
            built(&["gh", "p_", &long[..35]]),
            built(&["precious", &long[..10]]),
            built(&["x", "ghp_", &long[..36]]),
            built(&["eyJ", &long[..90]]),
            built(&["ps", "t_", &long[..22], "_", &long[..40]]),
            built(&["ADMIN_TOKEN=", "$ADMIN"]),
            built(&["-----BEGIN PUBLIC ", "KEY-----\n", &long]),
        ] {
            assert_eq!(secrets(text.as_bytes()), [], "{text}");
        }
        for (known, _) in KNOWN {
            let text = built(&[known, &long[..80]]);
            assert_eq!(secrets(text.as_bytes()), [], "{known}");
        }
    }

    #[test]
    fn objects_are_read_one_after_the_other() {
        let secret = built(&["gh", "p_", &"a".repeat(36)]);
        let names = BTreeMap::from([("02".to_owned(), "some/file".to_owned())]);
        let text = format!(
            "01 commit 5\nabcde\n02 blob {}\n{secret}\n03 blob 0\n\n04 blob 3\nx\ny\n",
            secret.len()
        );
        let (files, found) = look(&mut text.as_bytes(), &names).expect("it is read");
        assert_eq!(files, 3);
        let found: Vec<_> = found.into_iter().collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].0.ends_with("in some/file"), "{}", found[0].0);
        assert_eq!(found[0].1, "02");
    }
}
