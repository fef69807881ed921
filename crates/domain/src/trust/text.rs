//! Texts and numbers of job tokens, bounded, so that they can be kept, logged and shown.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::unicode::{is_default_ignorable, is_format};

/// Longest text of a job token that is kept, in bytes.
pub const MAX_JOB_TEXT: usize = 512;
/// Longest Git reference, in bytes.
pub const MAX_GIT_REF: usize = 255;
/// Longest `jti`, in bytes.
pub const MAX_JTI: usize = 255;
/// Ids are below this, as numbers of JSON are exact there (RFC 8259, section 6).
const EXACT: u64 = 1 << 53;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoText {
    /// It is empty.
    Empty,
    /// It is too long.
    TooLong,
    /// It has a character that must not stand there.
    Character,
    /// It is of another form than it must be.
    Form,
}

impl fmt::Display for NoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::TooLong => "is too long",
            Self::Character => "has a character that must not be there",
            Self::Form => "is of another form",
        })
    }
}

/// Whether a character could end a line, turn the text around it, or make two texts look the same, where the
/// text is shown. The selectors that say how the character before is drawn stay, as names have emoji.
fn misleads(character: char) -> bool {
    let selector = ('\u{fe00}'..='\u{fe0f}').contains(&character);
    character.is_control()
        || is_format(character)
        || (is_default_ignorable(character) && !selector)
        || matches!(character, '\u{2028}' | '\u{2029}')
}

/// A text of a job token: of 1 to [`MAX_JOB_TEXT`] bytes, without control characters, ends of lines, format
/// characters and those that are drawn as nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobText(String);

impl JobText {
    /// Reads a text.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, NoText> {
        match text.len() {
            0 => Err(NoText::Empty),
            length if length > MAX_JOB_TEXT => Err(NoText::TooLong),
            _ if text.chars().any(misleads) => Err(NoText::Character),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A full Git reference, `refs/heads/main` or `refs/tags/v1`, by the rules of `git check-ref-format`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GitRef(String);

impl GitRef {
    /// Reads a reference.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, NoText> {
        let forbidden = |c: char| misleads(c) || " ~^:?*[\\".contains(c);
        match text.len() {
            0 => Err(NoText::Empty),
            length if length > MAX_GIT_REF => Err(NoText::TooLong),
            _ if text.chars().any(forbidden) => Err(NoText::Character),
            _ => {
                let rest = text.strip_prefix("refs/").ok_or(NoText::Form)?;
                let part = |part: &str| {
                    !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock")
                };
                let whole = rest.contains('/') && rest.split('/').all(part);
                if !whole || rest.ends_with('.') || rest.contains("..") || rest.contains("@{") {
                    return Err(NoText::Form);
                }
                Ok(Self(text.to_owned()))
            }
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a commit: 40 or 64 hex digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Commit(String);

impl Commit {
    /// Reads an id of a commit.
    ///
    /// # Errors
    /// [`NoText::Form`].
    pub fn parse(text: &str) -> Result<Self, NoText> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if [40, 64].contains(&text.len()) && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoText::Form)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id that an issuer gives a token, once (`jti`): visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Jti(String);

impl Jti {
    /// Reads a `jti`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, NoText> {
        match text.len() {
            0 => Err(NoText::Empty),
            length if length > MAX_JTI => Err(NoText::TooLong),
            _ if !text.bytes().all(|b| b.is_ascii_graphic()) => Err(NoText::Character),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A number by which a forge knows a thing, from 1 to 2^53 - 1. Tokens have it as text and forges'
/// programming interfaces as a number; both are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ForgeId(u64);

impl ForgeId {
    /// The id with this number; `None` for zero and beyond 2^53 - 1.
    pub fn new(number: u64) -> Option<Self> {
        (1..EXACT).contains(&number).then_some(Self(number))
    }

    /// Reads digits, without a sign and without zeros in front: one number has one text.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NoText> {
        match text.as_bytes() {
            [] => Err(NoText::Empty),
            bytes if bytes.len() > 16 => Err(NoText::TooLong),
            bytes if !bytes.iter().all(u8::is_ascii_digit) => Err(NoText::Character),
            [b'0', ..] => Err(NoText::Form),
            _ => text.parse().ok().and_then(Self::new).ok_or(NoText::TooLong),
        }
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ForgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ForgeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ForgeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ForgeId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 1 to 2^53 - 1, or its digits as text")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ForgeId, E> {
                let refused = || E::invalid_value(de::Unexpected::Unsigned(number), &self);
                ForgeId::new(number).ok_or_else(refused)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ForgeId, E> {
                ForgeId::parse(text).map_err(|_| E::custom("not the digits of an id"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// How a text serializes and is read again: as itself, by its own rules.
trait Parsed: Sized {
    /// Reads the text.
    fn read(text: &str) -> Result<Self, NoText>;
}

impl Parsed for JobText {
    fn read(text: &str) -> Result<Self, NoText> {
        Self::parse(text)
    }
}

impl Parsed for GitRef {
    fn read(text: &str) -> Result<Self, NoText> {
        Self::parse(text)
    }
}

impl Parsed for Commit {
    fn read(text: &str) -> Result<Self, NoText> {
        Self::parse(text)
    }
}

fn read<'de, T: Parsed, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    T::read(&text).map_err(|fault| de::Error::custom(format_args!("the text {fault}")))
}

impl Serialize for JobText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for GitRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for Commit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for JobText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl<'de> Deserialize<'de> for GitRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl<'de> Deserialize<'de> for Commit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}
