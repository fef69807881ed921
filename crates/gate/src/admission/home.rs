//! Where the Ledger of a credential's token is: known, claimed, or for the stores to say.

use postern_domain::id::OrganizationId;
use postern_domain::token::TokenFacts;
use postern_wire::jwt::Verified;

use crate::config::Config;
use crate::credential::Presented;
use crate::error::{CredentialError, Result};
use crate::proof::prove;

/// Where the Ledger of a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In this organization.
    Known(OrganizationId),
    /// The stores have to say.
    Sought,
}

/// The organization whose Ledger has the token, where `known` are its facts as this isolate knows
/// them. What is known is proved already.
///
/// # Errors
/// Why the credential is not that token's.
pub fn home(presented: &Presented, known: Option<&TokenFacts>, config: &Config) -> Result<Home> {
    match (known, presented) {
        (Some(facts), _) => {
            prove(presented, facts, &config.root_keys.pepper)?;
            Ok(Home::Known(facts.organization.id))
        }
        (None, Presented::Jwt(verified)) if named_by_claim(verified) => {
            organization_claim(verified).map(Home::Known)
        }
        (None, Presented::Job(job)) => Ok(Home::Known(job.organization)),
        // An opaque key does not name its organization, nor does an old token of the origin: the
        // stores do.
        (None, _) => Ok(Home::Sought),
    }
}

/// The organization that the stores say. What else they say of the token is believed only to
/// refuse; what it may do comes from the Ledger.
///
/// # Errors
/// Why the credential is not that token's.
pub fn sought(
    presented: &Presented,
    found: Option<&TokenFacts>,
    config: &Config,
) -> Result<OrganizationId> {
    let found = found.ok_or(CredentialError::Refused("unknown token"))?;
    prove(presented, found, &config.root_keys.pepper)?;
    Ok(found.organization.id)
}

/// Whether the token says which organization it belongs to. One that is minted here must.
fn named_by_claim(verified: &Verified) -> bool {
    verified.signed.is_some() || verified.claims.organization().is_some()
}

fn organization_claim(verified: &Verified) -> Result<OrganizationId> {
    verified
        .claims
        .org_id
        .as_deref()
        .and_then(|id| OrganizationId::parse(id).ok())
        .ok_or_else(|| CredentialError::Refused("organization claim is not a UUID").into())
}
