//! The gateway's keys: made here where there are none, handed to wrangler on its standard input, and shown once, to be
//! kept. A key that is set is never replaced: the tokens made with it would be lost.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::secrets;
use super::wrangler::Wrangler;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{print_all, remark};

/// As many bytes as the hash has that they key (RFC 7518, section 3.2), and as an Ed25519 seed has.
const KEY_BYTES: usize = 32;

const ADMIN: &str = "ADMIN_TOKEN";
const TOKENS: &str = "TOKEN_KEYS";
const ROOTS: &str = "ROOT_KEYS";
const ASSERTIONS: &str = "ASSERTION_KEYS";

/// The keys that were made in this run.
#[derive(Default)]
pub struct Made(Vec<(&'static str, Zeroizing<String>)>);

impl Made {
    /// The administrator key, if it is new.
    pub fn administrator(&self) -> Option<&str> {
        let mut keys = self.0.iter();
        keys.find(|(name, _)| *name == ADMIN)
            .map(|(_, key)| key.as_str())
    }
}

/// Makes sure that each key is set.
///
/// # Errors
/// If wrangler fails, or there is no randomness.
pub fn ensure(wrangler: &Wrangler, worker: &str, origin_auth: &str) -> Outcome<Made> {
    let words = ["secret", "list", "--format", "json"];
    let set = secrets::of(wrangler, "looking for the keys", (worker, &words))?;
    let missing = missing(&set.unwrap_or_default(), origin_auth);
    if missing.is_empty() {
        remark("   all are set");
        return Ok(Made::default());
    }
    let mut made = Made::default();
    for name in &missing {
        made.0.push((name, new(name)?));
    }
    if !wrangler.is_dry() {
        escrow(&made)?;
    }
    let body: Map<String, Value> = made
        .0
        .iter()
        .map(|(name, key)| ((*name).to_owned(), key.as_str().into()))
        .collect();
    let body = Zeroizing::new(Value::Object(body).to_string());
    let said = missing.join(", ");
    let put = wrangler.run_with(
        "setting the keys",
        &["secret", "bulk"],
        Some((&said, &body)),
    );
    put.map_err(|failure| match failure.hint {
        Some(hint) => Failure {
            hint: Some(format!(
                "keep the keys above: they may be in force. If the next run shows new ones, those replace them; if it \
                 says that all are set, these are the keys. {hint}"
            )),
            ..failure
        },
        None => failure,
    })?;
    Ok(made)
}

/// The keys to make. Roots are not added to token keys that are set: what hangs on the roots that are derived from
/// those would be lost (docs/OPERATIONS.md).
fn missing(set: &BTreeSet<String>, origin_auth: &str) -> Vec<&'static str> {
    let is_set = |name: &str| set.contains(name);
    let mut missing = Vec::new();
    if !is_set(ADMIN) {
        missing.push(ADMIN);
    }
    if !is_set(TOKENS) {
        missing.push(TOKENS);
        if !is_set(ROOTS) {
            missing.push(ROOTS);
        }
    }
    if origin_auth == "assertion" && !is_set(ASSERTIONS) {
        missing.push(ASSERTIONS);
    }
    missing
}

fn new(name: &str) -> Outcome<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Failure::new(Kind::Other, format!("no random bytes for a key: {error}"))
    })?;
    let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    let kid = match name {
        TOKENS => "k1:",
        ROOTS => "r1:",
        ASSERTIONS => "a1:",
        _ => return Ok(key),
    };
    Ok(Zeroizing::new(format!("{kid}{}", key.as_str())))
}

/// Shows the keys, before they are in force: a key that nobody has kept is lost with the account.
fn escrow(made: &Made) -> Outcome {
    let mut text = Zeroizing::new(String::from(
        "\nKeep these where you keep secrets. They are shown this once, and tokens are lost with them:\n\n",
    ));
    for (name, key) in &made.0 {
        text.push_str(&format!("  {name}={}\n", key.as_str()));
    }
    text.push('\n');
    print_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_set_is_never_made_again_and_roots_come_with_token_keys_alone() {
        let rows: [(&[&str], &str, &[&str]); 6] = [
            (&[], "passthrough", &[ADMIN, TOKENS, ROOTS]),
            (&[], "assertion", &[ADMIN, TOKENS, ROOTS, ASSERTIONS]),
            (&[ADMIN, TOKENS, ROOTS], "upstream", &[]),
            (&[ADMIN, TOKENS], "passthrough", &[]),
            (&[ROOTS], "passthrough", &[ADMIN, TOKENS]),
            (&[ADMIN, TOKENS, ASSERTIONS], "assertion", &[]),
        ];
        for (set, auth, expected) in rows {
            let set = set.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(missing(&set, auth), expected, "{set:?}");
        }
    }

    #[test]
    fn keys_are_of_the_form_that_the_gateway_reads() {
        for (name, kid) in [(TOKENS, "k1"), (ROOTS, "r1"), (ASSERTIONS, "a1")] {
            let text = new(name).unwrap();
            let ring = postern_domain::keys::KeyRing::parse(&text).unwrap();
            let key = ring.iter().next().unwrap();
            assert_eq!((key.kid(), key.expose().len()), (kid, KEY_BYTES));
        }
        let (one, other) = (new(ADMIN).unwrap(), new(ADMIN).unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(*one, *other);
    }
}
