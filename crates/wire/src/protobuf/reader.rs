//! The heads of a message's fields, read out of windows of the body that the message is in. A
//! value of known length is passed over by its length, whether or not anybody has its bytes.

use super::ProtobufError;

/// Where something is in a body, in bytes: from the first on, up to the one behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub from: usize,
    pub to: usize,
}

impl Span {
    /// How many bytes.
    pub fn len(self) -> usize {
        self.to.saturating_sub(self.from)
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Some bytes of a body, and where in it they begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'w> {
    from: usize,
    bytes: &'w [u8],
}

impl<'w> Window<'w> {
    /// These bytes, of which the first is at `from`.
    pub fn new(from: usize, bytes: &'w [u8]) -> Self {
        Self { from, bytes }
    }

    /// A body of which everything is here.
    pub fn whole(bytes: &'w [u8]) -> Self {
        Self::new(0, bytes)
    }

    /// As much of a span as is here, from its beginning on; nothing where its beginning is not.
    pub fn of(self, span: Span) -> &'w [u8] {
        let Some(start) = span.from.checked_sub(self.from) else {
            return &[];
        };
        let stop = span.to.saturating_sub(self.from).min(self.bytes.len());
        self.bytes.get(start..stop).unwrap_or_default()
    }
}

/// The value of a field: a number as it is, anything else by where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Varint(u64),
    Fixed64(Span),
    Bytes(Span),
    Fixed32(Span),
}

/// How far a reader came with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A field with this number. Its value is within the message.
    Field(u32, Head),
    /// It needs the byte at this place of the body, which the window does not have.
    More(usize),
    /// The message is over.
    End,
}

/// Reads the heads of a message's fields, one after the other. It takes every byte once: what it
/// knows of a head that a window cuts, it keeps.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// What is still to be read.
    rest: Span,
    tag: Option<Tag>,
    varint: Varint,
}

#[derive(Debug, Clone, Copy)]
struct Tag {
    number: u32,
    wire_type: u64,
}

impl Reader {
    /// Of the message at this place.
    pub fn new(message: Span) -> Self {
        Self {
            rest: message,
            tag: None,
            varint: Varint::default(),
        }
    }

    /// Reads on.
    ///
    /// # Errors
    /// The next field cannot be read.
    pub fn next(&mut self, window: Window<'_>) -> Result<Step, ProtobufError> {
        let Tag { number, wire_type } = match self.tag {
            Some(tag) => tag,
            None if self.rest.is_empty() && self.varint.is_empty() => return Ok(Step::End),
            None => match self.varint(window)? {
                Some(tag) => *self.tag.insert(Tag::new(tag)?),
                None => return Ok(Step::More(self.rest.from)),
            },
        };
        let head = match wire_type {
            1 => Head::Fixed64(self.pass(8)?),
            5 => Head::Fixed32(self.pass(4)?),
            _ => match self.varint(window)? {
                None => return Ok(Step::More(self.rest.from)),
                Some(value) if wire_type == 0 => Head::Varint(value),
                Some(length) => Head::Bytes(self.pass(length)?),
            },
        };
        self.tag = None;
        Ok(Step::Field(number, head))
    }

    /// `None` where the window ends first.
    fn varint(&mut self, window: Window<'_>) -> Result<Option<u64>, ProtobufError> {
        for byte in window.of(self.rest) {
            self.rest.from += 1;
            if let Some(value) = self.varint.push(*byte)? {
                return Ok(Some(value));
            }
        }
        match self.rest.is_empty() {
            true => Err(ProtobufError::Truncated),
            false => Ok(None),
        }
    }

    /// Passes over as many bytes.
    fn pass(&mut self, length: u64) -> Result<Span, ProtobufError> {
        let length = usize::try_from(length).ok();
        let length = length.filter(|length| *length <= self.rest.len());
        let from = self.rest.from;
        self.rest.from += length.ok_or(ProtobufError::Truncated)?;
        Ok(Span {
            from,
            to: self.rest.from,
        })
    }
}

