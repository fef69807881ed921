//! How many fields and values a message may have, in windows too, and which fault is told first.

use super::bodies::{bytes, frame};
use super::*;
use crate::identity::IdentityError;
use crate::protobuf::{MAX_FIELDS, MAX_VALUES, ProtobufError};

fn message(error: ProtobufError) -> Result<(), ScanError> {
    Err(ScanError::Message(IdentityError::Protobuf(error)))
}

#[test]
fn values_and_fields_are_counted_through_all_windows() {
    let store = row("AttestationService/Store");
    let (small, run) = (b"\x20\x00", bytes(2, b"r"));
    let rows = [
        (run.repeat(MAX_VALUES), Ok(())),
        (run.repeat(MAX_VALUES + 1), message(ProtobufError::Repeated)),
        (small.repeat(MAX_FIELDS), Ok(())),
        (small.repeat(MAX_FIELDS + 1), message(ProtobufError::Fields)),
    ];
    for (body, expected) in rows {
        assert_eq!(agreed(&body, store, Framing::Bare), expected);
        assert_eq!(agreed(&frame(0, &body), store, Framing::Frame), expected);
    }
}

#[test]
fn the_fields_around_a_reference_and_in_it_have_one_limit() {
    let create = row("WorkflowContractService/Create");
    let around = |count: usize| b"\x08\x00".repeat(count);
    // In the reference: so many fields that are not looked for, then this.
    let part = |count: usize, then: &[u8]| {
        let inside = [&b"\x18\x00".repeat(count)[..], then].concat();
        bytes(5, &inside)
    };
    let (name, half) = (bytes(2, b"n"), MAX_FIELDS / 2);
    let (fields, group) = (ProtobufError::Fields, ProtobufError::WireType);
    let (utf8, cut) = (ProtobufError::Utf8, ProtobufError::Truncated);
    let rows = [
        // The part itself and its name are two.
        (part(half, &name), around(half - 2), Ok(())),
        (part(half, &name), around(half - 1), message(fields)),
        // A fault in the part is told before a limit that is reached behind it, and not before one
        // that is reached in front of it.
        (part(half, b"\x1b"), around(half - 1), message(group)),
        (part(half, b"\x1b"), around(half), message(fields)),
        (part(half, b"\x0a\x01\xff"), around(half - 2), message(utf8)),
        (
            part(half, b"\x0a\x01\xff"),
            around(half - 1),
            message(fields),
        ),
        (part(MAX_FIELDS, &name), around(0), message(fields)),
        // A fault of the message around it is told first, wherever it is.
        (part(MAX_FIELDS, &name), b"\x1b".to_vec(), message(group)),
        (part(3, b"\x1b"), b"\x08".to_vec(), message(cut)),
        (part(3, b"\x08\x00"), b"\x08".to_vec(), message(cut)),
        (
            part(3, b"\x08\x00"),
            around(1),
            message(ProtobufError::OtherType),
        ),
        // A part behind a fault is not read.
        (part(0, b"\x0a\x01\xff"), part(0, b"\x1b"), message(utf8)),
        (part(0, b"\x1b"), part(0, b"\x0a\x01\xff"), message(group)),
        (part(0, &name.repeat(MAX_VALUES)), name.repeat(2), Ok(())),
        // Each part is counted for itself.
        (
            part(0, &name.repeat(MAX_VALUES)),
            part(0, &name.repeat(MAX_VALUES)),
            Ok(()),
        ),
        (
            part(0, &name.repeat(MAX_VALUES + 1)),
            around(1),
            message(ProtobufError::Repeated),
        ),
    ];
    for (front, back, expected) in rows {
        let body = [front, back].concat();
        assert_eq!(agreed(&body, create, Framing::Bare), expected);
    }
}
