//! What a message is about, by the operation table's field numbers. A message that two readers
//! could understand in two ways is refused: one that gives an object by id and by name, or by run
//! and by digest.

use super::protobuf::{self, Budget, ProtobufError, Wanted};
use postern_domain::decide::{CallNames, ProjectNamed};
use postern_domain::rpc::{Identity, Is, OrganizationAt, Path, ProjectAt, Rpc, When};

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
    let Identity {
        organization,
        project,
        workflow,
        run,
        digest,
    } = rpc.identity;
    let (organization_id, organization_name) = match organization {
        OrganizationAt::Nowhere => (None, None),
        OrganizationAt::Id(path) => (Some(path), None),
        OrganizationAt::Name(path) => (None, Some(path)),
    };
    let project_at = match project {
        ProjectAt::Nowhere => None,
        ProjectAt::Name(path) | ProjectAt::Names(path) | ProjectAt::Reference(path) => Some(path),
    };
    let mut fields = [
        optional(organization_id),
        optional(organization_name),
        optional(workflow),
        optional(run),
        optional(digest),
        optional(project_at),
        condition(rpc.when),
    ];
    let mut budget = Budget::default();
    protobuf::find_within(message, &mut fields, &mut budget)?;
    let [
        organization_id,
        organization_name,
        workflow,
        run,
        digest,
        named_project,
        condition,
    ] = &fields;
    if run.is_present() && digest.is_present() {
        return Err(IdentityError::Both("the id of a run and a digest"));
    }
    let named = |field: &Wanted<'m>| -> Result<Option<&'m str>, ProtobufError> {
        let text = field.text()?;
        Ok((!text.is_empty()).then_some(text))
    };
    Ok(Identified {
        names: CallNames {
            organization_id: organization_id.text()?,
            organization_name: organization_name.text()?,
            project: project_named(named_project, project, &mut budget)?,
            workflow: workflow.text()?,
            policies: policies(condition, rpc.when),
        },
        run: named(run)?,
        digest: named(digest)?,
    })
}

/// A field that a message may not have: an empty path is found nowhere.
fn optional<'m>(path: Option<Path>) -> Wanted<'m> {
    Wanted::new(path.unwrap_or_default())
}

/// The field that conditions look at, if there are any: one for all of them.
fn condition<'m>(when: &'static [When]) -> Wanted<'m> {
    match when.first() {
        None => Wanted::new(&[]),
        Some(When { field, is, .. }) => {
            let path = core::slice::from_ref(field);
            match is {
                Is::Present => Wanted::new(path),
                Is::Number(_) | Is::Otherwise(_) => Wanted::number(path),
            }
        }
    }
}

fn project_named<'m>(
    field: &Wanted<'m>,
    at: ProjectAt,
    budget: &mut Budget,
) -> Result<ProjectNamed<'m>, IdentityError> {
    match at {
        ProjectAt::Nowhere => Ok(ProjectNamed::Open),
        ProjectAt::Name(_) => Ok(match field.text()? {
            "" => ProjectNamed::Open,
            name => ProjectNamed::Name(name),
        }),
        ProjectAt::Names(_) => {
            let names = field.texts()?;
            Ok(if names.is_empty() {
                ProjectNamed::Open
            } else {
                ProjectNamed::Names(names)
            })
        }
        ProjectAt::Reference(_) => {
            let (mut id, mut name) = (None, None);
            // Several occurrences are one message to the origin.
            for part in field.values() {
                let mut fields = [Wanted::new(&[1]), Wanted::new(&[2])];
                protobuf::find_within(part, &mut fields, budget)?;
                let [in_id, in_name] = &fields;
                if in_id.is_present() {
                    id = Some(in_id.text()?);
                }
                if in_name.is_present() {
                    name = Some(in_name.text()?);
                }
            }
            match (id, name) {
                (Some(_), Some(_)) => Err(IdentityError::Both("id and name of the project")),
                (Some(id), None) => Ok(ProjectNamed::Id(id)),
                (None, Some(name)) => Ok(ProjectNamed::Name(name)),
                (None, None) => Ok(ProjectNamed::Open),
            }
        }
    }
}

fn policies(condition: &Wanted<'_>, when: &[When]) -> Vec<&'static str> {
    let holds = |when: &&When| match when.is {
        Is::Number(number) => condition.last_number() == number,
        Is::Otherwise(known) => !known.contains(&condition.last_number()),
        Is::Present => !condition.last().is_empty(),
    };
    let policies = when.iter().filter(holds).map(|when| when.policies);
    policies.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
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
