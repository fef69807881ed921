//! What a message of an RPC is about: whole, in windows of any size, in a frame or bare, and as the `prost` crate reads
//! it, which decodes every message of generated types.

use prost::encoding::{DecodeContext, WireType, bytes, int32, message, skip_field, string};
use prost::{DecodeError, Message};

use postern_domain::decide::ProjectNamed;
use postern_domain::rpc::{Is, OrganizationAt, Path, ProjectAt, Rpc};
use postern_wire::grpc_web::frame;
use postern_wire::identity::{Identified, IdentityError, read};
use postern_wire::protobuf::ProtobufError;
use postern_wire::scan::{Framing, Progress, Scan, ScanError};

use crate::bytes::Bytes;
use crate::rows::ROWS;

/// What a message names, by the row's field numbers; empty text for what is not there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Seen {
    organization_id: String,
    organization_name: String,
    project: Project,
    workflow: String,
    run: String,
    digest: String,
    policies: Vec<&'static str>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Project {
    #[default]
    Open,
    Name(String),
    Names(Vec<String>),
    Id(String),
}

impl From<Identified<'_>> for Seen {
    fn from(found: Identified<'_>) -> Self {
        Self {
            organization_id: found.names.organization_id.to_owned(),
            organization_name: found.names.organization_name.to_owned(),
            project: match found.names.project {
                ProjectNamed::Open => Project::Open,
                ProjectNamed::Name(name) => Project::Name(name.to_owned()),
                ProjectNamed::Names(names) => {
                    Project::Names(names.into_iter().map(str::to_owned).collect())
                }
                ProjectNamed::Id(id) => Project::Id(id.to_owned()),
            },
            workflow: found.names.workflow.to_owned(),
            run: found.run.unwrap_or_default().to_owned(),
            digest: found.digest.unwrap_or_default().to_owned(),
            policies: found.names.policies,
        }
    }
}

/// A message as prost decodes it: the fields that the row names, each of the type that the row says. The rest is skipped.
#[derive(Debug)]
struct Decoded {
    row: &'static Rpc,
    seen: Seen,
    project: String,
    names: Vec<String>,
    reference: Reference,
    number: i32,
    content: Vec<u8>,
}

/// `IdentityReference`.
#[derive(Debug, Default)]
struct Reference {
    id: Option<String>,
    name: Option<String>,
}

impl Message for Reference {
    fn encode_raw(&self, _: &mut impl prost::bytes::BufMut) {}

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl prost::bytes::Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let text = match tag {
            1 => self.id.get_or_insert_default(),
            2 => self.name.get_or_insert_default(),
            _ => return skip_field(wire_type, tag, buf, context),
        };
        string::merge(wire_type, text, buf, context)
    }

    fn encoded_len(&self) -> usize {
        0
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

fn is(path: Option<Path>, tag: u32) -> bool {
    path.is_some_and(|path| path == [tag])
}

impl Message for Decoded {
    fn encode_raw(&self, _: &mut impl prost::bytes::BufMut) {}

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl prost::bytes::Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let identity = self.row.identity;
        let organization = match identity.organization {
            OrganizationAt::Nowhere => None,
            OrganizationAt::Id(path) => Some((path, &mut self.seen.organization_id)),
            OrganizationAt::Name(path) => Some((path, &mut self.seen.organization_name)),
        };
        if let Some((path, text)) = organization
            && is(Some(path), tag)
        {
            return string::merge(wire_type, text, buf, context);
        }
        match identity.project {
            ProjectAt::Name(path) if is(Some(path), tag) => {
                return string::merge(wire_type, &mut self.project, buf, context);
            }
            ProjectAt::Names(path) if is(Some(path), tag) => {
                return string::merge_repeated(wire_type, &mut self.names, buf, context);
            }
            ProjectAt::Reference(path) if is(Some(path), tag) => {
                return message::merge(wire_type, &mut self.reference, buf, context);
            }
            _ => {}
        }
        for (path, text) in [
            (identity.workflow, &mut self.seen.workflow),
            (identity.run, &mut self.seen.run),
            (identity.digest, &mut self.seen.digest),
        ] {
            if is(path, tag) {
                return string::merge(wire_type, text, buf, context);
            }
        }
        match self.row.when.iter().find(|when| when.field == tag) {
            Some(when) if when.is == Is::Present => {
                bytes::merge(wire_type, &mut self.content, buf, context)
            }
            Some(_) => int32::merge(wire_type, &mut self.number, buf, context),
            None => skip_field(wire_type, tag, buf, context),
        }
    }

    fn encoded_len(&self) -> usize {
        0
    }

    fn clear(&mut self) {}
}

