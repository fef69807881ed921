//! Why a job token opened nothing (R47): for the log, and for nobody else.

use core::fmt;

use postern_domain::id::TrustRuleId;
use postern_domain::trust::{Job, JobFacts, NoOrganization};
use postern_wire::job::{JobRefusal, OtherOrganization};

/// Why a job token opened nothing. Whoever presents it gets
/// [`REFUSED`](postern_domain::trust::REFUSED), whichever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFault {
    /// The deployment trusts no issuer.
    Off,
    /// It is none, or does not count here or now.
    Token(JobRefusal),
    /// It counts, and nobody says for which organization.
    Organization(NoOrganization),
    /// It counts, and there is no organization of the name.
    UnknownOrganization,
    /// It counts for another organization.
    OtherOrganization,
    /// It counts, and its job meets no rule.
    NoRule,
    /// It counts, and the organization does not trust its issuer (R53).
    IssuerNotTrusted,
    /// What its job would get has ended already, or has.
    Ended,
    /// It was presented before: exchanged, in the other way, or signed otherwise.
    Used,
    /// The token that it became was revoked or quarantined.
    Revoked,
    /// It was shown as it is, where the origin would be sent what the caller shows.
    Passthrough,
    /// One of these, of a job whose token was verified.
    Of {
        /// Why.
        fault: Box<JobFault>,
        /// Whose job, and for which organization, in words of the gateway's own and ids; texts of the token are
        /// bounded.
        job: String,
    },
}

impl JobFault {
    /// The same, with the job that it is about.
    pub fn of(self, job: &Job, organization: &str) -> Self {
        let rule = TrustRuleId::from_u128(0);
        let about = JobFacts::of(job, rule).summary();
        Self::Of {
            fault: Box::new(self),
            job: format!("{about} ({}), for {organization}", job.issuer),
        }
    }
}

impl fmt::Display for JobFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "job tokens are off: CI_ISSUERS is not set",
            Self::Token(refusal) => return refusal.fmt(f),
            Self::Organization(fault) => return fault.fmt(f),
            Self::UnknownOrganization => "there is no organization of the name",
            Self::OtherOrganization => return OtherOrganization.fmt(f),
            Self::NoRule => "the job meets no rule",
            Self::IssuerNotTrusted => "the organization does not trust the issuer",
            Self::Ended => "what the job would get has ended",
            Self::Used => "the job token was presented before",
            Self::Revoked => "the token of the job was revoked or quarantined",
            Self::Of { fault, job } => return write!(f, "{fault}: {job}"),
            Self::Passthrough => {
                "a job token was shown as it is, and ORIGIN_AUTH is `passthrough`: the job must exchange it"
            }
        })
    }
}

impl From<JobRefusal> for JobFault {
    fn from(refusal: JobRefusal) -> Self {
        Self::Token(refusal)
    }
}

impl From<NoOrganization> for JobFault {
    fn from(fault: NoOrganization) -> Self {
        Self::Organization(fault)
    }
}

impl From<OtherOrganization> for JobFault {
    fn from(_: OtherOrganization) -> Self {
        Self::OtherOrganization
    }
}
