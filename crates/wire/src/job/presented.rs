//! A verified job before one organization: the token's id, which only its job token has there, and what the
//! organization's rules decide about. INVARIANT (no job unverified): nothing else makes the id.

use core::fmt;

use sha2::{Digest as _, Sha256};

use postern_domain::audit::hex;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::name::Label;
use postern_domain::time::Timestamp;
use postern_domain::token::Signed;
use postern_domain::trust::{Audience, Issuer, Job, Jti};

use super::claims::VerifiedJob;

/// Keeps these hashes apart from all others of the gateway.
const BY_JTI: &str = "postern/job-token/1";
/// The same, for job tokens without `jti`.
const BY_BYTES: &str = "postern/job-token-bytes/1";

/// What tells a job token from every other of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// Its `jti`.
    Jti(Jti),
    /// It has none, as those of Jenkins and Buildkite: SHA-256 over what was signed. The signature is no part
    /// of it, as one message can have several that hold.
    Signed([u8; 32]),
}

/// The token is for another organization: for the log. Whoever presents it gets
/// [`REFUSED`](postern_domain::trust::REFUSED).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherOrganization;

impl fmt::Display for OtherOrganization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is for another organization")
    }
}

/// A verified job before one organization, whose Ledger decides what it gets
/// ([`grant`](postern_domain::trust::grant)). Made by [`VerifiedJob::before`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedJob {
    organization: OrganizationId,
    token_id: TokenId,
    job: Job,
    ends_at: Timestamp,
    signed: Signed,
}

impl PresentedJob {
    /// To which organization.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The id of the token that the job token becomes. Whoever presents the same job token there again finds
    /// the same token: an exchange is refused because it exists, and a bearer finds the one that the first
    /// call made. A job token whose audience leaves the organization open becomes one token in each, so none
    /// can use another one's id up.
    pub fn token_id(&self) -> TokenId {
        self.token_id
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// When the job token ends here, in whole seconds: at `exp`, or
    /// [`MAX_AGE_SECONDS`](super::MAX_AGE_SECONDS) after it was made, whichever is first.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// What was signed, and by which issuer: what proves a bearer when it comes again.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }
}

impl VerifiedJob {
    /// The job, presented to the organization that
    /// [`Audience::organization`](postern_domain::trust::Audience::organization) names, and to no other.
    ///
    /// # Errors
    /// [`OtherOrganization`] where the token says another one, signed.
    pub fn before(
        self,
        organization: OrganizationId,
        name: &Label,
    ) -> Result<PresentedJob, OtherOrganization> {
        if matches!(self.audience(), Audience::Organization(signed) if signed != name) {
            return Err(OtherOrganization);
        }
        let issuer = &self.job().issuer;
        Ok(PresentedJob {
            organization,
            token_id: token_id(organization, issuer, self.mark()),
            ends_at: self.ends_at(),
            signed: Signed {
                kid: issuer.url().to_owned(),
                digest: hex(self.signed()),
            },
            job: self.job().clone(),
        })
    }
}

/// Out of SHA-256 over organization, issuer and mark, as a UUID of version 8 (RFC 9562, section 5.8). Only the
/// ids of *organizations* tell a place by that version; the id of a token tells none.
fn token_id(organization: OrganizationId, issuer: &Issuer, mark: &Mark) -> TokenId {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::known;
    use postern_domain::id::Id;

    #[test]
    fn a_job_token_has_one_id_in_each_organization() {
        let of = |organization, issuer: &str, text: &str| {
            let jti = Jti::parse(text).expect("a jti");
            token_id(Id::from_u128(organization), &known(issuer), &Mark::Jti(jti))
        };
        let github = "https://token.actions.githubusercontent.com";
        let other = "https://ci.example/oidc";
        let id = of(5, github, "6f4762ed-0758-4ccb-808d-ee3af5d723a8");
        assert_eq!(id.to_string(), "2fecbf05-c21d-842e-a91b-70f3ada3823a");
        assert!(id.is_custom());
        let others = [
            // A token whose audience names no organization, presented to another one.
            of(6, github, "6f4762ed-0758-4ccb-808d-ee3af5d723a8"),
            of(5, other, "6f4762ed-0758-4ccb-808d-ee3af5d723a8"),
            of(5, github, "6f4762ed-0758-4ccb-808d-ee3af5d723a9"),
        ];
        assert!(!others.contains(&id));
        // One without `jti`, by what was signed; it never passes for one whose `jti` says so.
        let signed = |byte| token_id(Id::from_u128(5), &known(other), &Mark::Signed([byte; 32]));
        assert_eq!(
            signed(7).to_string(),
            "c68f01bc-7b2d-8383-9450-a789ef11698b"
        );
        assert_ne!(signed(7), signed(b'j'));
        assert_ne!(signed(b'j'), of(5, other, &"j".repeat(32)));
    }
}
