//! The audit log that anyone can check (R54): `AUDIT_KEYS`, the name of its logs, and its witnesses.

use super::{ring, urls::origin_url};
use postern_domain::keys::KeyRing;
use postern_transparency::key::{Kind, VerifierKey};
use postern_transparency::log::LogKeys;

/// Most witnesses.
pub const MAX_WITNESSES: usize = 8;
/// Longest name of the logs, in bytes.
const MAX_NAME: usize = 100;
const SEED_BYTES: usize = 32;

/// What signs checkpoints, and who cosigns them.
#[derive(Debug)]
pub struct AuditLog {
    /// The keys; the first signs.
    pub keys: LogKeys,
    /// Whom checkpoints are offered to.
    pub witnesses: Vec<Witness>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its key, which has its name.
    pub key: VerifierKey,
    /// Its submission prefix: `/add-checkpoint` is below it.
    pub url: String,
}

/// Reads the variables; `None` = no checkpoints are signed.
pub(super) fn read(
    text: impl Fn(&str) -> Option<String>,
    problems: &mut Vec<String>,
) -> Option<AuditLog> {
    let witnesses = witnesses(text("WITNESSES"), problems);
    let is_set = text("AUDIT_KEYS").is_some();
    if !is_set && !witnesses.is_empty() {
        problems.push("AUDIT_KEYS is not set: WITNESSES cosign what it signs".into());
    }
    let keys = ring(text("AUDIT_KEYS"), "AUDIT_KEYS", problems)?;
    for name in ["ASSERTION_KEYS", "TOKEN_KEYS", "ROOT_KEYS", "ADOPT_KEYS"] {
        // What is wrong with that one is said where it is read.
        let other = text(name).and_then(|text| KeyRing::parse(&text).ok());
        shared(&keys, other.as_ref(), name, problems);
    }
    let mut seeds = Vec::new();
    for (place, key) in (1..).zip(keys.iter()) {
        match key.expose().try_into() {
            Ok(seed) => seeds.push(seed),
            Err(_) => problems.push(format!(
                "AUDIT_KEYS: entry {place}: the seed is not {SEED_BYTES} bytes"
            )),
        }
    }
    let Some(name) = text("AUDIT_LOG_NAME") else {
        problems.push(
            "AUDIT_LOG_NAME is not set: AUDIT_KEYS signs under the name of this gateway, such as \
             `gateway.example.com`, which must stay the same"
                .into(),
        );
        return None;
    };
    let name = name.trim();
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._/".contains(&b);
    let is_name = name.len() <= MAX_NAME && name.bytes().all(letter);
    let keys = is_name.then(|| LogKeys::new(name, &seeds).ok()).flatten();
    if !is_name {
        problems.push(format!(
            "AUDIT_LOG_NAME must be a host name, as `gateway.example.com`, of at most {MAX_NAME} \
             characters"
        ));
    }
    Some(AuditLog {
        keys: keys?,
        witnesses,
    })
}

/// A key that signs something else, too, could be made to sign a checkpoint by way of that.
fn shared(keys: &KeyRing, other: Option<&KeyRing>, name: &str, problems: &mut Vec<String>) {
    for key in other.into_iter().flat_map(KeyRing::iter) {
        if keys.iter().any(|own| own.expose() == key.expose()) {
            problems.push(format!(
                "AUDIT_KEYS: the key `{}` of {name} is in it: give it a key of its own",
                key.kid()
            ));
        }
    }
}

/// `key URL`, each with a comma behind it but the last.
fn witnesses(text: Option<String>, problems: &mut Vec<String>) -> Vec<Witness> {
    let Some(text) = text else {
        return Vec::new();
    };
    let mut found: Vec<Witness> = Vec::new();
    for (place, entry) in (1..).zip(text.split(',')) {
        match witness(entry.trim()) {
            Ok(witness) if found.iter().any(|one| one.key.name() == witness.key.name()) => {
                problems.push(format!("WITNESSES: entry {place}: its name is there twice"));
            }
            Ok(witness) => found.push(witness),
            Err(problem) => problems.push(format!("WITNESSES: entry {place}: {problem}")),
        }
    }
    if found.len() > MAX_WITNESSES {
        problems.push(format!("WITNESSES must be at most {MAX_WITNESSES}"));
    }
    found
}

fn witness(entry: &str) -> Result<Witness, String> {
    let (key, url) = entry
        .split_once(' ')
        .ok_or("give its verifier key, a space and its URL")?;
    let key = VerifierKey::parse(key).map_err(|error| error.to_string())?;
    if key.kind() != Kind::Cosignature {
        return Err("its key is no cosigner's: those begin with `BA` behind the id".to_owned());
    }
    let url = origin_url(url).map_err(|problem| format!("its URL {problem}"))?;
    Ok(Witness { key, url })
}

#[cfg(test)]
mod tests;
