//! From an `Authorization` header to a credential that could be ours, offline.
//!
//! INVARIANT (strangers create nothing): [`present`] touches no store; only what it lets through is
//! asked about.

use std::rc::Rc;

use postern_domain::id::{PersonId, TokenId};
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

/// Whose credential comes with a call for the origin.
#[derive(Debug)]
pub(crate) enum Recognized {
    /// One of the registry, whose Ledger is asked.
    Ours(Presented),
    /// A person's, whom the origin knows (R44). Nothing of the registry takes one.
    Person(PersonId),
}

/// Checks the header offline. INVARIANT (people manage nothing): what it gives is no person's, so
/// that management, which has no other way to a credential, cannot meet one.
///
/// # Errors
/// The reason; see [`CredentialError`] for what the client learns of it.
pub fn present(
    header: Option<&str>,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Presented, CredentialError> {
    match check(credential(header)?, config, now)? {
        Recognized::Ours(presented) => Ok(presented),
        Recognized::Person(_) => Err(CredentialError::PersonManages),
    }
}

/// The same for a call to the origin, where people may pass.
///
/// # Errors
/// As of [`present`].
pub(crate) fn shown(
    header: Option<&str>,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Recognized, CredentialError> {
    check(credential(header)?, config, now)
}

/// As [`shown`], for a gateway that remembers which JWTs it has verified.
///
/// # Errors
/// As of [`present`].
pub(crate) fn recognize(
    header: Option<&str>,
    gate: &mut Gate,
    now: Timestamp,
) -> core::result::Result<Recognized, CredentialError> {
    let (credential, config) = (credential(header)?, gate.config());
    if let Some(verified) = gate.memory.verified.find(&credential) {
        jwt::times(&verified.claims, now, config.jwt_leeway_seconds).map_err(jwt_refusal)?;
        return Ok(Recognized::Ours(Presented::Jwt(verified)));
    }
    let is_opaque = credential.expose().starts_with(OPAQUE_PREFIX);
    let text = (!is_opaque).then(|| Secret::new(credential.expose().to_owned()));
    let recognized = check(credential, &config, now)?;
    if let (Recognized::Ours(Presented::Jwt(verified)), Some(text)) = (&recognized, text) {
        gate.memory.verified.remember(text, verified);
    }
    Ok(recognized)
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
) -> core::result::Result<Recognized, CredentialError> {
    let text = credential.expose();
    if text.starts_with(OPAQUE_PREFIX) {
        return match opaque::check(&credential, &config.root_keys.check) {
            Ok(id) => Ok(Recognized::Ours(Presented::Opaque {
                id,
                key: credential,
            })),
            Err(OpaqueError::Malformed) => Err(CredentialError::Malformed("opaque key grammar")),
            Err(OpaqueError::Checksum) => Err(CredentialError::Malformed("opaque key checksum")),
            Err(OpaqueError::NotOurs) => {
                Err(CredentialError::Refused("opaque key check digits: forged"))
            }
        };
    }
    let admin = config.admin.as_ref();
    if admin.is_some_and(|admin| admin.matches(text)) {
        return Ok(Recognized::Ours(Presented::Administrator));
    }
    if text.split('.').count() == 3 {
        let leeway = config.jwt_leeway_seconds;
        return match jwt::verify(&credential, config.jwt_keys(), now, leeway) {
            Ok(verified) => Ok(Recognized::Ours(Presented::Jwt(Rc::new(verified)))),
            Err(error) => person(&credential, error, config, now),
        };
    }
    // A wrong administrator key and random text look the same, and get the same answer.
    Err(CredentialError::NoForm)
}

/// A JWT that is no token of the registry: a person's, or refused.
fn person(
    credential: &Secret,
    error: JwtError,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Recognized, CredentialError> {
    // Without the origin's key nobody can say whether it is stale; and with it nothing would change.
    let is_unread = error == JwtError::Stale && config.adopt_keys.is_none();
    if is_unread && jwt::is_for_people(credential) {
        return Err(CredentialError::PeopleDenied);
    }
    if error != JwtError::Audience {
        return Err(jwt_refusal(error));
    }
    let (keys, leeway) = (config.jwt_keys(), config.jwt_leeway_seconds);
    let person = jwt::person(credential, keys, now, leeway).map_err(jwt_refusal)?;
    match config.people {
        true => Ok(Recognized::Person(person)),
        false => Err(CredentialError::PeopleDenied),
    }
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
