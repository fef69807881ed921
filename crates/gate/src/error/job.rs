//! Why a job token opened nothing (R47): for the log, and for nobody else.

use core::fmt;

use postern_domain::trust::NoOrganization;
use postern_wire::job::{JobRefusal, Refused};

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
    /// It counts, and its job gets nothing.
    Refused(Refused),
}

impl fmt::Display for JobFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("job tokens are off: CI_ISSUERS is not set"),
            Self::Token(refusal) => refusal.fmt(f),
            Self::Organization(fault) => fault.fmt(f),
            Self::Refused(refused) => refused.fmt(f),
        }
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

impl From<Refused> for JobFault {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
