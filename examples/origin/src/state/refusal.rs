//! Why the state refuses a change or has no answer, and what the control plane
//! would say then. Knows no protocol: `failure` does.

use std::fmt;

use tonic::{Code, Status};

use crate::bundle::BundleError;
use crate::failure::Failure;
use crate::proto::RunStatus;

/// Why a call changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A required value is missing.
    Missing(&'static str),
    /// A name is no DNS-1123 label.
    BadName { field: &'static str, value: String },
    /// The id of a run is no UUID.
    BadId(String),
    /// The workflow exists with another contract.
    OtherContract,
    /// The workflow exists.
    Exists { project: String, workflow: String },
    /// No such project.
    UnknownProject,
    /// No such project, where upstream looks for the project by itself.
    UnknownProjectNamed(String),
    /// The project has no such workflow.
    UnknownWorkflow,
    /// The contract has as many revisions as are kept.
    TooManyRevisions,
    /// The workflow's contract has no such revision.
    UnknownContract,
    /// No run has this id.
    UnknownRun,
    /// No run has this id, where upstream looks for the run by itself.
    UnknownRunAlone,
    /// No run has an attestation with this digest.
    UnknownDigest,
    /// The run has ended already.
    Ended(RunStatus),
    /// Cancel without a trigger.
    NoTrigger,
    /// The run has no attestation state; the text says what that prevents.
    NoState(&'static str),
    /// The attestation state is another one by now.
    StateConflict { stored: String, given: String },
    /// The attestation state was put with another credential.
    StateLocked,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => {
                write!(f, "validation error: {field}: value length must be at least 1 characters")
            }
            Self::BadName { field, value } => write!(
                f,
                "validation error: {field} `{value}`: a lowercase RFC 1123 label must consist of lower case \
                 alphanumeric characters or '-', and must start and end with an alphanumeric character, and be \
                 at most 63 characters long"
            ),
            Self::BadId(why) => write!(f, "invalid UUID: {why}"),
            Self::OtherContract => f.write_str(
                "you can't change to another contract during the attestation process, please update the workflow",
            ),
            Self::Exists { project, workflow } => {
                write!(f, "duplicated: workflow \"{workflow}\" in project \"{project}\" already exists")
            }
            Self::UnknownProject => f.write_str("failed to get workflow: project not found"),
            Self::UnknownProjectNamed(name) => write!(f, "project {name} not found"),
            Self::UnknownWorkflow => f.write_str("failed to get workflow: workflow not found"),
            // Ours: the sample keeps all of them in memory.
            Self::TooManyRevisions => f.write_str("the sample keeps no more revisions of a contract"),
            Self::UnknownContract => f.write_str("contract not found"),
            Self::UnknownRun => {
                f.write_str("error retrieving the workflow run: finding workflow run: workflow run not found")
            }
            Self::UnknownRunAlone => f.write_str("finding workflow run: workflow run not found"),
            Self::UnknownDigest => f.write_str("workflow run not found"),
            Self::Ended(status) => write!(f, "workflow run has ended already: {}", status.as_str_name()),
            Self::NoTrigger => f.write_str("validation error: trigger: value must not be TRIGGER_TYPE_UNSPECIFIED"),
            Self::NoState(what) => write!(f, "failed to {what} attestation state: attestation state not found"),
            Self::StateConflict { stored, given } => write!(
                f,
                "saving attestation: failed to save attestation state: the provided base digest doesn't match the \
                 stored state, it might have changed, got=\"{stored}\", want=\"{given}\""
            ),
            // Upstream masks what it cannot decrypt.
            Self::StateLocked => f.write_str("server error"),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (code, reason) = match refusal {
            Refusal::Missing(_) | Refusal::NoTrigger => (Code::InvalidArgument, ""),
            Refusal::BadName { .. } | Refusal::BadId(_) => (Code::InvalidArgument, "invalid"),
            Refusal::OtherContract => (Code::InvalidArgument, "bad request"),
            Refusal::Exists { .. } => (Code::AlreadyExists, ""),
            Refusal::UnknownProject
            | Refusal::UnknownProjectNamed(_)
            | Refusal::UnknownWorkflow
            | Refusal::UnknownContract
            | Refusal::UnknownRun
            | Refusal::UnknownRunAlone
            | Refusal::UnknownDigest
            | Refusal::NoState(_) => (Code::NotFound, "not found"),
            Refusal::TooManyRevisions => (Code::ResourceExhausted, ""),
            Refusal::Ended(_) => (Code::FailedPrecondition, ""),
            Refusal::StateConflict { .. } => (Code::Aborted, "ATTESTATION_STATE_ERROR_CONFLICT"),
            Refusal::StateLocked => (Code::Internal, "internal error"),
        };
        Self::new(code, reason, refusal.to_string())
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Failure::from(refusal).into()
    }
}

impl From<BundleError> for Status {
    fn from(error: BundleError) -> Self {
        Failure::new(Code::InvalidArgument, "invalid", error.to_string()).into()
    }
}
