//! From an `Authorization` header to a credential that could be ours, offline.
//!
//! INVARIANT (strangers create nothing): [`present`] touches no store; only what it lets through is
//! asked about.

use std::rc::Rc;

use postern_domain::id::{OrganizationId, PersonId, TokenId};
use postern_domain::name::Label;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::OPAQUE_PREFIX;
use postern_wire::bearer::{self, BearerError, MAX_CREDENTIAL};
use postern_wire::job::{JobToken, MAX_JOB_TOKEN};
use postern_wire::jwt::{self, JwtError, Verified};
use postern_wire::opaque::{self, OpaqueError};

use crate::Gate;
use crate::activity::KnownToken;
use crate::config::Config;
use crate::error::{CredentialError, Error};
use crate::job_bearer::JobBearer;

const TOO_LONG: &str = "longer than any token";

/// A credential that passed every check that needs no store.
#[derive(Debug)]
pub enum Presented {
    /// An administrator key, by its name where it has one.
    Administrator(Option<Rc<Label>>),
    /// An opaque key whose check digits are ours.
    Opaque {
        /// The id in it.
        id: TokenId,
        /// The whole key.
        key: Secret,
    },
    /// A JWT that a key of ours has signed.
    Jwt(Rc<Verified>),
    /// A job token as it is, which its issuer has signed and a Ledger knows (R47).
    Job(Rc<JobBearer>),
}

impl Presented {
    /// The id that the credential names; `None` for an administrator key.
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Self::Administrator(_) => None,
            Self::Opaque { id, .. } => Some(*id),
            Self::Jwt(verified) => Some(verified.id),
            Self::Job(job) => Some(job.token),
        }
    }

    /// The name of the administrator key, where it is one and has a name.
    pub fn key_name(&self) -> Option<Rc<Label>> {
        match self {
            Self::Administrator(name) => name.clone(),
            Self::Opaque { .. } | Self::Jwt(_) | Self::Job(_) => None,
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

/// What comes with a call for the origin.
#[derive(Debug)]
pub(crate) enum Shown {
    /// A credential that was checked.
    Checked(Recognized),
    /// A text that says it is a job token of an issuer of the deployment. Nobody has verified that.
    Job(Secret),
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
    match check(credential(header, MAX_CREDENTIAL)?, config, now)? {
        Shown::Checked(Recognized::Ours(presented)) => Ok(presented),
        Shown::Checked(Recognized::Person(_)) => Err(CredentialError::PersonManages),
        Shown::Job(_) => Err(CredentialError::JobManages),
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
) -> core::result::Result<Shown, CredentialError> {
    check(credential(header, longest(config))?, config, now)
}

/// As [`shown`], for a gateway that remembers which JWTs it has verified.
///
/// # Errors
/// As of [`present`].
pub(crate) fn recognize(
    header: Option<&str>,
    gate: &mut Gate,
    now: Timestamp,
) -> core::result::Result<Shown, CredentialError> {
    let config = gate.config();
    let credential = credential(header, longest(&config))?;
    if let Some(verified) = gate.memory.verified.find(&credential) {
        jwt::times(&verified.claims, now, config.jwt_leeway_seconds).map_err(jwt_refusal)?;
        return Ok(ours(Presented::Jwt(verified)));
    }
    let is_opaque = credential.expose().starts_with(OPAQUE_PREFIX);
    if !is_opaque && gate.memory.bearers.find(&credential).is_some() {
        return Ok(Shown::Job(credential));
    }
    let text = (!is_opaque).then(|| Secret::new(credential.expose().to_owned()));
    let recognized = check(credential, &config, now)?;
    if let (Shown::Checked(Recognized::Ours(Presented::Jwt(verified))), Some(text)) =
        (&recognized, text)
    {
        gate.memory.verified.remember(text, verified);
    }
    Ok(recognized)
}

/// By how much the times of a JWT are widened to find out whose it was, in seconds: 100 years.
const LONG_AGO: i64 = 100 * 365 * 86_400;

/// The token that a refused credential was, where it was refused for its time alone: a key of ours has
/// signed that it is this token of this organization. What is refused is counted for it then (R49).
pub fn was(
    header: Option<&str>,
    refused: &Error,
    config: &Config,
    now: Timestamp,
) -> Option<KnownToken> {
    let (Error::Credential(cause) | Error::TooManyFailures { cause, .. }) = refused else {
        return None;
    };
    if !matches!(cause, CredentialError::Expired(_)) {
        return None;
    }
    let credential = credential(header, MAX_CREDENTIAL).ok()?;
    let verified = jwt::verify(&credential, config.jwt_keys(), now, LONG_AGO).ok()?;
    Some(KnownToken {
        organization: OrganizationId::parse(verified.claims.organization()?).ok()?,
        token: verified.id,
    })
}

/// Most bytes of a credential on a call: job tokens are longer than the others.
fn longest(config: &Config) -> usize {
    match config.ci {
        Some(_) => MAX_JOB_TOKEN.max(MAX_CREDENTIAL),
        None => MAX_CREDENTIAL,
    }
}

fn credential(
    header: Option<&str>,
    longest: usize,
) -> core::result::Result<Secret, CredentialError> {
    bearer::credential_within(header, longest).map_err(|error| match error {
        BearerError::Missing => CredentialError::Missing,
        BearerError::NotBearer => CredentialError::Malformed("another scheme than Bearer"),
        BearerError::Several => CredentialError::Malformed("more than one credential"),
        BearerError::TooLong => CredentialError::Malformed(TOO_LONG),
        BearerError::Malformed => CredentialError::Malformed("not a Bearer credential"),
    })
}

fn check(
    credential: Secret,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Shown, CredentialError> {
    let text = credential.expose();
    if text.len() > MAX_CREDENTIAL {
        return match is_job_token(&credential, config) {
            true => Ok(Shown::Job(credential)),
            false => Err(CredentialError::Malformed(TOO_LONG)),
        };
    }
    if text.starts_with(OPAQUE_PREFIX) {
        return match opaque::check(&credential, &config.root_keys.check) {
            Ok(id) => Ok(ours(Presented::Opaque {
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
    if let Some(key) = config.admin.as_ref().and_then(|keys| keys.find(text)) {
        return Ok(ours(Presented::Administrator(key.name())));
    }
    if text.split('.').count() == 3 {
        let leeway = config.jwt_leeway_seconds;
        return match jwt::verify(&credential, config.jwt_keys(), now, leeway) {
            Ok(verified) => Ok(ours(Presented::Jwt(Rc::new(verified)))),
            Err(_) if is_job_token(&credential, config) => Ok(Shown::Job(credential)),
            Err(error) => person(&credential, error, config, now),
        };
    }
    // A wrong administrator key and random text look the same, and get the same answer.
    Err(CredentialError::NoForm)
}

fn ours(presented: Presented) -> Shown {
    Shown::Checked(Recognized::Ours(presented))
}

/// Whether a text says that it is a job token of one of the deployment's issuers. Whether that is true,
/// the issuer's keys say.
pub fn is_job_token(credential: &Secret, config: &Config) -> bool {
    let issuers = config.ci.as_ref().map(|ci| &ci.issuers);
    issuers.is_some_and(|issuers| {
        JobToken::parse(credential)
            .is_ok_and(|token| issuers.of_url(token.claimed_issuer()).is_some())
    })
}

/// A JWT that is no token of the registry: a person's, or refused.
fn person(
    credential: &Secret,
    error: JwtError,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Shown, CredentialError> {
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
        true => Ok(Shown::Checked(Recognized::Person(person))),
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
