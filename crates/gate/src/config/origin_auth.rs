//! How the gateway shows itself to the origin: `ORIGIN_AUTH` and what assertions need. Seeds have
//! exactly 32 bytes, an assertion lives for at most a minute, and assertions need a key.

use super::{number, ring};
use postern_wire::assertion::{Algorithm, AssertionKeys};

/// Longest life of an assertion, in seconds.
pub const MAX_LIFETIME: u32 = 60;
const DEFAULT_LIFETIME: u32 = 30;
const MAX_AUDIENCE: usize = 256;

/// Keys for assertions, and whether any are made.
#[derive(Debug)]
pub struct Assertions {
    /// The keys; the first signs.
    pub keys: AssertionKeys,
    /// Whom assertions are for.
    pub audience: String,
    /// From `iat` to `exp`.
    pub lifetime_seconds: u32,
    /// Whether calls carry one. Otherwise the keys are only published, so that the origin knows
    /// them before the first assertion.
    pub sent: bool,
}

/// What the origin is shown of a call (`ORIGIN_AUTH`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OriginAuth {
    /// The caller's own credential.
    #[default]
    Passthrough,
    /// The caller's own credential, and an assertion of the gateway.
    Assertion,
    /// A stored credential in place of the caller's (R42).
    Upstream,
}

/// Reads the variables: what the origin is shown, and the keys for assertions, where there are some.
pub fn read(
    text: impl Fn(&str) -> Option<String>,
    origin_url: &str,
    problems: &mut Vec<String>,
) -> (OriginAuth, Option<Assertions>) {
    let auth = match text("ORIGIN_AUTH").as_deref() {
        None | Some("passthrough") => OriginAuth::Passthrough,
        Some("assertion") => OriginAuth::Assertion,
        Some("upstream") => OriginAuth::Upstream,
        Some(_) => {
            problems.push("ORIGIN_AUTH must be `passthrough`, `assertion` or `upstream`".into());
            OriginAuth::Passthrough
        }
    };
    let sent = auth == OriginAuth::Assertion;
    let seeds = text("ASSERTION_KEYS");
    if sent && seeds.is_none() {
        problems.push(
            "ASSERTION_KEYS is not set: ORIGIN_AUTH `assertion` needs `kid:base64url` with 32 \
             random bytes"
                .into(),
        );
    }
    let algorithm = match text("ASSERTION_ALG").as_deref().map(Algorithm::parse) {
        None => Algorithm::default(),
        Some(Some(algorithm)) => algorithm,
        Some(None) => {
            problems.push("ASSERTION_ALG must be `EdDSA` or `Ed25519`".into());
            Algorithm::default()
        }
    };
    let keys = ring(seeds, "ASSERTION_KEYS", problems).and_then(|ring| {
        AssertionKeys::from_seeds(&ring, algorithm)
            .map_err(|problem| problems.push(format!("ASSERTION_KEYS: {problem}")))
            .ok()
    });
    let audience = text("ASSERTION_AUDIENCE").unwrap_or_else(|| web_origin(origin_url));
    if audience.len() > MAX_AUDIENCE || !audience.bytes().all(|b| b.is_ascii_graphic()) {
        problems.push(format!(
            "ASSERTION_AUDIENCE must be at most {MAX_AUDIENCE} visible ASCII characters"
        ));
    }
    let lifetime_seconds = number(
        text("ASSERTION_SECONDS"),
        "ASSERTION_SECONDS",
        DEFAULT_LIFETIME,
        1..=MAX_LIFETIME,
    )
    .unwrap_or_else(|problem| {
        problems.push(problem);
        DEFAULT_LIFETIME
    });
    let assertions = keys.map(|keys| Assertions {
        keys,
        audience,
        lifetime_seconds,
        sent,
    });
    (auth, assertions)
}

/// Scheme, host and port of a URL that was found good, in lower case, the port left out where it
/// is the scheme's own (RFC 6454, section 6.1).
pub(super) fn web_origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let own = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(own).unwrap_or(host);
    format!("{scheme}://{}", host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
