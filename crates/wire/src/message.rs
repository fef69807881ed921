//! Writes the protobuf messages of the few calls that the gateway makes itself.

/// A string field.
pub fn text(number: u32, value: &str) -> Vec<u8> {
    embedded(number, value.as_bytes())
}

/// A field that is a message (wire type 2): key, length, bytes.
pub fn embedded(number: u32, message: &[u8]) -> Vec<u8> {
    let mut field = Vec::with_capacity(message.len() + 8);
    varint(&mut field, u64::from(number) << 3 | 2);
    varint(&mut field, message.len() as u64);
    field.extend_from_slice(message);
    field
}

/// A number that is not negative (wire type 0).
pub fn number(number: u32, value: u64) -> Vec<u8> {
    let mut field = Vec::with_capacity(12);
    varint(&mut field, u64::from(number) << 3);
    varint(&mut field, value);
    field
}

/// Seven bits in each byte, the lowest first.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 63, 127, 128, 300, 20_000] {
            let (first, second) = ("a".repeat(length), "b".repeat(length + 1));
            let message = [text(2, &first), text(300, &second)].concat();
            let read = protobuf::strings(&message, [&[2], &[300]]);
            assert_eq!(read, Ok([first.as_str(), second.as_str()]), "{length}");
            let around = [number(1, length as u64), embedded(3, &message)].concat();
            let read = protobuf::strings(&around, [&[3, 2]]);
            assert_eq!(read, Ok([first.as_str()]), "{length}");
        }
    }

    #[test]
    fn numbers_and_messages_are_read_again() {
        let inner = number(1, 86_400);
        let message = [embedded(2, &inner), number(7, u64::MAX)].concat();
        let read: Result<Vec<_>, _> = protobuf::fields(&message).collect();
        let expected = [
            (2, protobuf::Value::Bytes(&inner)),
            (7, protobuf::Value::Varint(u64::MAX)),
        ];
        assert_eq!(read.as_deref(), Ok(expected.as_slice()));
        let read: Result<Vec<_>, _> = protobuf::fields(&inner).collect();
        let expected = [(1, protobuf::Value::Varint(86_400))];
        assert_eq!(read.as_deref(), Ok(expected.as_slice()));
    }

    #[test]
    fn numbers_are_varints() {
        assert_eq!(number(1, 2), [0x08, 2]);
        assert_eq!(number(2, 300), [0x10, 0xac, 0x02]);
    }
}
