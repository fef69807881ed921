//! Whether a presented credential is the one that a row describes (R2, R4), and how rows of earlier
//! releases come to know what was signed.

use postern_domain::claims::{Claims, Pair};
use postern_domain::id::Id;
use postern_domain::keys::KeyRing;
use postern_domain::scope::Named;
use postern_domain::token::{Signed, TokenFacts, Verifier};
use postern_wire::jwt::Verified;
use postern_wire::opaque;

use crate::config::Config;
use crate::credential::Presented;
use crate::error::CredentialError;

/// Whether the presented credential is the one that the facts describe (R2, R4).
///
/// # Errors
/// What does not fit.
pub fn prove(
    presented: &Presented,
    facts: &TokenFacts,
    peppers: &KeyRing,
) -> core::result::Result<(), CredentialError> {
    if facts.is_job_token() != matches!(presented, Presented::Job(_)) {
        return Err(CredentialError::Refused("format mismatch"));
    }
    match (presented, &facts.verifier) {
        (Presented::Opaque { key, .. }, Verifier::Opaque { pepper, hash }) => {
            if opaque::matches(key, pepper, hash, peppers) {
                Ok(())
            } else {
                Err(CredentialError::Refused("hash mismatch"))
            }
        }
        (Presented::Jwt(verified), Verifier::Jwt { signed: minted }) => match &verified.signed {
            Some(presented) => {
                claims_match(verified, facts)?;
                as_minted(presented, minted.as_ref())
            }
            None => Err(CredentialError::Refused("format mismatch")),
        },
        // What its issuer signed, all of it: another token with the same `jti` is another one.
        (Presented::Job(job), Verifier::Jwt { signed: shown }) => match shown {
            Some(shown) if *shown == job.signed => Ok(()),
            _ => Err(CredentialError::Refused(
                "signed otherwise than it was shown first",
            )),
        },
        (Presented::Jwt(verified), Verifier::Adopted { claims }) if verified.signed.is_none() => {
            as_registered(&verified.claims, claims)
        }
        _ => Err(CredentialError::Refused("format mismatch")),
    }
}

/// R4: organization, project and workflow equal, including absence.
fn claims_match(
    verified: &Verified,
    facts: &TokenFacts,
) -> core::result::Result<(), CredentialError> {
    let claims = &verified.claims;
    if claims.org_id.as_deref() != Some(facts.organization.id.to_string().as_str()) {
        return Err(CredentialError::Refused("organization mismatch"));
    }
    if !same(claims.project(), facts.scope.project()) {
        return Err(CredentialError::Refused("project mismatch"));
    }
    if !same(claims.workflow(), facts.scope.workflow()) {
        return Err(CredentialError::Refused("workflow mismatch"));
    }
    Ok(())
}

/// The signed text must be the one that was minted, under the key of that day. Another key of the
/// ring, or other claims under the same key, mean that somebody who has that key forged the token.
fn as_minted(
    presented: &Signed,
    minted: Option<&Signed>,
) -> core::result::Result<(), CredentialError> {
    match minted {
        Some(minted) if minted.kid != presented.kid => Err(CredentialError::Refused(
            "signed under another key than when it was minted",
        )),
        Some(minted) if minted.digest != presented.digest => Err(CredentialError::Refused(
            "signed otherwise than it was minted",
        )),
        // One of an earlier release: see `bindable`.
        Some(_) | None => Ok(()),
    }
}

/// What a token of an earlier release, whose facts do not say what was signed, is to be bound to:
/// what is shown, if the first key signed it. What another key signed may be a forgery, and is
/// refused until then. `None` where the facts say it.
pub(crate) fn bindable(
    presented: &Presented,
    facts: &TokenFacts,
    config: &Config,
) -> core::result::Result<Option<Signed>, CredentialError> {
    let signed = match presented {
        Presented::Jwt(verified) if facts.unbound() => verified.signed.as_ref(),
        _ => return Ok(None),
    };
    let first = config.token_keys.signing().kid();
    let signed = signed
        .filter(|signed| signed.kid == first)
        .ok_or(CredentialError::Refused(
            "not signed by the first key, and not bound to another yet",
        ))?;
    Ok(Some(signed.clone()))
}

/// R4 for adopted tokens: every claim as it was registered, absence included.
fn as_registered(
    claims: &Claims,
    registered: &Claims,
) -> core::result::Result<(), CredentialError> {
    let organization = |claims: &Claims| (claims.org_id.clone(), claims.org_name.clone());
    let why = if organization(claims) != organization(registered) {
        "organization mismatch"
    } else if claims.project() != registered.project() {
        "project mismatch"
    } else if claims.workflow() != registered.workflow() {
        "workflow mismatch"
    } else if claims != registered {
        "claims mismatch"
    } else {
        return Ok(());
    };
    Err(CredentialError::Refused(why))
}

fn same<K>(claim: Option<Pair>, row: Option<&Named<K>>) -> bool {
    match (claim, row) {
        (None, None) => true,
        (Some(claim), Some(row)) => Id::parse(&claim.id) == Ok(row.id),
        _ => false,
    }
}
