//! A verifier of the gateway's assertions, as an origin would have it: believes no
//! call but those that the gateway let through, for this origin, this path and
//! this body, once. Takes no part of the gateway's code, only its documents.

mod keys;
mod layer;
mod spent;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use serde::Deserialize;

use crate::calls::streams;
use crate::digest::sha256_hex;
use keys::Keys;
use spent::Spent;

pub use keys::KeySetError;
pub(crate) use layer::require;

/// The header that carries the assertion.
pub const HEADER: &str = "postern-assertion";

/// The names that the algorithm has: of RFC 8037, and of RFC 9864. A gateway may go over from one
/// to the other while a key set is remembered, so both go with either.
const ALGORITHMS: [&str; 2] = ["EdDSA", "Ed25519"];
/// Longest assertion that is looked into.
const MAX_ASSERTION: usize = 8 * 1024;
/// Longest life that is believed, in seconds.
const MAX_LIFE: u64 = 60;
/// By how much the gateway's clock may differ from ours, in seconds.
const SKEW: u64 = 5;

/// Seconds since 1970, as somebody tells them.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Verifies assertions for one origin. Clones share keys and memory.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: Keys,
    audience: String,
    clock: Clock,
    spent: Mutex<Spent>,
}

/// What the gateway says of a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
    jti: String,
    method: String,
    operation: String,
    body_sha256: Option<String>,
    /// Id of the token that called.
    pub sub: String,
    /// How far the token reaches, as a path.
    pub scope: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No assertion at all: the call went around the gate.
    Missing,
    /// More than one.
    Several,
    /// Not a JWT with the claims that are needed.
    Malformed,
    /// A JWT for something else.
    Type,
    /// Signed by another algorithm than Ed25519.
    Algorithm,
    /// Signed with a key that is not, or no longer, published.
    UnknownKey,
    /// Not signed by the key that it names, or changed since.
    Signature,
    /// Not issued by a gate.
    Issuer,
    /// For another origin.
    Audience,
    /// Lives longer than an assertion may.
    Life,
    /// From the future.
    Early,
    /// Too old.
    Expired,
    /// For another call.
    Operation,
    /// Says nothing of the body.
    BodyNotCovered,
    /// For another body.
    Body,
    /// Used before.
    Replayed,
    /// Not the caller's fault: too many assertions to remember.
    Full,
    /// Not the caller's fault: the key set cannot be had.
    Keys(KeySetError),
}

impl Refusal {
    /// Whether the same call may succeed a little later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Full | Self::Keys(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::Missing => "there is none: the call did not come through the gateway",
            Self::Several => "there are several",
            Self::Malformed => "it is not of the expected form",
            Self::Type => "it is a JWT of another type",
            Self::Algorithm => "it is not signed with Ed25519",
            Self::UnknownKey => "its key is not in the key set",
            Self::Signature => "its signature is wrong",
            Self::Issuer => "it has another issuer",
            Self::Audience => "it is for another audience",
            Self::Life => "it lives for too long",
            Self::Early => "it is from the future",
            Self::Expired => "it has expired",
            Self::Operation => "it is for another operation",
            Self::BodyNotCovered => "it does not cover the body",
            Self::Body => "it is for another body",
            Self::Replayed => "it has been used before",
            Self::Full => "too many are in use at once",
            Self::Keys(error) => return write!(f, "assertion: {error}"),
        };
        write!(f, "assertion: {why}")
    }
}

impl std::error::Error for Refusal {}

impl Verifier {
    /// Verifies with the keys at `jwks_url` (`http://…`: this sample speaks no
    /// TLS; a real origin fetches them over it) what is for `audience`.
    ///
    /// Fails when the URL is not of that form.
    pub fn new(jwks_url: &str, audience: &str) -> Result<Self, KeySetError> {
        let keys = Keys::at(jwks_url)?;
        Ok(Self::with(keys, audience, Arc::new(system_seconds)))
    }

    /// The same by another clock, for tests.
    pub fn with_clock(jwks_url: &str, audience: &str, clock: Clock) -> Result<Self, KeySetError> {
        Ok(Self::with(Keys::at(jwks_url)?, audience, clock))
    }

    fn with(keys: Keys, audience: &str, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            keys,
            audience: audience.to_owned(),
            clock,
            spent: Mutex::default(),
        }))
    }

    /// Believes the assertion for a call of this method and target (path and
    /// query) with this body, or says why
    /// not. The assertion is spent only when everything else about it is right,
    /// so that nobody can spend one by bending it.
    pub async fn verify(
        &self,
        assertion: &str,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> Result<Claims, Refusal> {
        let now = (self.0.clock)();
        let claims = self.signed(assertion, now).await?;
        if claims.iss != "postern" {
            return Err(Refusal::Issuer);
        }
        if claims.aud != self.0.audience {
            return Err(Refusal::Audience);
        }
        if claims.exp.saturating_sub(claims.iat) > MAX_LIFE {
            return Err(Refusal::Life);
        }
        if claims.iat > now.saturating_add(SKEW) {
            return Err(Refusal::Early);
        }
        if claims.exp.saturating_add(SKEW) <= now {
            return Err(Refusal::Expired);
        }
        if claims.method != method || claims.operation != target {
            return Err(Refusal::Operation);
        }
        match &claims.body_sha256 {
            // What the gateway streams it cannot vouch for.
            None if !streams(target) => return Err(Refusal::BodyNotCovered),
            Some(hash) if *hash != sha256_hex(body) => return Err(Refusal::Body),
            None | Some(_) => {}
        }
        // As long as it would be believed.
        let until = claims.exp.saturating_add(SKEW);
        let mut spent = self.0.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.take(&claims.jti, until, now)?;
        Ok(claims)
    }

    /// The claims of a JWT of our kind that a published key has signed.
    async fn signed(&self, assertion: &str, now: u64) -> Result<Claims, Refusal> {
        if assertion.len() > MAX_ASSERTION {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = assertion.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed);
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| Refusal::Malformed)?;
        if header.typ != "postern-assertion+jwt" {
            return Err(Refusal::Type);
        }
        if !ALGORITHMS.contains(&header.alg.as_str()) {
            return Err(Refusal::Algorithm);
        }
        let signature =
            Signature::from_slice(&decode(signature)?).map_err(|_| Refusal::Malformed)?;
        let key = self.0.keys.find(&header.kid, now).await?;
        key.verify_strict(signed.as_bytes(), &signature)
            .map_err(|_| Refusal::Signature)?;
        serde_json::from_slice(&decode(claims)?).map_err(|_| Refusal::Malformed)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", self.0.audience)
    }
}

fn system_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
