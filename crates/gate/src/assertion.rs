//! What the gateway tells the origin about a call that it lets through. Only calls of tokens have
//! one: for other callers there is nothing to vouch for.

use sha2::{Digest as _, Sha256};

use super::config::Config;
use super::error::{Error, Result};
use postern_domain::audit::hex;
use postern_domain::caller::Caller;
use postern_domain::id::{Id, Token};
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_wire::assertion::{Claims, issue, scope_path};

/// A call as it goes to the origin.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Path and query that were decided on.
    pub operation: &'a str,
    /// The body, byte for byte; `None` where it passes unread.
    pub body: Option<&'a [u8]>,
    /// The id of the request.
    pub request_id: &'a str,
}

/// The assertion for a call, where `ORIGIN_AUTH` asks for one and the caller is a token.
///
/// # Errors
/// `Unavailable` when it cannot be signed; the call must then not go out.
pub fn assertion(
    caller: &Caller,
    call: Forwarded<'_>,
    config: &Config,
    now: Timestamp,
    entropy: [u8; 16],
) -> Result<Option<Secret>> {
    let (Some(assertions), Caller::Token(facts)) = (&config.assertions, caller) else {
        return Ok(None);
    };
    if !config.is_asserted() {
        return Ok(None);
    }
    let claims = Claims {
        aud: &assertions.audience,
        sub: facts.id,
        // Formed like the id of a token, without being one.
        jti: Id::<Token>::from_random(entropy).to_string(),
        org: &facts.organization,
        scope: scope_path(&facts.scope),
        project: facts.scope.project(),
        workflow: facts.scope.workflow(),
        method: call.method,
        operation: call.operation,
        body_sha256: call.body.map(|body| hex(&Sha256::digest(body))),
        request_id: call.request_id,
        ci_job: facts.ci_job.as_ref().map(|job| job.noted()),
    };
    issue(&claims, now, assertions.lifetime_seconds, &assertions.keys)
        .map(Some)
        .map_err(Error::unavailable)
}

#[cfg(test)]
mod tests;
