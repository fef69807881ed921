//! What a verified job gets of an organization: a token's id, which only its job token has there, the token's
//! end, and where it came from. INVARIANT (no job unverified): nothing else makes the id or the end.

use core::fmt;

use sha2::{Digest as _, Sha256};

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::name::Label;
use postern_domain::time::Timestamp;
use postern_domain::trust::{Audience, Gives, Issuer, JobFacts, Jti, TrustRule, choose};

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

/// Whose jobs an organization trusts.
#[derive(Debug, Clone)]
pub struct OrgTrust {
    organization: OrganizationId,
    name: Label,
    rules: Vec<TrustRule>,
}

impl OrgTrust {
    /// The rules of one organization: the one that
    /// [`Audience::organization`](postern_domain::trust::Audience::organization) names, and no other.
    pub fn new(organization: OrganizationId, name: Label, rules: Vec<TrustRule>) -> Self {
        Self {
            organization,
            name,
            rules,
        }
    }
}

/// Why a verified job gets nothing: for the log. Whoever presents the token gets
/// [`REFUSED`](postern_domain::trust::REFUSED).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its token is for another organization.
    OtherOrganization,
    /// It meets no rule; [`explain`](postern_domain::trust::explain) says why.
    NoRule,
    /// What it would get has ended already.
    Ended,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherOrganization => "the token is for another organization",
            Self::NoRule => "the job meets no rule",
            Self::Ended => "the token would have ended already",
        })
    }
}

/// What a verified job gets. Made by [`VerifiedJob::grant`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    organization: OrganizationId,
    token_id: TokenId,
    ends_at: Timestamp,
    gives: Gives,
    facts: JobFacts,
}

impl Grant {
    /// In which organization.
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

    /// When that token ends: with the job token, and no later than the rule allows; in whole seconds.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// What the rule gives.
    pub fn gives(&self) -> &Gives {
        &self.gives
    }

    /// What is kept of the job, with the rule that counted.
    pub fn facts(&self) -> &JobFacts {
        &self.facts
    }
}

impl VerifiedJob {
    /// What the job gets of an organization, by the one of its rules that counts.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn grant(self, trust: &OrgTrust, now: Timestamp) -> Result<Grant, Refused> {
        if matches!(self.audience(), Audience::Organization(signed) if *signed != trust.name) {
            return Err(Refused::OtherOrganization);
        }
        let rule = choose(&trust.rules, self.job()).ok_or(Refused::NoRule)?;
        let ends_at = ends_at(self.ends_at(), now, rule.gives()).ok_or(Refused::Ended)?;
        Ok(Grant {
            organization: trust.organization,
            token_id: token_id(trust.organization, &self.job().issuer, self.mark()),
            ends_at,
            gives: rule.gives().clone(),
            facts: JobFacts::of(self.job(), rule.id()),
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

/// With the job token, and no later than the rule allows after `now`; in whole seconds, rounded down. `None` =
/// it would have ended already, and is not made.
fn ends_at(job_token_ends: Timestamp, now: Timestamp, gives: &Gives) -> Option<Timestamp> {
    let life = i64::from(gives.longest_life_seconds());
    let end = job_token_ends
        .min(now.plus_millis(life * 1000))
        .floor_to_second();
    (end > now).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::known;
    use postern_domain::id::Id;
    use postern_domain::policy::Policy;
    use postern_domain::scope::{Named, Scope};

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

    #[test]
    fn it_ends_with_the_job_token_or_as_the_rule_says() {
        let project = Named {
            id: Id::from_u128(2),
            name: "shop".to_owned(),
        };
        let policy = Policy::parse("workflow_run:create").expect("a policy");
        let gives = Gives::new(Scope::Project { project }, vec![policy], None).expect("something");
        let at = |ms| Timestamp::from_millis(ms);
        let rows = [
            // The rule's 900 s, or the job token's end, whichever is first; in whole seconds.
            (at(10_000_000), at(1_000), Some(at(901_000))),
            (at(300_999), at(1_500), Some(at(300_000))),
            (at(10_000_000), at(1_999), Some(at(901_000))),
            (at(1_000), at(1_000), None),
            (at(1_900), at(1_500), None),
            (at(500), at(1_000), None),
        ];
        for (ends, now, expected) in rows {
            assert_eq!(ends_at(ends, now, &gives), expected, "{ends:?} {now:?}");
        }
    }
}
