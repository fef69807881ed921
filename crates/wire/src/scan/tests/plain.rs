//! The same verdicts in the plainest way, from slices of a body of which everything is here:
//! recursion, lists of all values, nothing shared with what is tested but errors and limits.

use postern_domain::decide::{CallNames, ProjectNamed};
use postern_domain::rpc::{Is, OrganizationAt, ProjectAt, Rpc, When};

use crate::grpc_web::FrameError;
use crate::identity::{Identified, IdentityError};
use crate::protobuf::{MAX_FIELDS, MAX_VALUES, ProtobufError};
use crate::scan::{Framing, ScanError};

enum Value<'m> {
    Number(u64),
    Bytes(&'m [u8]),
    Fixed,
}

/// What a body is about.
pub fn scan<'b>(body: &'b [u8], row: &Rpc, framing: Framing) -> Result<Identified<'b>, ScanError> {
    let message = match framing {
        Framing::Bare => body,
        Framing::Frame => message(body).map_err(ScanError::Frame)?,
    };
    read(message, row).map_err(ScanError::Message)
}

fn message(body: &[u8]) -> Result<&[u8], FrameError> {
    let (head, rest) = body.split_at_checked(5).ok_or(FrameError::Truncated)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let (message, behind) = rest.split_at_checked(length).ok_or(FrameError::Truncated)?;
    match head[0] {
        0 if behind.is_empty() => Ok(message),
        0 => Err(FrameError::Several),
        1 => Err(FrameError::Compressed),
        _ => Err(FrameError::UnknownFlag),
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut value = 0u128;
    for place in 0..10 {
        let (&byte, rest) = bytes.split_first().ok_or(ProtobufError::Truncated)?;
        *bytes = rest;
        value |= u128::from(byte & 0x7f) << (7 * place);
        if value > u128::from(u64::MAX) {
            break;
        }
        if byte < 0x80 {
            return Ok(value as u64);
        }
    }
    Err(ProtobufError::Varint)
}

fn field<'m>(rest: &mut &'m [u8]) -> Result<(u64, Value<'m>), ProtobufError> {
    let tag = varint(rest)?;
    if tag >> 3 == 0 || tag >> 3 > 0x1FFF_FFFF {
        return Err(ProtobufError::FieldNumber);
    }
    let length = match tag & 7 {
        0 => return Ok((tag >> 3, Value::Number(varint(rest)?))),
        1 => 8,
        2 => varint(rest)?,
        5 => 4,
        _ => return Err(ProtobufError::WireType),
    };
    if length > rest.len() as u64 {
        return Err(ProtobufError::Truncated);
    }
    let (bytes, behind) = rest.split_at(length as usize);
    *rest = behind;
    match tag & 7 {
        2 => Ok((tag >> 3, Value::Bytes(bytes))),
        _ => Ok((tag >> 3, Value::Fixed)),
    }
}

/// All values of each of these fields. Numbers have eight bytes here.
struct Found<'m>(Vec<(u32, Vec<&'m [u8]>, u32)>);

impl<'m> Found<'m> {
    fn all(&self, number: u32) -> &[&'m [u8]] {
        let of = self.0.iter().find(|(wanted, ..)| *wanted == number);
        of.map_or(&[], |(_, values, _)| values)
    }

    fn last_number(&self, number: u32) -> u64 {
        let of = self.0.iter().find(|(wanted, ..)| *wanted == number);
        of.map_or(0, |(.., last)| u64::from(*last))
    }

    fn texts(&self, number: u32) -> Result<Vec<&'m str>, ProtobufError> {
        let texts = self
            .all(number)
            .iter()
            .map(|text| core::str::from_utf8(text));
        texts
            .collect::<Result<_, _>>()
            .map_err(|_| ProtobufError::Utf8)
    }

    fn text(&self, number: u32) -> Result<&'m str, ProtobufError> {
        Ok(self.texts(number)?.last().copied().unwrap_or_default())
    }
}

