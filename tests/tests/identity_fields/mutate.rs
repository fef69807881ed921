//! Messages to try both readers with: whole ones, and whole ones broken in the ways that readers differ over. All follow
//! from the seed.

use crate::rows::Row;

/// A generator of numbers (xorshift64*): the same for the same seed on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 32) % (end.max(1) as u64)).expect("a small number")
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.byte()).collect()
    }
}

/// A field as it stands on the wire, with its tag and, where it has one, its length.
#[derive(Clone)]
struct Field {
    number: u64,
    wire: u64,
    /// Without tag and length.
    content: Vec<u8>,
}

impl Field {
    fn of(number: u64, wire: u64, content: &[u8]) -> Self {
        Self {
            number,
            wire,
            content: content.to_vec(),
        }
    }

    fn write(&self, into: &mut Vec<u8>) {
        varint(into, self.number << 3 | self.wire, 0);
        if self.wire == 2 {
            varint(into, self.content.len() as u64, 0);
        }
        into.extend(&self.content);
    }
}

/// A message to try on this row.
pub fn message(random: &mut Random, row: &Row) -> Vec<u8> {
    let mut message = match random.below(12) {
        0 => random.bytes(40),
        1 => made_up(random),
        _ => random.pick(&row.samples).clone(),
    };
    for _ in 0..random.below(4) {
        message = mutated(random, message);
    }
    message
}

/// Fields of low numbers with contents of all kinds.
fn made_up(random: &mut Random) -> Vec<u8> {
    let mut message = Vec::new();
    for _ in 0..random.below(6) {
        some_field(random).write(&mut message);
    }
    message
}

fn some_field(random: &mut Random) -> Field {
    let number = 1 + random.below(9) as u64;
    match random.below(8) {
        0 => Field::of(number, 0, &a_number(random)),
        1 => Field::of(number, 1, &random.next().to_le_bytes()),
        2 => Field::of(number, 5, &[7; 4]),
        3 => Field::of(number, 2, &random.bytes(12)),
        4 => Field::of(number, 2, b""),
        // A message with an id or a name or both.
        5 => {
            let mut inside = Vec::new();
            for _ in 0..1 + random.below(2) {
                Field::of(1 + random.below(3) as u64, 2, b"inside").write(&mut inside);
            }
            Field::of(number, 2, &inside)
        }
        _ => Field::of(
            number,
            2,
            format!("other-{}", random.below(1000)).as_bytes(),
        ),
    }
}

/// A number whose low 32 bits are small, whatever is above them.
fn a_number(random: &mut Random) -> Vec<u8> {
    let high = *random.pick(&[0, 0, 1 << 32, u64::from(u32::MAX) << 32, 1 << 63]);
    let mut content = Vec::new();
    varint(&mut content, high | random.below(4) as u64, 0);
    content
}

fn mutated(random: &mut Random, mut message: Vec<u8>) -> Vec<u8> {
    match random.below(14) {
        // A bit, or a byte, is another one.
        0 if !message.is_empty() => {
            let at = random.below(message.len());
            message[at] ^= 1 << random.below(8);
        }
        1 if !message.is_empty() => {
            let at = random.below(message.len());
            message[at] = random.byte();
        }
        // It breaks off, or goes on.
        2 => message.truncate(random.below(message.len() + 1)),
        3 => message.extend(random.bytes(6)),
        4 => {
            let at = random.below(message.len() + 1);
            message.splice(at..at, random.bytes(4));
        }
        // A field occurs again, with another value, of another type, in another place.
        5 => some_field(random).write(&mut message),
        6 => {
            let mut front = Vec::new();
            some_field(random).write(&mut front);
            front.extend(message);
            return front;
        }
        7 => {
            return rewritten(random, &message, |random, fields| {
                let again = random.pick(fields).clone();
                fields.insert(random.below(fields.len() + 1), again);
            });
        }
        8 => {
            return rewritten(random, &message, |random, fields| {
                let (one, other) = (random.below(fields.len()), random.below(fields.len()));
                fields.swap(one, other);
            });
        }
        9 => {
            return rewritten(random, &message, |random, fields| {
                let at = random.below(fields.len());
                let content = a_number(random);
                fields[at] = Field::of(
                    fields[at].number,
                    *random.pick(&[0, 1, 3, 4, 5, 6, 7]),
                    &content,
                );
            });
        }
        // A message inside comes in several parts.
        10 => return rewritten(random, &message, split),
        // A group around something, or around nothing.
        11 => {
            let number = 1 + random.below(9) as u64;
            let inside = some_field(random);
            varint(&mut message, number << 3 | 3, 0);
            inside.write(&mut message);
            varint(&mut message, number << 3 | 4, 0);
        }
        // Numbers that are longer than they need to be, and longer than they may be.
        12 => return overlong(random, &message),
        // Messages in messages.
        _ => {
            let number = 1 + random.below(9) as u64;
            let mut nested = Vec::new();
            for _ in 0..random.below(150) {
                let mut outer = Vec::new();
                Field::of(number, 2, &nested).write(&mut outer);
                nested = outer;
            }
            message.extend(nested);
        }
    }
    message
}

