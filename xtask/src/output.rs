//! What commands print, line by line. A reader that has gone is no reason to panic: ends.rs has noticed it, and the
//! command is on its way out with all its children.

use std::fmt::Arguments;
use std::io::Write;

/// A line on stdout: results.
macro_rules! say {
    ($($words:tt)*) => { $crate::output::line(&mut std::io::stdout(), format_args!($($words)*)) };
}

/// A line on stderr: what is being done, and what went wrong.
macro_rules! note {
    ($($words:tt)*) => { $crate::output::line(&mut std::io::stderr(), format_args!($($words)*)) };
}

pub fn line(to: &mut impl Write, words: Arguments<'_>) {
    // In one piece, as lines of children may come between.
    let _ = to.write_all(format!("{words}\n").as_bytes());
}
