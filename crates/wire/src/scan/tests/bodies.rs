//! Bodies to try with: good ones, and ones that are broken in the ways that matter to a reader that
//! does not have everything. All follow from the seed.

use postern_domain::rpc::{OrganizationAt, ProjectAt, Rpc};

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
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// An integer in as many bytes as it needs, and `more`.
pub fn varint(into: &mut Vec<u8>, mut value: u64, more: usize) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8 | if more > 0 { 0x80 } else { 0 });
    for left in (0..more).rev() {
        into.push(if left > 0 { 0x80 } else { 0 });
    }
}

/// A field with a length.
pub fn bytes(number: u64, value: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    varint(&mut field, number << 3 | 2, 0);
    varint(&mut field, value.len() as u64, 0);
    [field, value.to_vec()].concat()
}

/// The frame of gRPC-Web around a message.
pub fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    [&[flag][..], &length.to_be_bytes(), message].concat()
}

/// The numbers that the row looks at, and its project's where that is a message.
fn numbers(row: &Rpc) -> (Vec<u64>, Option<u64>) {
    let at = row.identity;
    let mut numbers: Vec<u32> = row.when.iter().map(|when| when.field).collect();
    let mut add = |path: &[u32]| numbers.extend(path);
    [at.workflow, at.run, at.digest]
        .into_iter()
        .flatten()
        .for_each(&mut add);
    match at.organization {
        OrganizationAt::Nowhere => {}
        OrganizationAt::Name(path) | OrganizationAt::Id(path) => add(path),
    }
    match at.project {
        ProjectAt::Nowhere => {}
        ProjectAt::Name(path) | ProjectAt::Names(path) | ProjectAt::Reference(path) => add(path),
    }
    let reference = match at.project {
        ProjectAt::Reference([number]) => Some(u64::from(*number)),
        _ => None,
    };
    (numbers.into_iter().map(u64::from).collect(), reference)
}

/// A body with a frame around its message, or without one.
pub fn body(random: &mut Random, row: &Rpc, is_framed: bool) -> Vec<u8> {
    let message = message(random, row);
    if !is_framed {
        return message;
    }
    let mut body = frame(0, &message);
    match random.below(40) {
        0 => body[0] = *random.pick(&[1, 1, 2, 0x80, 0x81]),
        1 => body.extend(frame(0, b"second")),
        2 => body.extend(frame(0x80, b"grpc-status: 0\r\n")),
        3 => body.extend(b"\0"),
        4 => body.truncate(random.below(body.len() + 1)),
        5 => body[random.below(4) + 1] ^= 1 << random.below(8),
        6 => body.truncate(random.below(7)),
        _ => {}
    }
    body
}

fn message(random: &mut Random, row: &Rpc) -> Vec<u8> {
    let (numbers, reference) = numbers(row);
    let mut message = Vec::new();
    for _ in 0..random.below(7) {
        let number = match random.below(3) {
            0 => 1 + random.below(9) as u64,
            _ => *random.pick(&numbers),
        };
        let is_reference = reference == Some(number);
        message.extend(field(random, number, is_reference));
    }
    match random.below(30) {
        0 => message.truncate(random.below(message.len() + 1)),
        1 if !message.is_empty() => {
            let at = random.below(message.len());
            message[at] ^= 1 << random.below(8);
        }
        2 => {
            let at = random.below(message.len() + 1);
            let some = 1 + random.below(4);
            message.splice(at..at, random.bytes(some));
        }
        3 => {
            let length = 1 + random.below(30);
            message = random.bytes(length);
        }
        _ => {}
    }
    message
}

fn field(random: &mut Random, number: u64, is_reference: bool) -> Vec<u8> {
    let mut field = Vec::new();
    let mut with = |wire: u64, value: u64, more: usize| {
        varint(&mut field, number << 3 | wire, 0);
        varint(&mut field, value, more);
    };
    match random.below(60) {
        // A length past the end: by a little, by a lot.
        0 => with(2, 1 + random.below(9) as u64, 0),
        1 => with(2, *random.pick(&[1 << 31, 1 << 32, u64::MAX]), 0),
        // Integers that are longer than they need to be, and than they may be.
        2 => with(0, 1, random.below(11)),
        3 => with(2, 0, random.below(11)),
        // A group, and what does not exist.
        4 => with(*random.pick(&[3, 4, 6, 7]), 0, 0),
        5..8 => with(0, *random.pick(&[0, 1, 2, 3, (1 << 32) + 1]), 0),
        8 => {
            varint(&mut field, number << 3 | 1, 0);
            field.extend([7; 8]);
        }
        9 => {
            varint(&mut field, number << 3 | 5, 0);
            field.extend([7; 4]);
        }
        _ => {
            let value = value(random, is_reference);
            field = bytes(number, &value);
        }
    }
    field
}

fn value(random: &mut Random, is_reference: bool) -> Vec<u8> {
    match random.below(12) {
        0 => Vec::new(),
        // Mostly no UTF-8.
        1 => {
            let length = random.below(6);
            random.bytes(length)
        }
        2 => "é".repeat(random.below(300)).into_bytes(),
        3 => vec![b'l'; *random.pick(&[62, 63, 64, 65, 127, 128, 4090, 4096, 4100, 9000])],
        _ if is_reference => {
            let mut inside = Vec::new();
            for _ in 0..random.below(3) {
                let number = *random.pick(&[1, 1, 1, 2, 2, 2, 3]);
                inside.extend(self::field(random, number, false));
            }
            inside
        }
        _ => format!("name-{}", random.below(100)).into_bytes(),
    }
}
