//! A reader of the protobuf wire format that finds fields by number, without generated types. What
//! it cannot read is an error, so that nothing passes unread: groups, field number 0, lengths past
//! the end.

use core::fmt;

use postern_domain::rpc::Path;

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

/// The value of a field as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64([u8; 8]),
    /// A text, bytes or an embedded message.
    Bytes(&'a [u8]),
    /// Four bytes.
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
    kind: Kind,
    /// The values found, in wire order; of a singular field the last one counts, as at the
    /// origin. That holds across several occurrences of the messages around it, which the origin
    /// merges.
    found: Vec<&'m [u8]>,
    number: u64,
}

/// Of what type a field must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A string, bytes or a message.
    Bytes,
    /// An enum or a 32-bit number.
    Number,
}

impl<'m> Wanted<'m> {
    /// A field of strings, bytes or messages. An empty path is found nowhere.
    pub fn new(path: Path) -> Self {
        Self {
            path,
            kind: Kind::Bytes,
            found: Vec::new(),
            number: 0,
        }
    }

    /// A singular enum or 32-bit number.
    pub fn number(path: Path) -> Self {
        Self {
            kind: Kind::Number,
            ..Self::new(path)
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

    /// The last value, empty where absent.
    pub fn last(&self) -> &'m [u8] {
        self.found.last().copied().unwrap_or_default()
    }

    /// The last number, 0 where absent. Of a longer integer the lower 32 bits count, as at the
    /// origin: read whole, it could pass for another value here.
    pub fn last_number(&self) -> u64 {
        self.number
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

    fn take(&mut self, value: Value<'m>) -> Result<(), ProtobufError> {
        match (self.kind, value) {
            (Kind::Number, Value::Varint(number)) => self.number = number & 0xFFFF_FFFF,
            (Kind::Bytes, Value::Bytes(_)) if self.found.len() >= MAX_VALUES => {
                return Err(ProtobufError::Repeated);
            }
            (Kind::Bytes, Value::Bytes(bytes)) => self.found.push(bytes),
            _ => return Err(ProtobufError::OtherType),
        }
        Ok(())
    }
}

/// How many fields may still be walked.
#[derive(Debug)]
pub struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_FIELDS)
    }
}

impl Budget {
    fn spend(&mut self) -> Result<(), ProtobufError> {
        self.0 = self.0.checked_sub(1).ok_or(ProtobufError::Fields)?;
        Ok(())
    }
}

/// Finds fields in one pass. The whole message is read, so that a fault behind the last wanted
/// field is found too. Messages are entered as deep as a path leads and no deeper; what lies beside
/// the paths is skipped by its length.
///
/// # Errors
/// The first fault of the message, more than [`MAX_FIELDS`] fields, or a wanted field that is of
/// another type or there too often.
pub fn find<'m>(message: &'m [u8], wanted: &mut [Wanted<'m>]) -> Result<(), ProtobufError> {
    find_within(message, wanted, &mut Budget::default())
}

/// As [`find`], for several messages that are parts of one.
///
/// # Errors
/// As [`find`].
pub fn find_within<'m>(
    message: &'m [u8],
    wanted: &mut [Wanted<'m>],
    budget: &mut Budget,
) -> Result<(), ProtobufError> {
    walk(message, &[], wanted, budget)
}

fn walk<'m>(
    message: &'m [u8],
    above: &[u32],
    wanted: &mut [Wanted<'m>],
    budget: &mut Budget,
) -> Result<(), ProtobufError> {
    for field in fields(message) {
        let (number, value) = field?;
        budget.spend()?;
        let mut inside: Option<Path> = None;
        for want in wanted.iter_mut() {
            let path = want.path;
            let Some([first, deeper @ ..]) = path.strip_prefix(above) else {
                continue;
            };
            if *first != number {
                continue;
            }
            if deeper.is_empty() {
                want.take(value)?;
            } else if matches!(value, Value::Bytes(_)) {
                inside = path.get(..=above.len());
            } else {
                return Err(ProtobufError::OtherType);
            }
        }
        if let (Some(above), Value::Bytes(bytes)) = (inside, value) {
            walk(bytes, above, wanted, budget)?;
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

#[cfg(test)]
mod tests;