/// What prost finds; `None` where it refuses.
fn decoded(row: &'static Rpc, bytes: &[u8]) -> Option<(Seen, bool)> {
    let mut message = Decoded {
        row,
        seen: Seen::default(),
        project: String::new(),
        names: Vec::new(),
        reference: Reference::default(),
        number: 0,
        content: Vec::new(),
    };
    message.merge(bytes).ok()?;
    let Decoded {
        mut seen,
        project,
        names,
        reference,
        number,
        content,
        ..
    } = message;
    let is_twofold = reference.id.is_some() && reference.name.is_some();
    seen.project = match (project.is_empty(), names.is_empty(), reference) {
        (false, _, _) => Project::Name(project),
        (_, false, _) => Project::Names(names),
        (_, _, Reference { id: Some(id), .. }) => Project::Id(id),
        (
            _,
            _,
            Reference {
                name: Some(name), ..
            },
        ) => Project::Name(name),
        _ => Project::Open,
    };
    let number = u64::from(number.cast_unsigned());
    let holds = row.when.iter().filter(|when| match when.is {
        Is::Present => !content.is_empty(),
        Is::Number(wanted) => wanted == number,
        Is::Otherwise(known) => !known.contains(&number),
    });
    seen.policies = holds.flat_map(|when| when.policies).copied().collect();
    Some((seen, is_twofold))
}

/// Out of windows of these sizes, in turn.
fn in_windows(
    row: &'static Rpc,
    body: &[u8],
    framing: Framing,
    sizes: &[u8],
) -> Result<Seen, ScanError> {
    let mut scan = Scan::new(row, framing, body.len());
    let (mut from, mut fed) = (0_usize, 0_usize);
    for turn in 0_usize.. {
        let size = match sizes.get(turn % sizes.len().max(1)) {
            None | Some(0) => usize::MAX,
            Some(size) => usize::from(*size),
        };
        let end = from.saturating_add(size).min(body.len());
        fed += 1;
        match scan.feed(from, &body[from..end])? {
            Progress::More { from: next } => {
                assert!(
                    next >= end && next < body.len(),
                    "{next} behind {end} of {}",
                    body.len()
                );
                from = next;
            }
            Progress::Done(found) => {
                assert!(fed <= body.len() + 1, "a byte was looked at twice");
                return Ok(found.identified().into());
            }
        }
    }
    unreachable!("turns have no end")
}

/// The verdict is the same whatever the windows, and agrees with prost: the same names, or a reason to refuse that is one
/// of the gateway's own.
pub fn identity(data: &[u8]) {
    let mut input = Bytes::new(data);
    let row = *input.pick(&ROWS);
    let length = input.below(4);
    let sizes = input.take(length);
    let message = input.rest();
    let whole: Result<Seen, IdentityError> = read(message, row).map(Seen::from);
    let framed = frame(message).expect("short");
    for (body, framing) in [(message, Framing::Bare), (&framed[..], Framing::Frame)] {
        let windowed = match in_windows(row, body, framing, sizes) {
            Ok(seen) => Ok(seen),
            Err(ScanError::Message(error)) => Err(error),
            Err(other) => panic!("{other:?} of a whole body"),
        };
        assert_eq!(windowed, whole, "{} {sizes:?} {framing:?}", row.method);
    }
    match (whole, decoded(row, message)) {
        (Ok(ours), Some((theirs, is_twofold))) => {
            assert!(!is_twofold, "{}", row.method);
            assert_eq!(ours, theirs, "{}", row.method);
        }
        (Ok(ours), None) => panic!("{}: only prost refuses; ours {ours:?}", row.method),
        (Err(_), None) => {}
        (Err(error), Some((_, is_twofold))) => {
            let own = match error {
                IdentityError::Both(what) => is_twofold || what.contains("digest"),
                // Groups, and what no call has as many of.
                IdentityError::Protobuf(error) => matches!(
                    error,
                    ProtobufError::WireType | ProtobufError::Repeated | ProtobufError::Fields
                ),
            };
            assert!(own, "{}: only ours refuses: {error:?}", row.method);
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    use postern_wire::message::{embedded, number, text};
    let mut seeds = Vec::new();
    for (index, row) in ROWS.iter().enumerate() {
        if !row.is_inspected() {
            continue;
        }
        let identity = row.identity;
        let mut message = Vec::new();
        match identity.project {
            ProjectAt::Name([field]) | ProjectAt::Names([field]) => {
                message.extend(text(*field, "shop"))
            }
            ProjectAt::Reference([field]) => {
                message.extend(embedded(*field, &text(2, "shop")));
                message.extend(embedded(*field, &text(3, "other")));
            }
            _ => {}
        }
        for path in [identity.workflow, identity.run, identity.digest] {
            if let Some([field]) = path {
                message.extend(text(*field, "named"));
            }
        }
        for when in row.when {
            message.extend(number(when.field, 1 << 32 | 1));
            message.extend(text(when.field, "contract"));
        }
        let sizes: [&[u8]; 3] = [&[0], &[1, 1], &[3, 2, 0, 7]];
        for sizes in sizes {
            seeds.push([&[index as u8], sizes, &message].concat());
        }
    }
    let odd: [&[u8]; 5] = [
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x0b\x0c",
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        b"\x22\x81\x00a",
        b"\x00\x00",
    ];
    seeds.extend(odd.map(|message| [&[2, 1, 1], message].concat()));
    seeds
}
