//! Why a job token opened nothing (R47): for the log, and for nobody else.

use core::fmt;

use postern_domain::trust::NoOrganization;
use postern_wire::job::{JobRefusal, OtherOrganization};

/// Why a job token opened nothing. Whoever presents it gets
/// [`REFUSED`](postern_domain::trust::REFUSED), whichever it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// What its job would get has ended already, or has.
    Ended,
    /// It was presented before: exchanged, in the other way, or signed otherwise.
    Used,
    /// The token that it became was revoked or quarantined.
    Revoked,
    /// It was shown as it is, where the origin would be sent what the caller shows.
    Passthrough,
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
            Self::Ended => "what the job would get has ended",
            Self::Used => "the job token was presented before",
            Self::Revoked => "the token of the job was revoked or quarantined",
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
