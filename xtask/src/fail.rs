//! How a command ends badly: one sentence for the person, one code for the shell. No error chains, no backtraces.

use std::fmt::Display;
use std::process::ExitCode;

/// `2` means that the command was asked for something it cannot do; `1` means that it tried and failed.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: u8,
    pub message: String,
}

pub type Outcome<T = ()> = Result<T, Failure>;

/// The caller asked for something impossible.
pub fn misuse(message: impl Display) -> Failure {
    Failure {
        code: 2,
        message: message.to_string(),
    }
}

/// The command was right, and the attempt failed.
pub fn failed(message: impl Display) -> Failure {
    Failure {
        code: 1,
        message: message.to_string(),
    }
}

/// Adds what was being done to an I/O error, which never says.
pub fn doing<T>(what: impl Display, result: std::io::Result<T>) -> Outcome<T> {
    result.map_err(|error| failed(format_args!("{what}: {error}")))
}

impl Failure {
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            note!("error: {}", self.message);
        }
        ExitCode::from(self.code)
    }
}
