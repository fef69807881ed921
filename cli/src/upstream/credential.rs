//! The credential for the origin, from standard input: so it stands in no list of processes, no
//! environment and no history of a shell. Says what is wrong with it, and never what it is.

use std::io::{IsTerminal as _, Read as _};

use postern_domain::secret::Secret;
use postern_domain::upstream::MAX_CREDENTIAL;

use crate::fail::{Failure, Kind, Outcome};

/// What is read of standard input: a credential, a line end, and one byte that is too many.
const MAX_READ: u64 = MAX_CREDENTIAL as u64 + 3;

/// Reads it.
///
/// # Errors
/// `Usage`, for a terminal and for what no credential is.
pub fn read() -> Outcome<Secret> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let message = "the credential is read from standard input, not typed at a terminal";
        return Err(wrong(message).hint("postern upstream set < FILE"));
    }
    let mut bytes = Vec::new();
    let read = stdin.lock().take(MAX_READ).read_to_end(&mut bytes);
    read.map_err(|error| wrong(&format!("standard input: {error}")))?;
    parse(bytes)
}

fn wrong(message: &str) -> Failure {
    Failure::new(Kind::Usage, message)
}

/// A credential, which one line end may follow.
fn parse(mut bytes: Vec<u8>) -> Outcome<Secret> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Err(wrong("standard input holds no credential"));
    }
    if bytes.len() > MAX_CREDENTIAL {
        let message = format!("the credential is longer than {MAX_CREDENTIAL} characters");
        return Err(wrong(&message).hint("give the credential alone, not a file that holds it"));
    }
    let has_scheme = bytes
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "));
    if has_scheme {
        let message = "the credential begins with `Bearer `, which the gateway adds itself";
        return Err(wrong(message).hint("give what follows it"));
    }
    let text = String::from_utf8(bytes).ok();
    let usable = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
    text.filter(usable).map(Secret::new).ok_or_else(|| {
        wrong("the credential has a space, a line end or a character beyond visible ASCII")
            .hint("give the credential alone, on one line")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_dropped_and_nothing_else() {
        let longest = "x".repeat(MAX_CREDENTIAL);
        for (given, meant) in [
            ("eyJ.a_b-c~!", "eyJ.a_b-c~!"),
            ("abc\n", "abc"),
            ("abc\r\n", "abc"),
            ("Bearer", "Bearer"),
            (&longest, &longest),
            (&format!("{longest}\r\n"), &longest),
        ] {
            let secret = parse(given.as_bytes().to_vec()).unwrap();
            assert_eq!(secret.expose(), meant, "{given:?}");
        }
    }

    #[test]
    fn what_no_credential_is() {
        let none = "standard input holds no credential";
        let long = "the credential is longer than 8192 characters";
        let odd = "the credential has a space, a line end or a character beyond visible ASCII";
        let scheme = "the credential begins with `Bearer `, which the gateway adds itself";
        let too_long = "x".repeat(MAX_CREDENTIAL + 1);
        let (as_read, line) = ("x".repeat(MAX_READ as usize), format!("{too_long}\n"));
        let rows: [(&[u8], &str); 16] = [
            (b"", none),
            (b"\n", none),
            (b"\r\n", none),
            (too_long.as_bytes(), long),
            (as_read.as_bytes(), long),
            (line.as_bytes(), long),
            (b"Bearer abc", scheme),
            (b"bearer abc\n", scheme),
            (b"a b", odd),
            (b"abc ", odd),
            (b"a\nb", odd),
            (b"abc\n\n", odd),
            (b"abc\r", odd),
            (b"a\x7fb", odd),
            ("\u{feff}abc".as_bytes(), odd),
            (b"a\xffb", odd),
        ];
        for (given, message) in rows {
            let failure = parse(given.to_vec()).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert_eq!(failure.message, message, "{given:?}");
        }
    }
}