/// The message with its fields changed; a message that has none as it is.
fn rewritten(
    random: &mut Random,
    message: &[u8],
    change: impl FnOnce(&mut Random, &mut Vec<Field>),
) -> Vec<u8> {
    let Some(mut fields) = fields(message).filter(|fields| !fields.is_empty()) else {
        return message.to_vec();
    };
    change(random, &mut fields);
    let mut rewritten = Vec::new();
    for field in &fields {
        field.write(&mut rewritten);
    }
    rewritten
}

/// One field of bytes in two occurrences, at a border between fields where it is a message.
fn split(random: &mut Random, all: &mut Vec<Field>) {
    let at = random.below(all.len());
    let field = all[at].clone();
    if field.wire != 2 {
        return;
    }
    let inside = fields(&field.content).unwrap_or_default();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for part in &inside {
        part.write(if random.below(2) == 0 {
            &mut first
        } else {
            &mut second
        });
    }
    if inside.is_empty() {
        let (front, back) = field
            .content
            .split_at(random.below(field.content.len() + 1));
        (first, second) = (front.to_vec(), back.to_vec());
    }
    all[at].content = first;
    let behind = at + 1 + random.below(all.len() - at);
    all.insert(behind, Field::of(field.number, 2, &second));
}

/// The message with tags and lengths of more bytes than needed.
fn overlong(random: &mut Random, message: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    for field in fields(message).unwrap_or_default() {
        let more = |random: &mut Random| *random.pick(&[0, 0, 1, 3, 8, 9, 11]);
        varint(&mut written, field.number << 3 | field.wire, more(random));
        if field.wire == 2 {
            varint(&mut written, field.content.len() as u64, more(random));
        }
        written.extend(&field.content);
    }
    written
}

/// The fields of a message; `None` for one that cannot be read. Not with the code that is tried here.
fn fields(mut message: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (tag, rest) = read_varint(message)?;
        let (content, rest) = match tag & 7 {
            0 => rest.split_at(rest.len() - read_varint(rest)?.1.len()),
            1 => rest.split_at_checked(8)?,
            2 => {
                let (length, rest) = read_varint(rest)?;
                rest.split_at_checked(usize::try_from(length).ok()?)?
            }
            5 => rest.split_at_checked(4)?,
            _ => return None,
        };
        if tag >> 3 == 0 {
            return None;
        }
        fields.push(Field::of(tag >> 3, tag & 7, content));
        message = rest;
    }
    Some(fields)
}

fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = 1 + bytes.iter().take(10).position(|byte| *byte < 0x80)?;
    let (varint, rest) = bytes.split_at(length);
    let value = varint
        .iter()
        .rev()
        .fold(0u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, rest))
}

/// A number in as many bytes as it needs and `more`.
fn varint(into: &mut Vec<u8>, mut value: u64, more: usize) {
    while value >= 0x80 {
        into.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8 | if more > 0 { 0x80 } else { 0 });
    for left in (0..more).rev() {
        into.push(if left > 0 { 0x80 } else { 0 });
    }
}
