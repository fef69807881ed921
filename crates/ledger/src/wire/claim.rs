//! What a holder says of itself with a question, as a part of its path.

use core::fmt;

use postern_domain::id::{HolderId, InstanceId};

use super::{Misread, NONE, id};
use crate::{Claim, Version};

/// A lease is asked for.
const LEASE: &str = "lease";
/// Only what has changed is.
const CHANGES: &str = "changes";

/// `/{holder}.{lease or changes}`, and `.{instance}.{number}` where a version was applied.
pub fn print_claim(claim: &Claim, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let asked = if claim.lease { LEASE } else { CHANGES };
    write!(f, "/{}.{asked}", claim.holder)?;
    match claim.applied {
        Some(Version { instance, number }) => write!(f, ".{instance}.{number}"),
        None => Ok(()),
    }
}

/// Reads a claim. An earlier release asked for a `version` here, to which this one has no answer:
/// its isolates ask each time then.
pub fn claim(part: Option<&str>) -> Result<Option<Claim>, Misread> {
    let text = match part {
        None | Some(NONE | "version") => return Ok(None),
        Some(text) => text,
    };
    let mut parts = text.split('.');
    let holder = id(parts.next(), HolderId::parse)?;
    let lease = match parts.next() {
        Some(LEASE) => true,
        Some(CHANGES) => false,
        _ => return Err(Misread::Malformed),
    };
    let applied = match parts.next() {
        None => None,
        instance => Some(Version {
            instance: id(instance, InstanceId::parse)?,
            number: id(parts.next(), str::parse)?,
        }),
    };
    match parts.next() {
        None => Ok(Some(Claim {
            holder,
            applied,
            lease,
        })),
        Some(_) => Err(Misread::Malformed),
    }
}
