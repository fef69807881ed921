//! What is open to everybody: the keys that verify assertions and audit logs, and files, which are the dashboard's
//! and the description of the API. Nothing here says anything of this deployment's tokens.

use super::{Request, TEXT, query};
use crate::audit::public;
use crate::config::Config;
use crate::error::{Error, Result};
use postern_wire::assertion::{JWKS_CONTENT_TYPE, KeySet};
use postern_wire::conditional;

/// The headers of the key set. For as long the origin may keep it, a new key must be published before
/// it signs.
pub const KEY_SET_HEADERS: [(&str, &str); 2] = [
    ("content-type", JWKS_CONTENT_TYPE),
    ("cache-control", "public, max-age=300"),
];

/// `/.well-known/jwks.json`: without keys an empty set.
///
/// # Errors
/// Never: the keys serialize.
pub fn key_set(config: &Config) -> Result<String> {
    let keys = match &config.assertions {
        Some(assertions) => assertions.keys.published(),
        None => KeySet::default(),
    };
    serde_json::to_string(&keys).map_err(Error::unavailable)
}

/// The headers of the keys of audit logs.
pub const AUDIT_KEYS_HEADERS: [(&str, &str); 2] = [
    ("content-type", TEXT),
    ("cache-control", "public, max-age=300"),
];

/// `/.well-known/postern-audit-keys`: the keys of an organization's audit log, one a line (R54).
///
/// # Errors
/// `AuditTree` without keys; `Invalid` without an organization.
pub fn audit_keys(request: &Request<'_>, config: &Config) -> Result<String> {
    let organization = query::organization(request.query())?;
    public::keys(organization.as_deref(), config)
}

/// The headers of every file: they keep other sites' scripts and frames away.
pub const FILE_HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];
/// The headers of a file that are of its content: a 304 has none of them.
pub const CONTENT_HEADERS: [&str; 2] = ["content-length", "content-type"];

/// What becomes of a file, as its store has answered.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Whether the browser has it already: 304, without its content.
    pub is_known: bool,
    /// Where else it is, for the browser.
    pub location: Option<String>,
}

/// Takes an answer of the store by its status, its entity tag and its `Location`, which has no idea
/// of the path above it.
///
/// # Errors
/// `NotFound`.
pub fn file(
    request: &Request<'_>,
    status: u16,
    etag: &str,
    location: Option<&str>,
) -> Result<File> {
    if status == 404 {
        return Err(Error::NotFound { what: "file" });
    }
    Ok(File {
        is_known: status == 200 && has_already(request, etag),
        location: location
            .filter(|location| location.starts_with('/'))
            .map(|location| format!("{}{location}", super::route::DASHBOARD)),
    })
}

fn has_already(request: &Request<'_>, etag: &str) -> bool {
    let known = request.header("if-none-match");
    known.is_some_and(|known| conditional::is_known(&known, etag))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sent;
    use super::*;
    use crate::testing::config;

    #[test]
    fn without_keys_for_assertions_the_set_is_empty() {
        assert_eq!(key_set(&config()), Ok(r#"{"keys":[]}"#.to_owned()));
    }

    #[test]
    fn a_file_is_there_known_elsewhere_or_not_found() {
        const MISSING: Error = Error::NotFound { what: "file" };
        let is = |is_known, location: Option<&str>| {
            Ok(File {
                is_known,
                location: location.map(str::to_owned),
            })
        };
        let rows = [
            (200, None, None, is(false, None)),
            (200, Some("\"a\""), None, is(true, None)),
            (200, Some("\"b\""), None, is(false, None)),
            (
                307,
                Some("\"a\""),
                Some("/"),
                is(false, Some("/dashboard/")),
            ),
            (307, None, Some("https://else.example/"), is(false, None)),
            (404, Some("\"a\""), None, Err(MISSING)),
            (500, None, None, is(false, None)),
        ];
        for (status, known, location, expected) in rows {
            let mut sent = Sent::new("GET", "/dashboard/app.js");
            if let Some(known) = known {
                sent = sent.with("if-none-match", known);
            }
            let found = file(&sent.request(), status, "\"a\"", location);
            assert_eq!(found, expected, "{status} {known:?} {location:?}");
        }
    }
}
