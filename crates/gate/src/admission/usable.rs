//! Whether a token can be used: the Ledger says that it is active, its organization is not paused (R53),
//! and it has not expired.

use postern_domain::decide::Denial;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::token::{Format, TokenFacts};
use postern_ledger::{Admission, Liveness};

use crate::config::Config;
use crate::error::{CredentialError, Result};
use crate::memory::Memory;

/// Whether the Ledger says that a token is active.
pub(crate) fn active(liveness: Liveness) -> Result<()> {
    match liveness {
        Liveness::Live => Ok(()),
        Liveness::Revoked => Err(CredentialError::Refused("revoked token").into()),
        Liveness::Unknown => Err(CredentialError::Refused("unknown token").into()),
    }
}

/// Whether the organization of a proven token is not paused (R53).
pub(crate) fn running(paused: bool) -> Result<()> {
    match paused {
        true => Err(Denial::OrganizationPaused.into()),
        false => Ok(()),
    }
}

/// Whether the Ledger still says that a token that was proven before can be used.
pub(crate) fn usable(admission: &Admission) -> Result<()> {
    active(admission.liveness)?;
    running(admission.paused)
}

/// Whether a row has expired: a JWT's has the same leeway as its `exp`, which is the same moment; but what a
/// trust rule gave ends when the rule says, in either format.
pub(super) fn expired(facts: &TokenFacts, config: &Config, now: Timestamp) -> bool {
    let is_lenient = facts.verifier.format() == Format::Jwt && facts.ci_job.is_none();
    let leeway = if is_lenient {
        config.jwt_leeway_seconds
    } else {
        0
    };
    facts.expired(now.plus_millis(-1000 * leeway))
}

impl Memory {
    /// Takes in whether a token that was proven before can be used, from an answer to a question that
    /// was asked without a claim.
    ///
    /// # Errors
    /// The refusal of its credential, or that its organization is paused.
    pub(crate) fn told_active(
        &mut self,
        organization: OrganizationId,
        token: TokenId,
        admission: &Admission,
    ) -> Result<()> {
        if admission.liveness != Liveness::Live {
            self.leases.forget(organization, token);
        }
        usable(admission)
    }
}
