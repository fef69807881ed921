//! The variables about the ways in to management (R22 to R25). A combination that would open more
//! than one of its variables says is a problem.

use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use super::origin_url;
use postern_domain::name::Label;
use postern_domain::secret::equal;

/// Shortest administrator key, in characters.
pub const MIN_ADMIN_KEY: usize = 32;
/// Most administrator keys at a time.
pub const MAX_ADMIN_KEYS: usize = 8;

/// Which ways in are there beside tokens and the administrator keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaysIn {
    /// Whether management is open while no token is active (tier 0).
    pub bootstrap: bool,
    /// Where browser sessions are verified (tier 1).
    pub session_url: Option<String>,
    /// Whether workflow tokens may read, as long as there is no administrator key (tier 3).
    pub workflow_read: bool,
}

/// The administrator keys.
pub struct AdminKeys(Vec<AdminKey>);

/// An administrator key: its hash, and its name where it has one.
pub struct AdminKey {
    name: Option<Rc<Label>>,
    hash: [u8; 32],
}

impl AdminKey {
    /// The name.
    pub fn name(&self) -> Option<Rc<Label>> {
        self.name.clone()
    }
}

impl AdminKeys {
    /// The key that the presented text is, in constant time: every key is compared, and nothing tells
    /// how long any of them is.
    pub fn find(&self, presented: &str) -> Option<&AdminKey> {
        let presented = hash(presented);
        self.0
            .iter()
            .fold(None, |found, key| match equal(&key.hash, &presented) {
                true => Some(key),
                false => found,
            })
    }

    /// Whether the presented text is one of the keys.
    pub fn matches(&self, presented: &str) -> bool {
        self.find(presented).is_some()
    }
}

impl core::fmt::Debug for AdminKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AdminKeys")
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Reads the keys: one, or several separated by commas. Each is a key, or `name:key`: no key has a
/// colon in it, for a Bearer credential cannot.
pub(super) fn admin_keys(text: &str, problems: &mut Vec<String>) -> Option<AdminKeys> {
    // A line end is what a shell leaves behind a piped secret.
    let entries: Vec<&str> = text.split(',').map(str::trim).collect();
    if entries.len() > MAX_ADMIN_KEYS {
        problems.push(format!("ADMIN_TOKEN has more than {MAX_ADMIN_KEYS} keys"));
        return None;
    }
    let before = problems.len();
    let mut keys: Vec<AdminKey> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let which = match entries.len() {
            1 => String::new(),
            _ => format!(", key {}", index + 1),
        };
        let mut wrong = |problem: &str| problems.push(format!("ADMIN_TOKEN{which} {problem}"));
        let (name, key) = match entry.split_once(':') {
            None => (None, *entry),
            Some((name, key)) => match admin_name(name.trim_end()) {
                Ok(name) => (Some(Rc::new(name)), key.trim_start()),
                Err(problem) => {
                    wrong(&problem);
                    (None, key.trim_start())
                }
            },
        };
        if let Err(problem) = admin_key(key) {
            wrong(&problem);
        }
        let key = AdminKey {
            name,
            hash: hash(key),
        };
        if key.name.is_some() && keys.iter().any(|other| other.name == key.name) {
            wrong("has the name of another key: names are unique");
        }
        if keys
            .iter()
            .any(|other| other.hash == key.hash && other.name != key.name)
        {
            wrong("is another key too, under another name: audit could not say which it was");
        }
        keys.push(key);
    }
    (problems.len() == before).then_some(AdminKeys(keys))
}

/// The name before a key. A longer one could be a key itself, after which the `,` is missing; names
/// are shown.
fn admin_name(name: &str) -> Result<Label, String> {
    if name.chars().count() >= MIN_ADMIN_KEY {
        return Err(format!(
            "has a name that is not shorter than {MIN_ADMIN_KEY} characters: write `name:key`, and `,` \
             between keys"
        ));
    }
    Label::parse(name).map_err(|problem| format!("has a name before `:` that {problem}"))
}

fn admin_key(key: &str) -> Result<(), String> {
    if key.chars().count() < MIN_ADMIN_KEY {
        return Err(format!("is shorter than {MIN_ADMIN_KEY} characters"));
    }
    if key.starts_with(postern_domain::token::OPAQUE_PREFIX) {
        return Err("must not begin like a token of the registry".to_owned());
    }
    match postern_wire::bearer::credential(Some(&format!("Bearer {key}"))) {
        Ok(_) => Ok(()),
        Err(_) => Err(
            "has characters that a Bearer credential cannot carry: use letters, digits and \
             `-._~+/`"
                .to_owned(),
        ),
    }
}

