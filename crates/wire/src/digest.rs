//! The digest that an artifact is named by.

use core::fmt;

/// Bytes of a SHA-256.
const LENGTH: usize = 32;
/// How a digest begins.
const ALGORITHM: &str = "sha256:";

/// The SHA-256 of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; LENGTH]);

impl Digest {
    /// Reads `sha256:` and 64 hex digits in lower case, as the control plane writes them; `None` for
    /// anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(ALGORITHM)?;
        let mut bytes = [0; LENGTH];
        let mut digits = hex.bytes();
        for byte in &mut bytes {
            *byte = 16 * digit(digits.next()?)? + digit(digits.next()?)?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALGORITHM)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<[u8; LENGTH]> for Digest {
    fn from(sha256: [u8; LENGTH]) -> Self {
        Self(sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `hello`.
    const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn r46_a_digest_is_64_hex_digits_in_lower_case() {
        let digest = Digest::parse(HELLO).expect("a digest");
        assert_eq!(digest.to_string(), HELLO);
        let hex = HELLO.strip_prefix(ALGORITHM).expect("its beginning");
        for text in [
            String::new(),
            "sha256:".to_owned(),
            hex.to_owned(),
            HELLO.to_uppercase(),
            format!("SHA256:{hex}"),
            format!("sha256:{}", hex.to_uppercase()),
            format!("sha512:{hex}"),
            format!("{HELLO}0"),
            format!("{HELLO} "),
            format!(" {HELLO}"),
            HELLO.replace('2', "g"),
            format!("sha256:{}", "0".repeat(63)),
            format!("sha256:{}", "é".repeat(32)),
        ] {
            assert_eq!(Digest::parse(&text), None, "{text}");
        }
    }
}