impl Tag {
    fn new(tag: u64) -> Result<Self, ProtobufError> {
        let number = u32::try_from(tag >> 3).ok();
        let number = number.filter(|number| (1..=0x1FFF_FFFF).contains(number));
        let number = number.ok_or(ProtobufError::FieldNumber)?;
        match tag & 7 {
            wire_type @ (0 | 1 | 2 | 5) => Ok(Self { number, wire_type }),
            _ => Err(ProtobufError::WireType),
        }
    }
}

/// An integer of variable length, as far as its bytes are here: seven bits in each, the lowest
/// first.
#[derive(Debug, Clone, Default)]
struct Varint {
    value: u64,
    shift: u32,
}

impl Varint {
    fn is_empty(&self) -> bool {
        self.shift == 0
    }

    /// The integer, once this was its last byte.
    fn push(&mut self, byte: u8) -> Result<Option<u64>, ProtobufError> {
        let bits = u64::from(byte & 0x7f);
        let is_last = byte < 0x80;
        if self.shift == 63 && (bits > 1 || !is_last) {
            return Err(ProtobufError::Varint);
        }
        self.value |= bits << self.shift;
        if is_last {
            return Ok(Some(core::mem::take(self).value));
        }
        self.shift += 7;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of a message that comes in windows of this size, those for more bytes left out.
    fn steps(message: &[u8], size: usize) -> Result<Vec<Step>, ProtobufError> {
        let to = message.len();
        let mut reader = Reader::new(Span { from: 0, to });
        let (mut at, mut steps) = (0, Vec::new());
        loop {
            let end = (at + size).min(message.len());
            match reader.next(Window::new(at, &message[at..end]))? {
                Step::More(from) => {
                    assert!(from >= end, "{from} is in the window up to {end}");
                    at = from;
                }
                Step::End => return Ok(steps),
                step => steps.push(step),
            }
        }
    }

    #[test]
    fn heads_are_read_whatever_the_windows() {
        let span = |from, to| Span { from, to };
        let message = b"\x08\x96\x01\x12\x03abc\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0\x12\x00";
        let expected = [
            Step::Field(1, Head::Varint(150)),
            Step::Field(2, Head::Bytes(span(5, 8))),
            Step::Field(3, Head::Fixed64(span(9, 17))),
            Step::Field(4, Head::Fixed32(span(18, 22))),
            Step::Field(2, Head::Bytes(span(24, 24))),
        ];
        for size in 1..=message.len() {
            assert_eq!(steps(message, size), Ok(expected.to_vec()), "{size}");
        }
    }

    #[test]
    fn a_message_that_ends_too_soon_is_refused_whatever_the_windows() {
        let rows: [&[u8]; 7] = [
            b"\x08",
            b"\x88",
            b"\x08\x96",
            b"\x12",
            b"\x12\x01",
            b"\x19\0\0\0\0\0\0\0",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ];
        for message in rows {
            for size in 1..=message.len() {
                let expected = Err(ProtobufError::Truncated);
                assert_eq!(steps(message, size), expected, "{message:x?} {size}");
            }
        }
    }

    #[test]
    fn a_window_gives_what_it_has_of_a_span_from_its_beginning() {
        let window = Window::new(10, b"abcd");
        let of = |from, to| window.of(Span { from, to });
        let (most, none): (_, &[u8]) = (usize::MAX, b"");
        assert_eq!(of(10, 12), b"ab");
        assert_eq!(of(12, 99), b"cd");
        assert_eq!(of(13, most), b"d");
        for (from, to) in [
            (9, 12),
            (14, 20),
            (most, most),
            (12, 12),
            (12, 3),
            (0, most),
        ] {
            assert_eq!(of(from, to), none, "{from}..{to}");
        }
    }
}
