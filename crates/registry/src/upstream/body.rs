//! The body by which an upstream credential is set: the credential itself, or the token of somebody who
//! may make one at the origin.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::mint::span_seconds;
use crate::registry::read_body;
use postern_domain::upstream::{Credential, DEFAULT_KEEP_SECONDS, MAX_KEEP_SECONDS, NoCredential};
use postern_wire::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUpstream {
    credential: Option<String>,
    create: Option<bool>,
    with: Option<String>,
    expires_in: Option<String>,
    #[serde(default, deserialize_with = "json::whole")]
    keep_replaced_seconds: Option<u32>,
}

/// What a body asks for.
pub struct Asked {
    /// The credential.
    pub source: Source,
    /// For how long one that is replaced is kept, in milliseconds.
    pub keep_ms: u32,
}

/// Where the credential comes from.
pub enum Source {
    /// It is here.
    Given(Credential),
    /// It is to be made at the origin.
    Create(Create),
}

/// How one is made.
pub struct Create {
    /// The token of somebody who may. It is sent to the origin and kept nowhere.
    pub with: Credential,
    /// For how long it is to live; `None` = without an end.
    pub lives_seconds: Option<u64>,
}

type Parsed = Option<core::result::Result<Credential, NoCredential>>;

/// Reads a body.
///
/// # Errors
/// `Invalid`.
pub fn read(body: &[u8]) -> Result<Asked> {
    let body: SetUpstream = read_body(body)?;
    // Wiped whatever becomes of them.
    let given: Parsed = body.credential.map(Credential::parse);
    let with: Parsed = body.with.map(Credential::parse);
    let source = match (given, body.create, with) {
        (Some(given), None, None) => {
            if body.expires_in.is_some() {
                return Err(wrong(
                    "`expires_in` needs `create`: a given credential has its own end",
                ));
            }
            let wrong = |why| Error::invalid("credential_invalid", format!("`credential` {why}"));
            Source::Given(given.map_err(wrong)?)
        }
        (None, Some(true), Some(with)) => {
            let wrong = |why| Error::invalid("with_invalid", format!("`with` {why}"));
            let with = with.map_err(wrong)?;
            let seconds = body.expires_in.as_deref().map(span_seconds).transpose()?;
            Source::Create(Create {
                with,
                lives_seconds: seconds.and_then(|seconds| u64::try_from(seconds).ok()),
            })
        }
        (None, None, None) => {
            return Err(Error::invalid(
                "body_invalid",
                "give a `credential`, or `create` and `with`",
            ));
        }
        (_, Some(false), _) => {
            return Err(wrong(
                "`create` can only be `true`: leave it out where you give a `credential`",
            ));
        }
        (Some(_), ..) => {
            return Err(wrong(
                "give a `credential`, or `create` and `with`, not both",
            ));
        }
        (None, Some(true), None) => {
            return Err(wrong(
                "`create` needs `with`: a token of the control plane that may create one there",
            ));
        }
        (None, None, Some(_)) => {
            return Err(wrong(
                "`with` needs `create`: it is used to create a credential",
            ));
        }
    };
    let seconds = body.keep_replaced_seconds.unwrap_or(DEFAULT_KEEP_SECONDS);
    if seconds > MAX_KEEP_SECONDS {
        return Err(Error::invalid(
            "keep_replaced_seconds_invalid",
            format!("`keep_replaced_seconds` must be 0 to {MAX_KEEP_SECONDS}"),
        ));
    }
    Ok(Asked {
        source,
        keep_ms: seconds * 1_000,
    })
}

fn wrong(detail: &str) -> Error {
    Error::invalid("create_invalid", detail)
}
