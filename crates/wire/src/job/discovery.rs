//! An issuer's discovery document (OpenID Connect Discovery 1.0): where its key set is.

use core::fmt;

use postern_domain::trust::Issuer;

use super::strict::{Bounds, JsonFault, object};

/// Longest discovery document, in bytes.
pub const MAX_DISCOVERY: usize = 64 * 1024;
/// Longest URL of a key set, in bytes.
pub const MAX_KEYS_URL: usize = 1_024;
const DOCUMENT: Bounds = Bounds {
    bytes: MAX_DISCOVERY,
    depth: 6,
    values: 2_048,
};

/// Why a document was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscoveryError {
    /// It is not what it must be.
    Json(JsonFault),
    /// It is another issuer's: `issuer` is not the URL that it was asked for, byte by byte.
    OtherIssuer,
    /// It has no `jwks_uri`.
    NoKeysUrl,
    /// `jwks_uri` is no https URL of at most [`MAX_KEYS_URL`] visible ASCII characters, or has a user or a
    /// fragment.
    KeysUrl,
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => write!(f, "the discovery document {fault}"),
            Self::OtherIssuer => f.write_str("the discovery document is of another issuer"),
            Self::NoKeysUrl => f.write_str("the discovery document has no `jwks_uri`"),
            Self::KeysUrl => f.write_str("`jwks_uri` of the discovery document is no https URL"),
        }
    }
}

/// Where an issuer's key set is: on any host, over https. Only an issuer on this machine may have it on this
/// machine, over http.
///
/// # Errors
/// [`DiscoveryError`].
pub fn keys_url(issuer: &Issuer, document: &[u8]) -> Result<String, DiscoveryError> {
    let document = object(document, DOCUMENT).map_err(DiscoveryError::Json)?;
    if document.text("issuer") != Some(issuer.url()) {
        return Err(DiscoveryError::OtherIssuer);
    }
    let url = document.text("jwks_uri").ok_or(DiscoveryError::NoKeysUrl)?;
    if is_keys_url(url, issuer.is_loopback()) {
        Ok(url.to_owned())
    } else {
        Err(DiscoveryError::KeysUrl)
    }
}

fn is_keys_url(url: &str, loopback: bool) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b"#\\\"<>^`{|}".contains(&b);
    if url.len() > MAX_KEYS_URL || !url.bytes().all(plain) {
        return false;
    }
    let (rest, this_machine) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) if loopback => (rest, true),
        _ => return false,
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let is_this = ["127.0.0.1", "localhost"].contains(&host);
    !authority.is_empty() && !authority.contains('@') && (is_this || !this_machine)
}
