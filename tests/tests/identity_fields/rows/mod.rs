//! What a generated reader finds in the message of each call: 81 rows, written from the `.proto` files and not from the
//! table that they are compared with.

mod attestation;
mod organization;
mod workflows;

use postern_domain::rpc::ORIGIN_PREFIX;
use postern_origin::proto::{
    CursorPaginationRequest, IdentityReference, OffsetPaginationRequest,
    ProjectMembershipReference, project_membership_reference,
};
use prost::Message;

use crate::seen::Seen;

/// A generated reader.
type Reader = Box<dyn Fn(&[u8]) -> Option<Seen>>;

/// A call.
pub struct Row {
    /// `Service/Method`.
    pub method: &'static str,
    /// Good messages, with distinct values in all fields.
    pub samples: Vec<Vec<u8>>,
    /// What the generated reader finds; `None` where it refuses.
    pub read: Reader,
}

impl Row {
    /// The path of the call.
    pub fn path(&self) -> String {
        format!("{ORIGIN_PREFIX}{}", self.method)
    }
}

fn row<M: Message + Default + 'static>(
    method: &'static str,
    samples: impl IntoIterator<Item = M>,
    seen: fn(&M) -> Seen,
) -> Row {
    Row {
        method,
        samples: samples
            .into_iter()
            .map(|sample| sample.encode_to_vec())
            .collect(),
        read: Box::new(move |bytes| M::decode(bytes).ok().map(|message| seen(&message))),
    }
}

/// A call whose message names nothing that a token could be kept to.
fn plain<M: Message + Default + 'static>(method: &'static str, sample: M) -> Row {
    row(method, [sample], |_| Seen::default())
}

fn references() -> [IdentityReference; 2] {
    let [id, name] = ["project-id", "project-name"].map(|value| Some(value.to_owned()));
    [
        IdentityReference { id, name: None },
        IdentityReference { id: None, name },
    ]
}

/// Something that is no project.
fn group() -> Option<IdentityReference> {
    Some(IdentityReference {
        id: None,
        name: Some("group".into()),
    })
}

fn member() -> Option<ProjectMembershipReference> {
    use project_membership_reference::MembershipReference;
    Some(ProjectMembershipReference {
        membership_reference: group().map(MembershipReference::GroupReference),
    })
}

fn page() -> Option<OffsetPaginationRequest> {
    Some(OffsetPaginationRequest {
        page: 1,
        page_size: 2,
    })
}

fn cursor() -> Option<CursorPaginationRequest> {
    Some(CursorPaginationRequest {
        cursor: "cursor".into(),
        limit: 2,
    })
}

/// All rows.
pub fn rows() -> Vec<Row> {
    let mut rows = attestation::attestation();
    rows.extend(workflows::workflows());
    rows.extend(workflows::contracts_and_artifacts());
    rows.extend(workflows::integrations());
    rows.extend(organization::organization());
    rows.extend(organization::people());
    rows
}
