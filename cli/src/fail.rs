//! What a command ends with when it does not succeed: a kind, which is the exit code, one line for
//! people, and a hint. Never holds a credential.

use std::fmt;

use crate::text::plain;

/// Why a command failed. Scripts see it as the exit code; docs/CLI.md has the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// None of the others.
    Other,
    /// Flags or arguments that contradict each other; clap ends with the same code.
    Usage,
    /// The configuration file, the address of the gateway, a file that was named.
    Configuration,
    /// No credential, or one that the gateway refuses (HTTP 401).
    Credential,
    /// The credential may not do this (HTTP 403).
    NotAllowed,
    /// What was named does not exist (HTTP 404).
    NotFound,
    /// The gateway refuses the request as it is (HTTP 400, 409, 413, …).
    Refused,
    /// A limit or a ceiling (HTTP 429).
    Limit,
    /// No answer, or none of the gateway (connection, TLS, HTTP 5xx, a proxy's page).
    Unavailable,
    /// The command that a bridge was to run cannot be run, as shells have it.
    UnusableCommand,
    /// It does not exist, as shells have it.
    NoCommand,
}

impl Kind {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Credential => 4,
            Self::NotAllowed => 5,
            Self::NotFound => 6,
            Self::Refused => 7,
            Self::Limit => 8,
            Self::Unavailable => 9,
            Self::UnusableCommand => 126,
            Self::NoCommand => 127,
        }
    }
}

/// A failure: what to print and what to exit with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of error.
    pub kind: Kind,
    /// One line, without a full stop.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// The word of the gateway's problem, where it is one.
    pub code: Option<String>,
}

/// What commands return.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            hint: None,
            code: None,
        }
    }

    /// Whether it is a problem of the gateway with this word.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// The same failure with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl fmt::Display for Failure {
    /// The lines for people. Whatever is in them of an argument, a file name or an answer drives no
    /// terminal and breaks no line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postern: {}", plain(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {}", plain(hint)),
            None => Ok(()),
        }
    }
}

/// The innermost cause of an error: hyper's outer ones say only that something failed.
pub fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_failure_stay_two_and_drive_nothing() {
        let failure = Failure::new(
            Kind::Configuration,
            "a\nb\u{1b}[2J.log\r: no\u{202e} such file",
        );
        let shown = failure.hint("cat `\u{61c}`").to_string();
        let expected =
            "postern: a\\u{a}b\\u{1b}[2J.log\\u{d}: no\\u{202e} such file\n  hint: cat `\\u{61c}`";
        assert_eq!(shown, expected);
        assert_eq!(Failure::new(Kind::Other, "no").to_string(), "postern: no");
    }
}
