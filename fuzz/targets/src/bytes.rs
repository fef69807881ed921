//! Choices out of bytes: how an input of the fuzzer becomes values. Behind its end everything is the first choice.

/// What is left of an input.
pub struct Bytes<'d> {
    rest: &'d [u8],
}

impl<'d> Bytes<'d> {
    /// All of an input.
    pub fn new(data: &'d [u8]) -> Self {
        Self { rest: data }
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    /// Whether one in so many came up. Not where the input is over.
    pub fn one_in(&mut self, sides: usize) -> bool {
        self.below(sides) == sides - 1
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A number of up to four bytes.
    pub fn number(&mut self) -> u32 {
        let bytes = self.below(5);
        (0..bytes).fold(0, |number, _| number << 8 | u32::from(self.byte()))
    }

    /// As many bytes, or what is left.
    pub fn take(&mut self, length: usize) -> &'d [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// A few bytes, of a length that stands in front of them.
    pub fn piece(&mut self) -> &'d [u8] {
        let length = usize::from(self.byte());
        self.take(length)
    }

    /// A short text.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.piece()).into_owned()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'d [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Everything that is left, as text.
    pub fn rest_text(&mut self) -> String {
        String::from_utf8_lossy(self.rest()).into_owned()
    }
}

/// Writes what [`Bytes::piece`] reads.
pub fn piece(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let bytes = &bytes[..bytes.len().min(255)];
    [&[bytes.len() as u8][..], bytes].concat()
}
