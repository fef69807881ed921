//! Finds a few fields of a message that comes in windows. Only the texts among them need their
//! bytes to be here.

use super::reader::{Head, Reader, Span, Step, Window};
use super::{MAX_FIELDS, MAX_VALUES, ProtobufError};

/// Most bytes that are reserved for a value before they are here. Names and ids are shorter.
const RESERVED: usize = 256;

/// How the bytes of a value are kept.
pub(crate) trait Keep: Sized {
    /// The value as text.
    type Text: Default + core::fmt::Debug;

    /// For as many bytes, if the message says the truth.
    fn with_length(length: usize) -> Self;

    /// `None` where it is not UTF-8.
    fn into_text(self) -> Option<Self::Text>;
}

/// What bytes that live as long as `'w` can be kept in.
pub(crate) trait Add<'w>: Keep {
    /// The next piece.
    fn add(&mut self, piece: &'w [u8]);
}

/// Copied: windows come and go.
impl Keep for Vec<u8> {
    type Text = String;

    fn with_length(length: usize) -> Self {
        Self::with_capacity(length.min(RESERVED))
    }

    fn into_text(self) -> Option<String> {
        String::from_utf8(self).ok()
    }
}

impl Add<'_> for Vec<u8> {
    fn add(&mut self, piece: &[u8]) {
        self.extend_from_slice(piece);
    }
}

/// Where it stands: for one window that has everything, in which a value is one piece.
impl<'m> Keep for &'m [u8] {
    type Text = &'m str;

    fn with_length(_: usize) -> Self {
        &[]
    }

    fn into_text(self) -> Option<&'m str> {
        core::str::from_utf8(self).ok()
    }
}

impl<'m> Add<'m> for &'m [u8] {
    fn add(&mut self, piece: &'m [u8]) {
        *self = piece;
    }
}

/// What is asked of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its last text.
    Text,
    /// All its texts.
    Texts,
    /// How long its last value is: a string, bytes or a message.
    Length,
    /// Its last number: an enum or a number of 32 bits.
    Number,
    /// To be entered at each occurrence.
    Message,
}

/// A field that is looked for, and what was found. As at the origin, the last value of a singular
/// field counts.
#[derive(Debug)]
pub(crate) struct Sought<T> {
    /// 0 is found nowhere: no field can have it.
    number: u32,
    kind: Kind,
    count: usize,
    text: T,
    texts: Vec<T>,
    last: u64,
    is_utf8: bool,
}

impl<T: Default> Sought<T> {
    /// Looks for a field by its number; 0 is found nowhere.
    pub fn new(number: u32, kind: Kind) -> Self {
        Self {
            number,
            kind,
            count: 0,
            text: T::default(),
            texts: Vec::new(),
            last: 0,
            is_utf8: true,
        }
    }

    /// Whether the field is there at all, even if empty. Not for numbers.
    pub fn is_present(&self) -> bool {
        self.count > 0
    }

    /// The last number, of which the lower 32 bits count as at the origin; read whole, it could
    /// pass for another value here. Of other values the last one's length. 0 where absent.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The last text, empty where absent.
    ///
    /// # Errors
    /// [`ProtobufError::Utf8`], for any of the values: the origin would refuse the message.
    pub fn text(self) -> Result<T, ProtobufError> {
        self.is_utf8.then_some(self.text).ok_or(ProtobufError::Utf8)
    }

    /// All texts.
    ///
    /// # Errors
    /// [`ProtobufError::Utf8`].
    pub fn texts(self) -> Result<Vec<T>, ProtobufError> {
        let texts = self.is_utf8.then_some(self.texts);
        texts.ok_or(ProtobufError::Utf8)
    }

    fn found(&mut self, head: Head) -> Result<(), ProtobufError> {
        match (self.kind, head) {
            (Kind::Number, Head::Varint(number)) => self.last = number & 0xFFFF_FFFF,
            (Kind::Number, _) => return Err(ProtobufError::OtherType),
            (_, Head::Bytes(_)) if self.count >= MAX_VALUES => {
                return Err(ProtobufError::Repeated);
            }
            (_, Head::Bytes(span)) => {
                self.count += 1;
                self.last = span.len() as u64;
            }
            _ => return Err(ProtobufError::OtherType),
        }
        Ok(())
    }

    fn keep(&mut self, text: Option<T>) {
        match (text, self.kind) {
            (None, _) => self.is_utf8 = false,
            (Some(text), Kind::Texts) => self.texts.push(text),
            (Some(text), _) => self.text = text,
        }
    }
}

/// Looks for `N` fields of one message, each of another number.
#[derive(Debug)]
pub(crate) struct Search<K: Keep, const N: usize> {
    pub sought: [Sought<K::Text>; N],
    /// How many fields were walked.
    pub spent: usize,
    reader: Reader,
    open: Option<Open<K>>,
}

/// A value of which a part is here.
#[derive(Debug)]
struct Open<K> {
    /// Whose it is.
    index: usize,
    rest: Span,
    so_far: K,
}

/// Why a search pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It needs the byte at this place of the body, which the window does not have.
    More(usize),
    /// Here is a message to enter; the search itself goes on behind it.
    Enter(Span),
    /// The message is over.
    End,
}

impl<K: Keep, const N: usize> Search<K, N> {
    /// In the message at this place, of which `spent` fields count as walked.
    pub fn new(message: Span, sought: [Sought<K::Text>; N], spent: usize) -> Self {
        Self {
            sought,
            spent,
            reader: Reader::new(message),
            open: None,
        }
    }

    /// Reads on, up to where it pauses.
    ///
    /// # Errors
    /// The first fault of the message, more than [`MAX_FIELDS`] fields, or a field that is looked
    /// for and is of another type or there too often.
    pub fn run<'w>(&mut self, window: Window<'w>) -> Result<Pause, ProtobufError>
    where
        K: Add<'w>,
    {
        loop {
            if let Some(from) = self.read_open(window) {
                return Ok(Pause::More(from));
            }
            let (number, head) = match self.reader.next(window)? {
                Step::More(from) => return Ok(Pause::More(from)),
                Step::End => return Ok(Pause::End),
                Step::Field(number, head) => (number, head),
            };
            if self.spent >= MAX_FIELDS {
                return Err(ProtobufError::Fields);
            }
            self.spent += 1;
            let mut sought = self.sought.iter_mut().enumerate();
            let Some((index, field)) = sought.find(|(_, field)| field.number == number) else {
                continue;
            };
            field.found(head)?;
            match (field.kind, head) {
                (Kind::Message, Head::Bytes(span)) => return Ok(Pause::Enter(span)),
                (Kind::Text | Kind::Texts, Head::Bytes(rest)) => {
                    let so_far = K::with_length(rest.len());
                    self.open = Some(Open {
                        index,
                        rest,
                        so_far,
                    });
                }
                _ => {}
            }
        }
    }

    /// Reads what is here of the value that is open; where that is not all, gives the place from
    /// which on it needs more.
    fn read_open<'w>(&mut self, window: Window<'w>) -> Option<usize>
    where
        K: Add<'w>,
    {
        let open = self.open.as_mut()?;
        let piece = window.of(open.rest);
        open.so_far.add(piece);
        open.rest.from += piece.len();
        if !open.rest.is_empty() {
            return Some(open.rest.from);
        }
        let Open { index, so_far, .. } = self.open.take()?;
        let text = so_far.into_text();
        if let Some(field) = self.sought.get_mut(index) {
            field.keep(text);
        }
        None
    }
}
