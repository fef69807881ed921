//! A reader of the protobuf wire format that finds fields by number, without generated types.
//! Refuses what it cannot read, so that nothing passes unread: groups, field number 0, lengths
//! past the end.

use core::fmt;

use crate::domain::rpc::Path;

/// Most values that a field may have that is looked for. No call needs as many; without a limit a
/// message of 10 MiB has five million, and a list of them more than an isolate's memory.
pub const MAX_VALUES: usize = 1000;

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
    /// The field is there, but is of another type.
    OtherType,
    /// The string is not UTF-8.
    Utf8,
    /// The field is there more often than [`MAX_VALUES`].
    Repeated,
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

/// A field that is looked for, by the numbers from the outer message inwards.
#[derive(Debug)]
pub struct Wanted<'m> {
    path: Path,
    /// The values found, in wire order; of a singular field the last one counts, as at the
    /// origin. That holds across several occurrences of the messages around it, which the origin
    /// merges.
    found: Vec<&'m [u8]>,
}

impl<'m> Wanted<'m> {
    /// Nothing found yet.
    pub fn new(path: Path) -> Self {
        Self {
            path,
            found: Vec::new(),
        }
    }

    /// Whether the field is there at all, even if empty.
    pub fn is_present(&self) -> bool {
        !self.found.is_empty()
    }

    /// The values as they stand, in wire order.
    pub fn values(&self) -> impl Iterator<Item = &'m [u8]> {
        self.found.iter().copied()
    }

    /// The value of a singular string, empty where absent.
    ///
    /// # Errors
    /// [`ProtobufError::Utf8`], for any of the values: the origin would refuse the message.
    pub fn text(&self) -> Result<&'m str, ProtobufError> {
        Ok(self.texts()?.last().copied().unwrap_or_default())
    }

    /// The values of a repeated string.
    ///
    /// # Errors
    /// [`ProtobufError::Utf8`].
    pub fn texts(&self) -> Result<Vec<&'m str>, ProtobufError> {
        let text = |bytes: &&'m [u8]| core::str::from_utf8(bytes);
        let texts: Result<Vec<_>, _> = self.found.iter().map(text).collect();
        texts.map_err(|_| ProtobufError::Utf8)
    }
}

/// Finds fields of strings, bytes or messages in one pass. The whole message is read, so that a
/// fault behind the last wanted field is found too. Messages are entered as deep as a path leads
/// and no deeper; what lies beside the paths is skipped by its length.
///
/// # Errors
/// The first fault of the message, or a wanted field that is of another type or there too often.
pub fn find<'m>(message: &'m [u8], wanted: &mut [Wanted<'m>]) -> Result<(), ProtobufError> {
    walk(message, &[], wanted)
}

