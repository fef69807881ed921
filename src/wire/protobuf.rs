//! A reader of the protobuf wire format that finds single fields by number. Refuses what it
//! cannot read, so that nothing passes unread: groups, field number 0, lengths past the end.

use core::fmt;

/// Why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtobufError {
    Truncated,
    /// A variable-length integer of more than 64 bits.
    Varint,
    /// Field number 0 or above 2^29 - 1.
    FieldNumber,
    /// A group (long deprecated), or a wire type that does not exist.
    WireType,
    /// The field is there, but is not a string.
    NotAString,
    /// The string is not UTF-8.
    Utf8,
}

impl fmt::Display for ProtobufError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the message ends in the middle of a field",
            Self::Varint => "the message has an integer of more than 64 bits",
            Self::FieldNumber => "the message has an impossible field number",
            Self::WireType => "the message has a group or an unknown wire type",
            Self::NotAString => "a field that names something is not a string",
            Self::Utf8 => "a field that names something is not UTF-8",
        })
    }
}

/// The value of a field as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message in wire order. After an error it ends.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// Walks a message.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), ProtobufError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u32, Value<'a>), ProtobufError> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3)
            .ok()
            .filter(|number| (1..=0x1FFF_FFFF).contains(number))
            .ok_or(ProtobufError::FieldNumber)?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.array()?),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| ProtobufError::Truncated)?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Fixed32(self.array()?),
            _ => return Err(ProtobufError::WireType),
        };
        Ok((number, value))
    }

    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(ProtobufError::Truncated)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ProtobufError::Varint);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ProtobufError::Varint)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], ProtobufError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(ProtobufError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtobufError> {
        self.take(N)?
            .try_into()
            .map_err(|_| ProtobufError::Truncated)
    }
}

/// The string in each of the wanted fields, empty where absent. Of a repeated singular field the
/// last one counts, as at the origin; the whole message is read, so that a fault behind the last
/// wanted field is found too.
///
/// # Errors
/// The first fault of the message, or of a wanted field.
pub fn strings<const N: usize>(
    message: &[u8],
    wanted: [u32; N],
) -> Result<[&str; N], ProtobufError> {
    let mut found = [""; N];
    for field in fields(message) {
        let (number, value) = field?;
        for (slot, want) in found.iter_mut().zip(wanted) {
            if number == want {
                let Value::Bytes(bytes) = value else {
                    return Err(ProtobufError::NotAString);
                };
                *slot = core::str::from_utf8(bytes).map_err(|_| ProtobufError::Utf8)?;
            }
        }
    }
    Ok(found)
}

/// The embedded message in a field, `None` where absent. The origin would merge a repeated one;
/// here that is refused as unreadable.
///
/// # Errors
/// The first fault of the message, or of the field.
pub fn message(outer: &[u8], wanted: u32) -> Result<Option<&[u8]>, ProtobufError> {
    let mut found = None;
    for field in fields(outer) {
        match field? {
            (number, Value::Bytes(bytes)) if number == wanted && found.is_none() => {
                found = Some(bytes);
            }
            (number, _) if number == wanted => return Err(ProtobufError::WireType),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_strings_and_keeps_the_last() {
        let bytes = b"\x22\x01a\x2a\x01p\x08\x96\x01\x22\x02bc";
        assert_eq!(strings(bytes, [4, 5]), Ok(["bc", "p"]));
        assert_eq!(strings(bytes, [9]), Ok([""]));
        assert_eq!(strings(b"", [1]), Ok([""]));
    }

    #[test]
    fn unreadable_messages_are_refused() {
        let rows: [(&[u8], ProtobufError); 11] = [
            (b"\x22", ProtobufError::Truncated),
            (b"\x22\x05ab", ProtobufError::Truncated),
            (
                b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
                ProtobufError::Truncated,
            ),
            (b"\x22\x01a\x80", ProtobufError::Truncated),
            (b"\x09\x00", ProtobufError::Truncated),
            (
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                ProtobufError::Varint,
            ),
            (b"\x02\x00", ProtobufError::FieldNumber),
            (b"\x23\x24", ProtobufError::WireType),
            (b"\x26\x01", ProtobufError::WireType),
            (b"\x20\x01", ProtobufError::NotAString),
            (b"\x22\x01\xff", ProtobufError::Utf8),
        ];
        for (bytes, expected) in rows {
            assert_eq!(strings(bytes, [4]), Err(expected), "{bytes:x?}");
        }
    }

    #[test]
    fn embedded_messages_once_only() {
        assert_eq!(message(b"\x0a\x02\x08\x01", 1), Ok(Some(&b"\x08\x01"[..])));
        assert_eq!(message(b"\x10\x01", 1), Ok(None));
        assert_eq!(
            message(b"\x0a\x00\x0a\x00", 1),
            Err(ProtobufError::WireType)
        );
        assert_eq!(message(b"\x08\x01", 1), Err(ProtobufError::WireType));
    }

    #[test]
    fn no_byte_string_makes_the_reader_panic() {
        for seed in 0..20_000u64 {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let bytes: Vec<u8> = (0..seed % 24)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state.to_le_bytes()[0]
                })
                .collect();
            let _ = strings(&bytes, [1, 4]);
            let _ = message(&bytes, 1);
        }
    }
}
