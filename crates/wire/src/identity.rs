//! What a message is about, by the operation table's field numbers. A message that two readers
//! could understand in two ways is refused: one that gives an object by id and by name, or by run
//! and by digest.

mod named;
mod reading;
mod reference;

use postern_domain::decide::CallNames;
use postern_domain::rpc::Rpc;

pub use self::named::{Found, Named, Project};
pub(crate) use self::reading::Reading;
use super::protobuf::{ProtobufError, Span, Window};

/// What a message names, and which further policies it calls for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified<'m> {
    /// What it names.
    pub names: CallNames<'m>,
    /// The run's id as written; `None` where the message names none.
    pub run: Option<&'m str>,
    /// The digest as written; `None` where the message names none.
    pub digest: Option<&'m str>,
}

/// Why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityError {
    /// The message cannot be read.
    Protobuf(ProtobufError),
    /// Two fields of which the origin takes one.
    Both(&'static str),
}

impl core::fmt::Display for IdentityError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Protobuf(error) => error.fmt(f),
            Self::Both(what) => write!(f, "the message gives both {what}: give one"),
        }
    }
}

impl From<ProtobufError> for IdentityError {
    fn from(error: ProtobufError) -> Self {
        Self::Protobuf(error)
    }
}

/// Reads what the message of a call is about, in one pass.
///
/// # Errors
/// A message that cannot be read, or not in one way only.
pub fn read<'m>(message: &'m [u8], rpc: &Rpc) -> Result<Identified<'m>, IdentityError> {
    let to = message.len();
    let mut reading = Reading::<&'m [u8]>::new(Span { from: 0, to }, rpc);
    match reading.run(Window::whole(message))? {
        None => Ok(reading.finish()?.borrowed(|text| text)),
        // There is no more than the whole message.
        Some(_) => Err(ProtobufError::Truncated.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_domain::decide::ProjectNamed;
    use postern_domain::rpc::rpc;

    fn row(method: &str) -> &'static Rpc {
        rpc(&format!("/controlplane.v1.{method}")).expect("a row")
    }

    #[test]
    fn references_give_an_id_or_a_name() {
        let create = row("WorkflowContractService/Create");
        let rows: [(&[u8], Result<ProjectNamed<'_>, IdentityError>); 6] = [
            (b"", Ok(ProjectNamed::Open)),
            (b"\x2a\x00", Ok(ProjectNamed::Open)),
            (b"\x2a\x03\x0a\x01i", Ok(ProjectNamed::Id("i"))),
            (b"\x2a\x03\x12\x01n", Ok(ProjectNamed::Name("n"))),
            (
                b"\x2a\x03\x12\x01n\x2a\x03\x12\x01m",
                Ok(ProjectNamed::Name("m")),
            ),
            (
                b"\x2a\x03\x12\x01n\x2a\x03\x0a\x01i",
                Err(IdentityError::Both("id and name of the project")),
            ),
        ];
        for (message, expected) in rows {
            let found = read(message, create).map(|found| found.names.project);
            assert_eq!(found, expected, "{message:x?}");
        }
    }

    #[test]
    fn a_run_or_a_digest_not_both() {
        let view = row("WorkflowRunService/View");
        let of = |message| read(message, view).map(|found| (found.run, found.digest));
        assert_eq!(of(b"\x0a\x01r"), Ok((Some("r"), None)));
        assert_eq!(of(b"\x12\x01d"), Ok((None, Some("d"))));
        assert_eq!(of(b""), Ok((None, None)));
        let both = Err(IdentityError::Both("the id of a run and a digest"));
        assert_eq!(of(b"\x0a\x01r\x12\x01d"), both);
        // The origin keeps the last of the two, even an empty one.
        assert_eq!(of(b"\x0a\x01r\x12\x00"), both);
    }

    #[test]
    fn what_a_message_carries_can_call_for_further_policies() {
        let of = |method, message: &[u8]| {
            let found = read(message, row(method)).expect("readable");
            found.names.policies
        };
        let none: Vec<&str> = Vec::new();
        let find = "AttestationService/FindOrCreateWorkflow";
        assert_eq!(of(find, b"\x22\x01w"), none);
        assert_eq!(of(find, b"\x3a\x00"), none);
        assert_eq!(
            of(find, b"\x3a\x01c"),
            ["workflow_contract:create", "workflow_contract:update"]
        );
        let artifact = "CASCredentialsService/Get";
        let both = ["cas_artifact:create", "cas_artifact:read"];
        assert_eq!(of(artifact, b""), both);
        assert_eq!(of(artifact, b"\x08\x03"), both);
        assert_eq!(of(artifact, b"\x08\x01"), ["cas_artifact:read"]);
        assert_eq!(of(artifact, b"\x08\x01\x08\x02"), ["cas_artifact:create"]);
        // 2^32 + 1, of which the origin takes the lower half.
        assert_eq!(
            of(artifact, b"\x08\x81\x80\x80\x80\x10"),
            ["cas_artifact:read"]
        );
    }
}
