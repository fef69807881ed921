//! The variables about the ways in to management (R22 to R25). A combination that would open more
//! than one of its variables says is a problem.

use sha2::{Digest as _, Sha256};

use super::origin_url;
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

/// The administrator keys, as their hashes.
pub struct AdminKeys(Vec<[u8; 32]>);

impl AdminKeys {
    /// Whether the presented text is one of the keys, in constant time: every key is compared, and
    /// nothing tells which it was or how long any of them is.
    pub fn matches(&self, presented: &str) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        self.0
            .iter()
            .fold(false, |found, key| found | equal(key, &presented))
    }
}

impl core::fmt::Debug for AdminKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AdminKeys")
    }
}

/// Reads the keys: one or, while they are being rotated, several, separated by commas.
pub(super) fn admin_keys(text: &str, problems: &mut Vec<String>) -> Option<AdminKeys> {
    // A line end is what a shell leaves behind a piped secret.
    let keys: Vec<&str> = text.split(',').map(str::trim).collect();
    if keys.len() > MAX_ADMIN_KEYS {
        problems.push(format!("ADMIN_TOKEN has more than {MAX_ADMIN_KEYS} keys"));
        return None;
    }
    let before = problems.len();
    for (index, key) in keys.iter().enumerate() {
        if let Err(problem) = admin_key(key) {
            let which = match keys.len() {
                1 => String::new(),
                _ => format!(", key {}", index + 1),
            };
            problems.push(format!("ADMIN_TOKEN{which} {problem}"));
        }
    }
    let hash = |key: &&str| Sha256::digest(key.as_bytes()).into();
    (problems.len() == before).then(|| AdminKeys(keys.iter().map(hash).collect()))
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
