//! From an `Authorization` header to a credential that could be ours, offline.
//!
//! INVARIANT (strangers create nothing): [`present`] touches no store; only what it lets through is
//! asked about.

use std::rc::Rc;

use postern_domain::id::TokenId;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::OPAQUE_PREFIX;
use postern_wire::bearer::{self, BearerError};
use postern_wire::jwt::{self, JwtError, Verified};
use postern_wire::opaque::{self, OpaqueError};

use crate::Gate;
use crate::config::Config;
use crate::error::CredentialError;

/// A credential that passed every check that needs no store.
#[derive(Debug)]
pub enum Presented {
    /// An administrator key.
    Administrator,
    /// An opaque key whose check digits are ours.
    Opaque {
        /// The id in it.
        id: TokenId,
        /// The whole key.
        key: Secret,
    },
    /// A JWT that a key of ours has signed.
    Jwt(Rc<Verified>),
}

impl Presented {
    /// The id that the credential names; `None` for an administrator key.
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Self::Administrator => None,
            Self::Opaque { id, .. } => Some(*id),
            Self::Jwt(verified) => Some(verified.id),
        }
    }
}

/// Checks the header offline.
///
/// # Errors
/// The reason; see [`CredentialError`] for what the client learns of it.
pub fn present(
    header: Option<&str>,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Presented, CredentialError> {
    check(credential(header)?, config, now)
}

/// The same, for a gateway that remembers which JWTs it has verified.
///
/// # Errors
/// As of [`present`].
pub(crate) fn recognize(
    header: Option<&str>,
    gate: &mut Gate,
    now: Timestamp,
) -> core::result::Result<Presented, CredentialError> {
    let (credential, config) = (credential(header)?, gate.config());
    if let Some(verified) = gate.memory.verified.find(&credential) {
        jwt::times(&verified.claims, now, config.jwt_leeway_seconds).map_err(jwt_refusal)?;
        return Ok(Presented::Jwt(verified));
    }
    let is_opaque = credential.expose().starts_with(OPAQUE_PREFIX);
    let text = (!is_opaque).then(|| Secret::new(credential.expose().to_owned()));
    let presented = check(credential, &config, now)?;
    if let (Presented::Jwt(verified), Some(text)) = (&presented, text) {
        gate.memory.verified.remember(text, verified);
    }
    Ok(presented)
}

fn credential(header: Option<&str>) -> core::result::Result<Secret, CredentialError> {
    bearer::credential(header).map_err(|error| match error {
        BearerError::Missing => CredentialError::Missing,
        BearerError::NotBearer => CredentialError::Malformed("another scheme than Bearer"),
        BearerError::Several => CredentialError::Malformed("more than one credential"),
        BearerError::TooLong => CredentialError::Malformed("longer than any token"),
        BearerError::Malformed => CredentialError::Malformed("not a Bearer credential"),
    })
}

fn check(
    credential: Secret,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Presented, CredentialError> {
    let text = credential.expose();
    if text.starts_with(OPAQUE_PREFIX) {
        return match opaque::check(&credential, &config.root_keys.check) {
            Ok(id) => Ok(Presented::Opaque {
                id,
                key: credential,
            }),
            Err(OpaqueError::Malformed) => Err(CredentialError::Malformed("opaque key grammar")),
            Err(OpaqueError::Checksum) => Err(CredentialError::Malformed("opaque key checksum")),
            Err(OpaqueError::NotOurs) => {
                Err(CredentialError::Refused("opaque key check digits: forged"))
            }
        };
    }
    let admin = config.admin.as_ref();
    if admin.is_some_and(|admin| admin.matches(text)) {
        return Ok(Presented::Administrator);
    }
    if text.split('.').count() == 3 {
        return jwt::verify(
            &credential,
            config.jwt_keys(),
            now,
            config.jwt_leeway_seconds,
        )
        .map(|verified| Presented::Jwt(Rc::new(verified)))
        .map_err(jwt_refusal);
    }
    // A wrong administrator key and random text look the same, and get the same answer.
    Err(CredentialError::NoForm)
}

fn jwt_refusal(error: JwtError) -> CredentialError {
    match error {
        JwtError::Malformed(why) => CredentialError::Malformed(why),
        JwtError::Algorithm => CredentialError::Malformed("JWT algorithm is not HS256"),
        JwtError::Critical => CredentialError::Malformed("JWT with critical extensions"),
        JwtError::Stale => CredentialError::Stale,
        JwtError::Foreign => CredentialError::Refused("JWT of a foreign issuer"),
        JwtError::Claims(why) => CredentialError::Refused(why),
        JwtError::Audience => CredentialError::Refused("invalid audience"),
        JwtError::Expired => CredentialError::Expired("JWT expired"),
        JwtError::NotYetValid => CredentialError::Expired("JWT not valid yet"),
    }
}
