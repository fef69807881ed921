//! Keys for local trials: made from the system's randomness, and kept where only this user reads them.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::fail::{Outcome, doing};

/// 32 random bytes as base64url, 43 characters.
pub fn random() -> Outcome<String> {
    let mut bytes = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    doing("reading /dev/urandom", read)?;
    Ok(base64url(&bytes))
}

/// The text kept in `file`, made by `make` the first time. Never overwrites: a lost key is lost tokens.
pub fn kept(file: &Path, make: impl FnOnce() -> Outcome<String>) -> Outcome<String> {
    let what = || format!("keeping {}", file.display());
    if let Some(folder) = file.parent() {
        doing(what(), fs::create_dir_all(folder))?;
    }
    match File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
    {
        Ok(mut new) => {
            let text = make()?;
            doing(what(), writeln!(new, "{text}"))?;
            Ok(text)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            doing(what(), fs::read_to_string(file)).map(|text| text.trim().to_owned())
        }
        Err(error) => doing(what(), Err(error)),
    }
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let padded = [
            chunk[0],
            *chunk.get(1).unwrap_or(&0),
            *chunk.get(2).unwrap_or(&0),
        ];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        // n bytes are n + 1 characters; the padding is left out.
        for place in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * place)) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_as_in_rfc_4648() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
        ] {
            assert_eq!(base64url(bytes.as_bytes()), expected);
        }
        assert_eq!(base64url(&[0xfb, 0xff, 0xfe]), "-__-");
        assert_eq!(random().map(|text| text.len()), Ok(43));
    }
}
