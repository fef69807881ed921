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
mod tests {
    use super::super::Config;
    use super::*;
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
}