fn walk<'m>(
    message: &'m [u8],
    above: &[u32],
    wanted: &mut [Wanted<'m>],
) -> Result<(), ProtobufError> {
    for field in fields(message) {
        let (number, value) = field?;
        let mut inside: Option<Path> = None;
        for want in wanted.iter_mut() {
            let path = want.path;
            let Some([first, deeper @ ..]) = path.strip_prefix(above) else {
                continue;
            };
            if *first != number {
                continue;
            }
            let Value::Bytes(bytes) = value else {
                return Err(ProtobufError::OtherType);
            };
            if deeper.is_empty() {
                if want.found.len() >= MAX_VALUES {
                    return Err(ProtobufError::Repeated);
                }
                want.found.push(bytes);
            } else {
                inside = path.get(..=above.len());
            }
        }
        if let (Some(above), Value::Bytes(bytes)) = (inside, value) {
            walk(bytes, above, wanted)?;
        }
    }
    Ok(())
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

/// Whether a singular field of strings or bytes has a value that is not empty.
///
/// # Errors
/// As [`find`].
pub fn is_present(message: &[u8], number: u32) -> Result<bool, ProtobufError> {
    let mut last: &[u8] = &[];
    for field in fields(message) {
        match field? {
            (found, Value::Bytes(bytes)) if found == number => last = bytes,
            (found, _) if found == number => return Err(ProtobufError::OtherType),
            _ => {}
        }
    }
    Ok(!last.is_empty())
}

/// The last value of a singular enum or 32-bit number, 0 where absent. Of a longer integer the
/// lower 32 bits count, as at the origin: read whole, it could pass for another value here.
///
/// # Errors
/// The first fault of the message, or a field of another type.
pub fn number(message: &[u8], wanted: u32) -> Result<u64, ProtobufError> {
    let mut found = 0;
    for field in fields(message) {
        match field? {
            (number, Value::Varint(value)) if number == wanted => found = value & 0xFFFF_FFFF,
            (number, _) if number == wanted => return Err(ProtobufError::OtherType),
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
        assert_eq!(strings(bytes, [&[4], &[5]]), Ok(["bc", "p"]));
        assert_eq!(strings(bytes, [&[9]]), Ok([""]));
        assert_eq!(strings(b"", [&[1]]), Ok([""]));
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
            (b"\x20\x01", ProtobufError::OtherType),
            (b"\x22\x01\xff", ProtobufError::Utf8),
        ];
        for (bytes, expected) in rows {
            assert_eq!(strings(bytes, [&[4]]), Err(expected), "{bytes:x?}");
        }
    }

    #[test]
    fn embedded_messages_are_merged_as_the_origin_merges_them() {
        let rows: [(&[u8], &str, &str); 6] = [
            (b"\x0a\x03\x12\x01a", "", "a"),
            (b"\x0a\x06\x0a\x01i\x12\x01a", "i", "a"),
            // Two occurrences: each field's last value counts, wherever it is.
            (b"\x0a\x06\x0a\x01i\x12\x01a\x0a\x03\x12\x01b", "i", "b"),
            (b"\x0a\x03\x12\x01a\x0a\x00", "", "a"),
            // Field 2 of the outer message is none of the inner one.
            (b"\x12\x01x", "", ""),
            (b"", "", ""),
        ];
        for (bytes, id, name) in rows {
            assert_eq!(
                strings(bytes, [&[1, 1], &[1, 2]]),
                Ok([id, name]),
                "{bytes:x?}"
            );
        }
        // What is entered must be a message; what is not entered is skipped.
        assert_eq!(
            strings(b"\x08\x01", [&[1, 2]]),
            Err(ProtobufError::OtherType)
        );
        assert_eq!(
            strings(b"\x0a\x01\x12", [&[1, 2]]),
            Err(ProtobufError::Truncated)
        );
        assert_eq!(strings(b"\x0a\x01\x12", [&[2, 2]]), Ok([""]));
    }

    #[test]
    fn repeated_strings_and_presence() {
        let mut wanted = [Wanted::new(&[3]), Wanted::new(&[4])];
        find(b"\x1a\x01a\x22\x00\x1a\x01b", &mut wanted).expect("a message");
        let [names, empty] = &wanted;
        assert_eq!(names.texts(), Ok(vec!["a", "b"]));
        assert!(empty.is_present() && empty.text() == Ok(""));
        // A bad value that another one replaces is still a message that the origin refuses.
        let mut wanted = [Wanted::new(&[3])];
        find(b"\x1a\x01\xff\x1a\x01b", &mut wanted).expect("a message");
        assert_eq!(wanted[0].text(), Err(ProtobufError::Utf8));
    }

    #[test]
    fn fields_may_be_repeated_so_often() {
        let times = |count: usize| b"\x22\x00".repeat(count);
        assert_eq!(strings(&times(MAX_VALUES), [&[4]]), Ok([""]));
        assert_eq!(
            strings(&times(MAX_VALUES + 1), [&[4]]),
            Err(ProtobufError::Repeated)
        );
        // What is not looked for is not counted.
        assert_eq!(strings(&times(MAX_VALUES + 1), [&[5]]), Ok([""]));
        assert!(
            ProtobufError::Repeated
                .to_string()
                .contains(&MAX_VALUES.to_string())
        );
    }

    #[test]
    fn numbers() {
        assert_eq!(number(b"\x08\x01\x08\x02", 1), Ok(2));
        assert_eq!(number(b"\x10\x01", 1), Ok(0));
        assert_eq!(number(b"\x0a\x00", 1), Err(ProtobufError::OtherType));
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
            let _ = strings(&bytes, [&[1], &[4, 1], &[4, 2, 1]]);
            let _ = number(&bytes, 1);
        }
    }
}
