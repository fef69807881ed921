//! The token that a job token becomes: its id, which only that job token has, and its end.

use sha2::{Digest as _, Sha256};

use super::issuer::Issuer;
use super::rule::TrustRule;
use super::text::Jti;
use crate::id::{OrganizationId, TokenId};
use crate::time::Timestamp;

/// Keeps these hashes apart from all others of the gateway.
const BY_JTI: &str = "postern/job-token/1";
/// The same, for job tokens without `jti`.
const BY_BYTES: &str = "postern/job-token-bytes/1";

/// What tells a job token from every other of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Its `jti`.
    Jti(Jti),
    /// It has none, as those of Jenkins and Buildkite: SHA-256 over what was signed. The signature is no part
    /// of it, as one message can have several that hold.
    Signed([u8; 32]),
}

/// The id of the token that a job token becomes in an organization: out of SHA-256 over the organization,
/// the issuer and what marks the job token, as a UUID of version 8 (RFC 9562, section 5.8). Whoever presents the same job
/// token there again finds the same token: an exchange is refused because it exists, and a bearer finds the
/// one that the first call made. A job token whose audience leaves the organization open becomes one token
/// in each that it is presented to, so no organization can use another one's id up.
///
/// Only the ids of *organizations* tell a place by that version; the id of a token tells none.
pub fn token_id(organization: OrganizationId, issuer: &Issuer, mark: &Mark) -> TokenId {
    let (label, mark) = match mark {
        Mark::Jti(jti) => (BY_JTI, jti.as_str().as_bytes()),
        Mark::Signed(hash) => (BY_BYTES, hash.as_slice()),
    };
    // What stands in front of the mark has no end of a line but these.
    let front = format!("{label}\n{organization}\n{}\n", issuer.url());
    let hash = Sha256::new().chain_update(front).chain_update(mark);
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    TokenId::from_digest(id)
}

/// When that token ends: with the job token, and no later than the rule allows after `now`; in whole
/// seconds, rounded down. `None` = it would have ended already, and is not made.
pub fn ends_at(job_token_ends: Timestamp, now: Timestamp, rule: &TrustRule) -> Option<Timestamp> {
    let life = i64::from(rule.gives().longest_life_seconds());
    let end = job_token_ends
        .min(now.plus_millis(life * 1000))
        .floor_to_second();
    (end > now).then_some(end)
}
