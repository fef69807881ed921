//! Names that people give: DNS labels for what the origin knows too, free labels for tokens. A bad
//! name is not repaired; the error says what is wrong with it.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::unicode::{Form, is_invisible, likeness};

/// Longest [`Label`], from RFC 1123.
pub const MAX_LABEL: usize = 63;
/// Longest [`TokenName`] in characters (R8).
pub const MAX_TOKEN_NAME: usize = 100;
/// Longest description in characters.
pub const MAX_DESCRIPTION: usize = 500;

/// Why a name was refused. The sentences are for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// It is empty.
    Empty,
    /// It is too long.
    TooLong {
        /// The most characters.
        limit: usize,
    },
    /// It is no RFC 1123 label.
    NotALabel,
    /// It has a control character.
    ControlCharacter,
    /// Nothing of it can be seen.
    Invisible,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must not be empty"),
            Self::TooLong { limit } => write!(f, "must be at most {limit} characters long"),
            Self::NotALabel => f.write_str(
                "must be a lowercase RFC 1123 label: lower case letters, digits or `-`, \
                 beginning and ending with a letter or digit",
            ),
            Self::ControlCharacter => f.write_str("must not contain control characters"),
            Self::Invisible => f.write_str("must have a character that can be seen"),
        }
    }
}

/// The name of an organization, project or workflow: an RFC 1123 label, as the origin demands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(String);

impl Label {
    /// Reads a label.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        match text.as_bytes() {
            [] => Err(NameError::Empty),
            bytes if bytes.len() > MAX_LABEL => Err(NameError::TooLong { limit: MAX_LABEL }),
            bytes
                if bytes.iter().all(|&b| inner(b) || b == b'-')
                    && bytes.first().copied().is_some_and(inner)
                    && bytes.last().copied().is_some_and(inner) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(NameError::NotALabel),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a token: any printable label of at most [`MAX_TOKEN_NAME`] characters (R8), of which
/// at least one can be seen. It is kept as it was given, and compared by its [`likeness`].
///
/// [`likeness`]: Self::likeness
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenName(String);

impl TokenName {
    /// Reads a token name.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        printable(text, MAX_TOKEN_NAME)?;
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if text.chars().all(is_invisible) {
            return Err(NameError::Invisible);
        }
        Ok(Self(text.to_owned()))
    }

    /// A name as a store has it. It was read when it was given, perhaps under older rules.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name of a token that was minted without one: `token-` and the id's first eight digits.
    pub fn generated(id: &super::id::TokenId) -> Self {
        let digits = id.to_string();
        Self(format!("token-{}", digits.get(..8).unwrap_or(&digits)))
    }

    /// The text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two names have in common that nobody can tell apart: it is this that must be unique.
    pub fn likeness(&self, normalize: impl Fn(&str, Form) -> String) -> String {
        likeness(&self.0, normalize)
    }

    /// How a store may have written such a name: by its likeness; by an earlier release as it was
    /// given, which is mostly composed, decomposed, or as this one was.
    pub fn spellings(&self, normalize: impl Fn(&str, Form) -> String) -> [String; 3] {
        let likeness = self.likeness(&normalize);
        let decomposed = normalize(&likeness, Form::Decomposed);
        [likeness, decomposed, self.0.clone()]
    }
}

/// Checks a description: any printable text of at most [`MAX_DESCRIPTION`] characters.
///
/// # Errors
/// The first rule that the text breaks.
pub fn check_description(text: &str) -> Result<(), NameError> {
    printable(text, MAX_DESCRIPTION)
}

fn printable(text: &str, limit: usize) -> Result<(), NameError> {
    if text.chars().count() > limit {
        return Err(NameError::TooLong { limit });
    }
    if text.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::unicode::tests::normalize;
    use super::*;

    #[test]
    fn labels_follow_rfc_1123() {
        for good in ["a", "shop", "a-1", &"x".repeat(63)] {
            assert!(Label::parse(good).is_ok(), "{good}");
        }
        let rows = [
            ("", NameError::Empty),
            ("Shop", NameError::NotALabel),
            ("-a", NameError::NotALabel),
            ("a-", NameError::NotALabel),
            ("a.b", NameError::NotALabel),
            ("this/not/valid", NameError::NotALabel),
            ("é", NameError::NotALabel),
            (&"x".repeat(64), NameError::TooLong { limit: 63 }),
        ];
        for (text, error) in rows {
            assert_eq!(Label::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn r8_token_names_have_at_most_100_characters() {
        assert!(TokenName::parse(&"é".repeat(100)).is_ok());
        assert_eq!(
            TokenName::parse(&"é".repeat(101)),
            Err(NameError::TooLong { limit: 100 })
        );
        assert_eq!(TokenName::parse("  "), Err(NameError::Empty));
        assert_eq!(TokenName::parse("a\nb"), Err(NameError::ControlCharacter));
    }

    #[test]
    fn r8_a_name_can_be_seen() {
        for text in [
            "\u{200b}",
            "\u{3164}",
            " \u{ad}",
            "\u{2800}\u{2800}",
            "\u{e0041}",
        ] {
            assert_eq!(
                TokenName::parse(text),
                Err(NameError::Invisible),
                "{text:?}"
            );
        }
        for text in ["\u{200b}a", "\u{301}", "\u{2764}\u{fe0f}"] {
            assert!(TokenName::parse(text).is_ok(), "{text:?}");
        }
        // What was a name once can still be read.
        assert_eq!(
            TokenName::stored("\u{200b}".to_owned()).as_str(),
            "\u{200b}"
        );
    }

    #[test]
    fn r8_names_are_kept_as_given_and_compared_by_their_looks() {
        let [one, other] = ["caf\u{e9}", "cafe\u{301}\u{200b}"]
            .map(|text| TokenName::parse(text).expect("a name"));
        assert_eq!(other.as_str(), "cafe\u{301}\u{200b}");
        assert_eq!(one.likeness(normalize), other.likeness(normalize));
        assert_eq!(
            one.spellings(normalize),
            ["caf\u{e9}", "cafe\u{301}", "caf\u{e9}"]
        );
    }
}
