//! Names that people give: DNS labels for what the origin knows too, free labels for tokens.
//! Refuses to repair a bad name; it says what is wrong with it.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Longest [`Label`], from RFC 1123.
pub const MAX_LABEL: usize = 63;
/// Longest [`TokenName`] in characters (R8).
pub const MAX_TOKEN_NAME: usize = 100;
/// Longest description in characters.
pub const MAX_DESCRIPTION: usize = 500;

/// Why a name was refused. The sentences are for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    Empty,
    TooLong { limit: usize },
    NotALabel,
    ControlCharacter,
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
        }
    }
}

/// The name of an organization, project or workflow: an RFC 1123 label, as the origin demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a token: any printable label of at most [`MAX_TOKEN_NAME`] characters (R8).
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
        Ok(Self(text.to_owned()))
    }

    /// The name of a token that was minted without one: `token-` and the id's first eight digits.
    pub fn generated(id: &super::id::TokenId) -> Self {
        let digits = id.to_string();
        Self(format!("token-{}", digits.get(..8).unwrap_or(&digits)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
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
}
