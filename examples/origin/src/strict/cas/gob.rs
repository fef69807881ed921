//! The name of an artifact as the control plane's client sends it: base64 of Go's gob of a struct
//! `CASResource` with the fields `FileName`, `Digest` and `Size` (`pkg/casclient/uploader.go`,
//! `app/artifact-cas/internal/service/bytestream.go`). Reads and writes that much of gob, and no
//! more: <https://pkg.go.dev/encoding/gob> describes the format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An artifact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// Name of its file.
    pub file_name: String,
    /// SHA-256 in hex, without the algorithm.
    pub digest: String,
}

/// Longest name taken.
const MAX_NAME: usize = 8 * 1024;

/// The first id that gob gives to a type of the program.
const TYPE: i64 = 65;

/// Ids of gob's own types.
const INT: i64 = 2;
const STRING: i64 = 6;

/// The fields, in the order of the generated Go struct.
const FIELDS: [(&str, i64); 3] = [("FileName", STRING), ("Digest", STRING), ("Size", INT)];

/// The text for a resource.
pub fn encode(resource: &Resource) -> String {
    let mut kind = Vec::new();
    int(&mut kind, -TYPE);
    // A wire type with only its third field, a struct type: its common part, then its fields.
    kind.extend([3, 1, 1]);
    text(&mut kind, "CASResource");
    kind.push(1);
    int(&mut kind, TYPE);
    kind.extend([0, 1]);
    uint(&mut kind, FIELDS.len() as u64);
    for (name, id) in FIELDS {
        kind.push(1);
        text(&mut kind, name);
        kind.push(1);
        int(&mut kind, id);
        kind.push(0);
    }
    kind.extend([0, 0]);

    let mut value = Vec::new();
    int(&mut value, TYPE);
    // Each field by its distance from the one before; what is empty is left out.
    let mut distance = 1;
    for field in [&resource.file_name, &resource.digest] {
        if field.is_empty() {
            distance += 1;
            continue;
        }
        uint(&mut value, distance);
        text(&mut value, field);
        distance = 1;
    }
    value.push(0);

    let mut gob = Vec::new();
    for message in [kind, value] {
        uint(&mut gob, message.len() as u64);
        gob.extend(message);
    }
    STANDARD.encode(gob)
}

/// The resource that a text names; none for anything else.
pub(crate) fn decode(name: &str) -> Option<Resource> {
    if name.len() > MAX_NAME {
        return None;
    }
    let gob = STANDARD.decode(name).ok()?;
    let mut reader = Reader(&gob);
    let mut fields = None;
    // Types come first, by negative ids; then the value.
    loop {
        let length = usize::try_from(reader.uint()?).ok()?;
        let mut message = Reader(reader.take(length)?);
        let id = message.int()?;
        if id < 0 {
            fields = fields.or_else(|| message.struct_fields());
            continue;
        }
        return message.value(&fields?);
    }
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// One byte up to 127; else the negated count of bytes, and the bytes, big end first.
    fn uint(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        let count = usize::from(first.wrapping_neg());
        if count > 8 {
            return None;
        }
        let bytes = self.take(count)?;
        Some(
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    }

    /// The lowest bit is the sign.
    fn int(&mut self) -> Option<i64> {
        let bits = self.uint()?;
        let half = i64::try_from(bits >> 1).ok()?;
        Some(if bits & 1 == 1 { !half } else { half })
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.uint()?).ok()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    /// Names and types of the fields of a struct type.
    fn struct_fields(&mut self) -> Option<Vec<(String, i64)>> {
        if self.uint()? != 3 || self.uint()? != 1 || self.uint()? != 1 {
            return None;
        }
        self.text()?;
        if self.uint()? != 1 {
            return None;
        }
        self.int()?;
        if self.uint()? != 0 || self.uint()? != 1 {
            return None;
        }
        let count = self.uint()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            if self.uint()? != 1 {
                return None;
            }
            let name = self.text()?;
            if self.uint()? != 1 {
                return None;
            }
            fields.push((name, self.int()?));
            if self.uint()? != 0 {
                return None;
            }
        }
        Some(fields)
    }

    /// A value of a struct with these fields.
    fn value(&mut self, fields: &[(String, i64)]) -> Option<Resource> {
        let mut resource = Resource::default();
        let mut next = 0;
        loop {
            let distance = usize::try_from(self.uint()?).ok()?;
            if distance == 0 {
                return Some(resource);
            }
            next = usize::checked_add(next, distance)?;
            let (name, kind) = fields.get(next.checked_sub(1)?)?;
            match (name.as_str(), *kind) {
                ("FileName", STRING) => resource.file_name = self.text()?,
                ("Digest", STRING) => resource.digest = self.text()?,
                (_, STRING) => drop(self.text()?),
                (_, INT) => drop(self.int()?),
                _ => return None,
            }
        }
    }
}

fn uint(bytes: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        bytes.extend(value.to_be_bytes().last());
        return;
    }
    let all = value.to_be_bytes();
    let zeros = all.iter().take_while(|byte| **byte == 0).count();
    let count = all.len() - zeros;
    bytes.extend(u8::try_from(count).map(u8::wrapping_neg));
    bytes.extend(all.iter().skip(zeros));
}

fn int(bytes: &mut Vec<u8>, value: i64) {
    let bits = if value < 0 {
        (!value.unsigned_abs().wrapping_neg()) << 1 | 1
    } else {
        value.unsigned_abs() << 1
    };
    uint(bytes, bits);
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    uint(bytes, value.len() as u64);
    bytes.extend(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(file_name: &str, digest: &str) -> Resource {
        Resource {
            file_name: file_name.to_owned(),
            digest: digest.to_owned(),
        }
    }

    #[test]
    fn the_bytes_are_those_of_gob() {
        // By the description of the format: a definition of type 65, then a value of it.
        let mut gob = vec![0x3a, 0xff, 0x81, 3, 1, 1, 11];
        gob.extend(b"CASResource");
        gob.extend([1, 0xff, 0x82, 0, 1, 3]);
        gob.extend([1, 8]);
        gob.extend(b"FileName");
        gob.extend([1, 12, 0, 1, 6]);
        gob.extend(b"Digest");
        gob.extend([1, 12, 0, 1, 4]);
        gob.extend(b"Size");
        gob.extend([1, 4, 0, 0, 0]);
        gob.extend([0x0b, 0xff, 0x82, 1, 1, b'f', 1, 3, b'a', b'b', b'c', 0]);
        let named = resource("f", "abc");
        assert_eq!(STANDARD.decode(encode(&named)).unwrap(), gob);
        assert_eq!(decode(&STANDARD.encode(&gob)), Some(named));
    }

    #[test]
    fn names_come_back() {
        for named in [
            resource("a.tar", &"0".repeat(64)),
            resource("", "abc"),
            resource("only a name", ""),
            resource(&"x".repeat(300), "é"),
        ] {
            assert_eq!(decode(&encode(&named)), Some(named));
        }
    }

    #[test]
    fn anything_else_is_no_name() {
        let good = STANDARD.decode(encode(&resource("f", "abc"))).unwrap();
        for length in 0..good.len() {
            assert_eq!(decode(&STANDARD.encode(&good[..length])), None, "{length}");
        }
        assert_eq!(decode("not base64"), None);
        assert_eq!(decode(&encode(&resource(&"x".repeat(MAX_NAME), ""))), None);
        // A count that would take longer than there is.
        assert_eq!(
            decode(&STANDARD.encode([0xf8, 255, 255, 255, 255, 255, 255, 255, 255])),
            None
        );
    }
}
