//! The fields of a message of which everything is here.

use super::ProtobufError;
use super::reader::{Head, Reader, Span, Step, Window};

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
    window: Window<'a>,
    reader: Option<Reader>,
}

/// Walks a message.
pub fn fields(message: &[u8]) -> Fields<'_> {
    let to = message.len();
    Fields {
        window: Window::whole(message),
        reader: Some(Reader::new(Span { from: 0, to })),
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), ProtobufError>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = match self.reader.as_mut()?.next(self.window) {
            Ok(Step::End) => return None,
            Ok(Step::Field(number, head)) => self.value(head).map(|value| (number, value)),
            // There is no more than the whole message.
            Ok(Step::More(_)) => Err(ProtobufError::Truncated),
            Err(error) => Err(error),
        };
        if field.is_err() {
            self.reader = None;
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn value(&self, head: Head) -> Result<Value<'a>, ProtobufError> {
        Ok(match head {
            Head::Varint(number) => Value::Varint(number),
            Head::Fixed64(span) => Value::Fixed64(self.array(span)?),
            Head::Bytes(span) => Value::Bytes(self.window.of(span)),
            Head::Fixed32(span) => Value::Fixed32(self.array(span)?),
        })
    }

    fn array<const N: usize>(&self, span: Span) -> Result<[u8; N], ProtobufError> {
        let bytes = self.window.of(span).try_into();
        bytes.map_err(|_| ProtobufError::Truncated)
    }
}
