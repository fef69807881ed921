//! Assertions for the origin: a short-lived JWT (RFC 7519) that says what the gateway decided,
//! signed with Ed25519 (RFC 8037), and the key set that verifies it. The claims come from
//! `crates/gate/src/assertion.rs`; examples/origin shows how an origin verifies.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;

use postern_domain::audit::NotedChanges;
use postern_domain::id::{Organization, Project, TokenId, Workflow};
use postern_domain::keys::KeyRing;
use postern_domain::scope::{Named, Scope};
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;

/// The header that carries the assertion to the origin.
pub const HEADER: &str = "postern-assertion";
/// The issuer of every assertion. The same for all gates: which gateway it was is told by the keys
/// that the origin trusts, not by a name that anybody can write.
pub const ISSUER: &str = "postern";
/// `typ` of the JOSE header, so that no other JWT of the gateway can stand for one (RFC 8725,
/// 3.11).
pub const TYPE: &str = "postern-assertion+jwt";
/// Media type of the key set (RFC 7517, section 8.5.2).
pub const JWKS_CONTENT_TYPE: &str = "application/jwk-set+json";
/// Length of a seed, in bytes (RFC 8032, section 5.1.5).
const SEED_BYTES: usize = 32;

/// What signatures are called, in assertions and in the key set. Both names mean the same
/// signatures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// The name of RFC 8037, which says the curve nowhere: every verifier knows it.
    #[default]
    EdDsa,
    /// The name of RFC 9864, which replaces it.
    Ed25519,
}

impl Algorithm {
    /// Reads the name, exactly as it is registered.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::EdDsa, Self::Ed25519]
            .into_iter()
            .find(|known| known.name() == text)
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }
}

/// Key pairs of which the first signs and all are published. Wiped when dropped.
pub struct AssertionKeys {
    pairs: Vec<(String, SigningKey)>,
    algorithm: Algorithm,
}

/// An entry of the ring, by its place, that is no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedError {
    /// Which one, from 1.
    pub place: usize,
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "entry {}: the seed is not {SEED_BYTES} bytes",
            self.place
        )
    }
}

impl AssertionKeys {
    /// Derives the key pairs; once for each configuration, not for each call. Their signatures go
    /// by the name of this algorithm.
    ///
    /// # Errors
    /// The first entry that is no seed of 32 bytes.
    pub fn from_seeds(ring: &KeyRing, algorithm: Algorithm) -> Result<Self, SeedError> {
        let pair = |(index, key): (usize, &postern_domain::keys::Key)| {
            let seed = key.expose().first_chunk::<SEED_BYTES>();
            seed.filter(|_| key.expose().len() == SEED_BYTES)
                .map(|seed| (key.kid().to_owned(), SigningKey::from_bytes(seed)))
                .ok_or(SeedError { place: index + 1 })
        };
        let pairs = ring
            .iter()
            .enumerate()
            .map(pair)
            .collect::<Result<_, _>>()?;
        Ok(Self { pairs, algorithm })
    }

    /// The public halves, as the origin fetches them (RFC 7517, RFC 8037).
    pub fn published(&self) -> KeySet<'_> {
        let keys = self.pairs.iter().map(|(kid, key)| PublicKey {
            kty: "OKP",
            crv: "Ed25519",
            usage: "sig",
            alg: self.algorithm.name(),
            kid,
            x: URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()),
        });
        KeySet {
            keys: keys.collect(),
        }
    }
}

impl fmt::Debug for AssertionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.pairs.iter().map(|(kid, _)| kid))
            .finish()
    }
}

/// A JWK set.
#[derive(Debug, Default, Serialize)]
pub struct KeySet<'a> {
    keys: Vec<PublicKey<'a>>,
}

/// A public key of the set.
#[derive(Debug, Serialize)]
struct PublicKey<'a> {
    kty: &'a str,
    crv: &'a str,
    #[serde(rename = "use")]
    usage: &'a str,
    alg: &'a str,
    kid: &'a str,
    x: String,
}

/// What the gateway vouches for. `iss`, `iat` and `exp` are added when it is signed.
#[derive(Debug, Serialize)]
pub struct Claims<'a> {
    /// Whom it is for: the origin.
    pub aud: &'a str,
    /// The token that called.
    pub sub: TokenId,
    /// A random UUID; the origin takes each once.
    pub jti: String,
    /// The token's organization.
    pub org: &'a Named<Organization>,
    /// How far the token reaches: see [`scope_path`].
    pub scope: String,
    /// The project of its scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<&'a Named<Project>>,
    /// The workflow of its scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<&'a Named<Workflow>>,
    /// The method of the request.
    pub method: &'a str,
    /// Path and query that were decided on, below the base path of the origin.
    pub operation: &'a str,
    /// SHA-256 of the body as the origin gets it, in lower case hex; absent where the gateway
    /// passes the body on without reading it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
    /// As in `X-Request-Id`, the gateway's log and audit rows.
    pub request_id: &'a str,
    /// The CI job that the token was given to, where a trust rule gave it (R47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci_job: Option<NotedChanges>,
}

/// `organization`, `project/<name>` or `workflow/<project>/<name>`. For reading; the ids of
/// `project` and `workflow` are what lasts.
pub fn scope_path(scope: &Scope) -> String {
    match scope {
        Scope::Organization => "organization".to_owned(),
        Scope::Project { project } => format!("project/{}", project.name),
        Scope::Workflow { project, workflow } => {
            format!("workflow/{}/{}", project.name, workflow.name)
        }
    }
}

/// The claims are no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueError;

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the assertion cannot be written")
    }
}

#[derive(Serialize)]
struct JoseHeader<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Issued<'a> {
    iss: &'a str,
    /// Seconds since the epoch, as `exp`.
    iat: i64,
    exp: i64,
    #[serde(flatten)]
    claims: &'a Claims<'a>,
}

/// Signs the claims with the first key, in compact form (RFC 7515, section 3.1). The result is
/// good for one call to one origin; until it is spent it can make that call, so it is kept like a
/// secret.
///
/// # Errors
/// [`IssueError`] if the claims cannot be written as JSON.
pub fn issue(
    claims: &Claims<'_>,
    at: Timestamp,
    lifetime_seconds: u32,
    keys: &AssertionKeys,
) -> Result<Secret, IssueError> {
    let (kid, key) = keys.pairs.first().ok_or(IssueError)?;
    let header = JoseHeader {
        alg: keys.algorithm.name(),
        typ: TYPE,
        kid,
    };
    let iat = at.as_seconds();
    let issued = Issued {
        iss: ISSUER,
        iat,
        exp: iat + i64::from(lifetime_seconds),
        claims,
    };
    let mut token = part(&header)?;
    token.push('.');
    token.push_str(&part(&issued)?);
    let signature = key.sign(token.as_bytes()).to_bytes();
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(Secret::new(token))
}

fn part(value: &impl Serialize) -> Result<String, IssueError> {
    let json = serde_json::to_vec(value).map_err(|_| IssueError)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests;
