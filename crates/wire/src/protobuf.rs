//! A reader of the protobuf wire format that finds fields by number, without generated types. What
//! it cannot read is an error, so that nothing passes unread: groups, field number 0, lengths past
//! the end. One reader of heads serves messages that are here and those that come in windows.

mod fields;
mod reader;
mod search;
mod wanted;

use core::fmt;

use postern_domain::rpc::Path;

pub use self::fields::{Fields, Value, fields};
pub(crate) use self::reader::{Span, Window};
pub(crate) use self::search::{Add, Keep, Kind, Pause, Search, Sought};
pub use self::wanted::{Wanted, find};

/// Most values that a field may have that is looked for. No call needs as many; without a limit a
/// message of 10 MiB has five million, and a list of them more than an isolate's memory.
pub const MAX_VALUES: usize = 1000;

/// Most fields of a message that are walked, those of the messages that are entered included. No
/// call has as many: what is large is one field. Without a limit a message of 10 MiB has five
/// million.
pub const MAX_FIELDS: usize = 10_000;

/// Why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtobufError {
    /// It ends within a field.
    Truncated,
    /// A variable-length integer of more than 64 bits.
    Varint,
    /// Field number 0 or above 2^29 - 1.
    FieldNumber,
    /// A group (long deprecated), or a wire type that does not exist.
    WireType,
    /// The field is there, but is of another type.
    OtherType,
    /// The string is not UTF-8.
    Utf8,
    /// The field is there more often than [`MAX_VALUES`].
    Repeated,
    /// The message has more than [`MAX_FIELDS`] fields.
    Fields,
}

impl fmt::Display for ProtobufError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the message ends in the middle of a field",
            Self::Varint => "the message has an integer of more than 64 bits",
            Self::FieldNumber => "the message has an impossible field number",
            Self::WireType => "the message has a group or an unknown wire type",
            Self::OtherType => "a field that is needed to decide has another type",
            Self::Utf8 => "a field that names something is not UTF-8",
            Self::Repeated => "a field that names something is repeated more than 1000 times",
            Self::Fields => "the message has more than 10000 fields",
        })
    }
}

/// The strings at these paths, each empty where absent.
///
/// # Errors
/// As [`find`], and [`ProtobufError::Utf8`].
pub fn strings<const N: usize>(
    message: &[u8],
    paths: [Path; N],
) -> Result<[&str; N], ProtobufError> {
    let mut wanted = paths.map(Wanted::new);
    find(message, &mut wanted)?;
    let mut texts = [""; N];
    for (text, want) in texts.iter_mut().zip(&wanted) {
        *text = want.text()?;
    }
    Ok(texts)
}

#[cfg(test)]
mod tests;