/// Reads the rest.
pub(super) fn read(text: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> WaysIn {
    let mut choice = |name: &str, off: &str, on: &str| match text(name) {
        None => false,
        Some(value) if value == on => true,
        Some(value) if value == off => false,
        Some(_) => {
            problems.push(format!("{name} must be `{off}` or `{on}`"));
            false
        }
    };
    let production = choice("ENVIRONMENT", "development", "production");
    let bootstrap = choice("BOOTSTRAP", "closed", "open");
    let workflow_read = choice("WORKFLOW_TOKEN_READ", "off", "on");
    if bootstrap && production {
        problems.push("BOOTSTRAP is `open` although ENVIRONMENT is `production`: close it".into());
    }
    if bootstrap && text("ADMIN_TOKEN").is_some() {
        problems.push(
            "BOOTSTRAP is `open` although ADMIN_TOKEN is set: one of the two is too much".into(),
        );
    }
    let session_url = match text("SESSION_VERIFY_URL").as_deref().map(session_url) {
        None => None,
        Some(Ok(url)) => Some(url),
        Some(Err(problem)) => {
            problems.push(format!("SESSION_VERIFY_URL {problem}"));
            None
        }
    };
    WaysIn {
        bootstrap,
        session_url,
        workflow_read,
    }
}

/// Cookies go there, so it is https, or does not leave the machine.
fn session_url(text: &str) -> Result<String, &'static str> {
    let url = origin_url(text)?;
    if let Some(rest) = url.strip_prefix("http://") {
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let loopback = match host.parse::<core::net::IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host == "localhost",
        };
        if !loopback {
            return Err("must begin with https://, or be on this machine");
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const SECOND: &str = "fedcba9876543210fedcba9876543210";

    fn read(text: &str) -> Result<AdminKeys, Vec<String>> {
        let mut problems = Vec::new();
        admin_keys(text, &mut problems).ok_or(problems)
    }

    #[test]
    fn r24_a_key_has_a_name_or_none() {
        let rows: [(&str, [Option<Option<&str>>; 2]); 7] = [
            // The name of each key, where it is one.
            (KEY, [Some(None), None]),
            (&format!("ops:{KEY}"), [Some(Some("ops")), None]),
            (
                &format!("ops:{KEY}, ci-2:{SECOND}\n"),
                [Some(Some("ops")), Some(Some("ci-2"))],
            ),
            (
                &format!("{KEY},ops:{SECOND}"),
                [Some(None), Some(Some("ops"))],
            ),
            (
                &format!("ops:{SECOND},{KEY}"),
                [Some(None), Some(Some("ops"))],
            ),
            // Twice the same, as it was always allowed.
            (&format!("{KEY},{KEY}"), [Some(None), None]),
            (&format!(" ops : {KEY} "), [Some(Some("ops")), None]),
        ];
        for (text, expected) in rows {
            let keys = read(text).expect(text);
            for (key, expected) in [KEY, SECOND].into_iter().zip(expected) {
                let found = keys.find(key).map(AdminKey::name);
                let found = found
                    .as_ref()
                    .map(|name| name.as_ref().map(|name| name.as_str()));
                assert_eq!(found, expected, "{key} in {text}");
                assert_eq!(keys.matches(key), expected.is_some());
            }
            // What is set is no key as a whole, nor is a name.
            for none in ["ops", "", &format!("ops:{KEY}"), &format!("{KEY},{SECOND}")] {
                assert!(keys.find(none).is_none(), "{none}");
            }
        }
    }

    #[test]
    fn r24_what_is_wrong_with_each_key_is_told_at_once_and_shown_of_none() {
        let longest = "n".repeat(MIN_ADMIN_KEY - 1);
        assert!(read(&format!("{longest}:{KEY}")).is_ok());
        let label = "has a name before `:` that must be a lowercase RFC 1123 label: lower case letters, digits \
                     or `-`, beginning and ending with a letter or digit";
        let characters = "has characters that a Bearer credential cannot carry: use letters, digits and `-._~+/`";
        let as_long = "has a name that is not shorter than 32 characters: write `name:key`, and `,` between keys";
        let rows: [(&str, &[&str]); 12] = [
            ("ops:short", &["ADMIN_TOKEN is shorter than 32 characters"]),
            (
                &format!("ops:{KEY}:more"),
                &[&format!("ADMIN_TOKEN {characters}")],
            ),
            (
                &format!("ops:0 {KEY}"),
                &[&format!("ADMIN_TOKEN {characters}")],
            ),
            (&format!("Ops:{KEY}"), &[&format!("ADMIN_TOKEN {label}")]),
            (
                &format!("ops team:{KEY}"),
                &[&format!("ADMIN_TOKEN {label}")],
            ),
            (
                &format!("{KEY}:{SECOND}"),
                &[&format!("ADMIN_TOKEN {as_long}")],
            ),
            (
                &format!(":{KEY}"),
                &["ADMIN_TOKEN has a name before `:` that must not be empty"],
            ),
            (
                &format!("ops:pst_{KEY}"),
                &["ADMIN_TOKEN must not begin like a token of the registry"],
            ),
            (
                &format!("ops:{KEY},ops:{SECOND}"),
                &["ADMIN_TOKEN, key 2 has the name of another key: names are unique"],
            ),
            (
                &format!("ops:{KEY},{KEY}"),
                &[
                    "ADMIN_TOKEN, key 2 is another key too, under another name: audit could not say which it was",
                ],
            ),
            (
                &format!("ops:{KEY},ci:{KEY}"),
                &[
                    "ADMIN_TOKEN, key 2 is another key too, under another name: audit could not say which it was",
                ],
            ),
            (
                "A:short,ci:,b",
                &[
                    &format!("ADMIN_TOKEN, key 1 {label}"),
                    "ADMIN_TOKEN, key 1 is shorter than 32 characters",
                    "ADMIN_TOKEN, key 2 is shorter than 32 characters",
                    "ADMIN_TOKEN, key 3 is shorter than 32 characters",
                ],
            ),
        ];
        for (text, expected) in rows {
            let problems = read(text).expect_err(text);
            assert_eq!(problems, expected, "{text}");
            assert!(!problems.concat().contains(KEY));
        }
    }
}
