//! What goes to stdout: results, and secrets once. A reader that has gone ends a result quietly; a
//! secret that could not be written is a failure, since it exists and nobody has it.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::ops::ControlFlow;

use serde_json::Value;

use crate::fail::{Failure, Kind, Outcome};

/// How lists and objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// The gateway's own objects
    Json,
}

/// How a new token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TokenFormat {
    /// For people
    Table,
    /// The gateway's own object, with the token in it
    Json,
    /// The token alone
    Token,
}

/// Writes a result. Whether somebody still reads is not told: what is left to do is done.
pub fn print(text: &str) -> Outcome {
    print_on(text).map(|_| ())
}

/// Writes a part of a result that has no end of its own.
///
/// # Errors
/// As for `print`. `Break` where the reader has gone: nothing more can be said.
pub fn print_on(text: &str) -> Outcome<ControlFlow<()>> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(cannot_write(&error)),
        Ok(()) => Ok(ControlFlow::Continue(())),
    }
}

/// Writes what is lost if nobody reads it.
pub fn print_all(text: &str) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(|error| cannot_write(&error))
}

/// Writes a JSON value, indented.
pub fn print_json(value: &Value) -> Outcome {
    print(&json(value))
}

/// A JSON value as it is written.
pub fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Writes text that holds the secret of the token with this id.
pub fn print_secret(text: &str, id: &str) -> Outcome {
    print_all(text).map_err(|failure| {
        failure.hint(format!(
            "the token exists and nobody has it: postern token revoke {id}"
        ))
    })
}

/// A remark for people, beside the result.
pub fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn cannot_write(error: &std::io::Error) -> Failure {
    Failure::new(Kind::Other, format!("cannot write to stdout: {error}"))
}

/// How far long work has come: one line on a terminal that follows it, nothing anywhere else.
pub struct Progress {
    what: &'static str,
    shown: bool,
}

impl Progress {
    /// Progress of so many of these things.
    pub fn new(what: &'static str) -> Self {
        let shown = std::io::stderr().is_terminal();
        Self { what, shown }
    }

    /// So many are done.
    pub fn at(&self, done: usize) {
        if self.shown {
            let mut stderr = std::io::stderr();
            let _ = write!(stderr, "\r{done} {}", self.what).and_then(|()| stderr.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            // Back to the first column, and the line emptied.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
