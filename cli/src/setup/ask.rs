//! Values that no flag has given: asked for where somebody sits at a terminal, missing otherwise.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::fail::{Failure, Kind, Outcome};
use crate::settings::trimmed;

/// The value, or the answer to a question.
///
/// # Errors
/// `Usage` if there is neither.
pub fn given(flag: &str, question: &str, value: Option<String>) -> Outcome<String> {
    let missing = || {
        let message = format!("{flag} is missing");
        Failure::new(Kind::Usage, message).hint("see `postern setup --help`")
    };
    let value = match value {
        Some(value) => value,
        None if std::io::stdin().is_terminal() => read(question)?,
        None => return Err(missing()),
    };
    let value = trimmed(&value);
    match value.is_empty() {
        true => Err(missing()),
        false => Ok(value.to_owned()),
    }
}

fn read(question: &str) -> Outcome<String> {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{question}: ").and_then(|()| stderr.flush());
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::new(Kind::Other, format!("cannot read the answer: {error}")))?;
    Ok(line)
}