/// `numeric` is the field of the wanted ones that has a number.
fn find<'m>(
    mut rest: &'m [u8],
    wanted: &[u32],
    numeric: u32,
    left: &mut usize,
) -> Result<Found<'m>, ProtobufError> {
    let mut found = Found(
        wanted
            .iter()
            .map(|number| (*number, Vec::new(), 0))
            .collect(),
    );
    while !rest.is_empty() {
        let (number, value) = field(&mut rest)?;
        *left = left.checked_sub(1).ok_or(ProtobufError::Fields)?;
        for (wanted, values, last) in &mut found.0 {
            if u64::from(*wanted) != number {
                continue;
            }
            match value {
                Value::Number(number) if *wanted == numeric => *last = number as u32,
                Value::Bytes(_) if *wanted != numeric && values.len() == MAX_VALUES => {
                    return Err(ProtobufError::Repeated);
                }
                Value::Bytes(bytes) if *wanted != numeric => values.push(bytes),
                _ => return Err(ProtobufError::OtherType),
            }
        }
    }
    Ok(found)
}

/// What a message is about.
pub fn read<'m>(message: &'m [u8], row: &Rpc) -> Result<Identified<'m>, IdentityError> {
    let at = row.identity;
    let one = |path: Option<&[u32]>| path.map_or(0, |path| path[0]);
    let (by_id, by_name) = match at.organization {
        OrganizationAt::Nowhere => (0, 0),
        OrganizationAt::Id(path) => (path[0], 0),
        OrganizationAt::Name(path) => (0, path[0]),
    };
    let project = match at.project {
        ProjectAt::Nowhere => 0,
        ProjectAt::Name(path) | ProjectAt::Names(path) | ProjectAt::Reference(path) => path[0],
    };
    let (workflow, run, digest) = (one(at.workflow), one(at.run), one(at.digest));
    let when = row.when.first().map_or(0, |when| when.field);
    let is_number = |when: &When| when.is != Is::Present;
    let numeric = row
        .when
        .first()
        .filter(|when| is_number(when))
        .map_or(0, |when| when.field);
    let mut left = MAX_FIELDS;
    let wanted = [by_id, by_name, project, workflow, run, digest, when];
    let found = find(message, &wanted, numeric, &mut left)?;
    if !found.all(run).is_empty() && !found.all(digest).is_empty() {
        return Err(IdentityError::Both("the id of a run and a digest"));
    }
    let (organization_id, organization_name) = (found.text(by_id)?, found.text(by_name)?);
    let project = match at.project {
        ProjectAt::Nowhere => ProjectNamed::Open,
        ProjectAt::Name(_) => match found.text(project)? {
            "" => ProjectNamed::Open,
            name => ProjectNamed::Name(name),
        },
        ProjectAt::Names(_) => match found.texts(project)? {
            names if names.is_empty() => ProjectNamed::Open,
            names => ProjectNamed::Names(names),
        },
        ProjectAt::Reference(_) => reference(found.all(project), &mut left)?,
    };
    let holds = |when: &&When| match when.is {
        Is::Number(number) => found.last_number(when.field) == number,
        Is::Otherwise(known) => !known.contains(&found.last_number(when.field)),
        Is::Present => found
            .all(when.field)
            .last()
            .is_some_and(|last| !last.is_empty()),
    };
    let policies = row.when.iter().filter(holds);
    let names = CallNames {
        organization_id,
        organization_name,
        project,
        workflow: found.text(workflow)?,
        policies: policies.flat_map(|when| when.policies).copied().collect(),
    };
    let (run, digest) = (found.text(run)?, found.text(digest)?);
    Ok(Identified {
        names,
        run: (!run.is_empty()).then_some(run),
        digest: (!digest.is_empty()).then_some(digest),
    })
}

fn reference<'m>(parts: &[&'m [u8]], left: &mut usize) -> Result<ProjectNamed<'m>, IdentityError> {
    let (mut id, mut name) = (None, None);
    for part in parts {
        let found = find(part, &[1, 2], 0, left)?;
        if !found.all(1).is_empty() {
            id = Some(found.text(1)?);
        }
        if !found.all(2).is_empty() {
            name = Some(found.text(2)?);
        }
    }
    match (id, name) {
        (Some(_), Some(_)) => Err(IdentityError::Both("id and name of the project")),
        (Some(id), None) => Ok(ProjectNamed::Id(id)),
        (None, Some(name)) => Ok(ProjectNamed::Name(name)),
        (None, None) => Ok(ProjectNamed::Open),
    }
}
