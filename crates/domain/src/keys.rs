//! Server keys: rings of named secrets of which the first signs and all verify, and the subkeys
//! derived from them. Rings are never empty, keys never short, names never doubled; key bytes are
//! never shown.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Shortest key, in bytes: the output size of the hash it keys (RFC 7518, section 3.2).
pub const MIN_KEY_BYTES: usize = 32;
/// Most keys in one ring; bounds the work that an unknown credential can cause.
pub const MAX_KEYS: usize = 8;
const MAX_KEY_BYTES: usize = 1024;
const MAX_KID: usize = 64;

/// One named key.
#[derive(Clone)]
pub struct Key {
    kid: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl Key {
    /// The name under which the key is found, as in a JWT's `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key itself. INVARIANT (secrets have no Display): only for keyed hashing.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// HMAC-SHA-256 under this key over the parts in sequence. The caller makes the parts
    /// unambiguous, by fixed lengths or a separator that none can contain.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.bytes, parts)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.kid)
    }
}

/// Keys of which the first signs and all verify. Never empty.
#[derive(Debug, Clone)]
pub struct KeyRing {
    first: Key,
    rest: Vec<Key>,
}

/// Why the text of a ring was refused. Names the entry by its place, never by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRingError {
    /// There is no key.
    Empty,
    /// There are more than eight.
    TooMany,
    /// An entry is wrong.
    Entry {
        /// Which one, from 1.
        place: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("has no key; write `kid:base64url`"),
            Self::TooMany => write!(f, "has more than {MAX_KEYS} keys"),
            Self::Entry { place, problem } => write!(f, "entry {place}: {problem}"),
        }
    }
}

impl KeyRing {
    /// Reads `kid:base64url,kid:base64url`.
    ///
    /// # Errors
    /// The first entry that is wrong and how.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<Key> = Vec::new();
        for (index, entry) in text.split(',').map(str::trim).enumerate() {
            if text.trim().is_empty() {
                return Err(KeyRingError::Empty);
            }
            let place = index + 1;
            let fail = |problem| KeyRingError::Entry { place, problem };
            if place > MAX_KEYS {
                return Err(KeyRingError::TooMany);
            }
            let (kid, encoded) = entry
                .split_once(':')
                .ok_or(fail("is not `kid:base64url`"))?;
            let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            if kid.is_empty() || kid.len() > MAX_KID || !kid.bytes().all(name) {
                return Err(fail(
                    "the key id must be 1 to 64 letters, digits, `-`, `_` or `.`",
                ));
            }
            if keys.iter().any(|key| key.kid == kid) {
                return Err(fail("the key id appears twice"));
            }
            let bytes = URL_SAFE_NO_PAD
                .decode(encoded.trim_end_matches('='))
                .map(Zeroizing::new)
                .map_err(|_| fail("the key is not base64url"))?;
            if bytes.len() < MIN_KEY_BYTES {
                return Err(fail("the key is shorter than 32 bytes"));
            }
            if bytes.len() > MAX_KEY_BYTES {
                return Err(fail("the key is longer than 1024 bytes"));
            }
            keys.push(Key {
                kid: kid.to_owned(),
                bytes,
            });
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(KeyRingError::Empty)?;
        Ok(Self {
            first,
            rest: keys.collect(),
        })
    }

    /// The key that signs.
    pub fn signing(&self) -> &Key {
        &self.first
    }

    /// The key of this name, current or retired but still verifying.
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.iter().find(|key| key.kid == kid)
    }

    /// All keys, the signing one first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        core::iter::once(&self.first).chain(&self.rest)
    }

    /// A ring of subkeys for one purpose, under the same names. Different labels give
    /// independent keys.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        let derive = |key: &Key| Key {
            kid: key.kid.clone(),
            bytes: Zeroizing::new(key.mac(&[label.as_bytes()]).to_vec()),
        };
        Self {
            first: derive(&self.first),
            rest: self.rest.iter().map(derive).collect(),
        }
    }
}

/// The four rings derived from the root (see `ROOT_KEYS` in docs/OPERATIONS.md).
#[derive(Debug)]
pub struct RootKeys {
    /// Keys the stored hash of opaque keys.
    pub pepper: KeyRing,
    /// Keys the check digits of opaque keys.
    pub check: KeyRing,
    /// Keys the audit chain.
    pub audit: KeyRing,
    /// Seals upstream credentials.
    pub upstream: KeyRing,
}

impl RootKeys {
    /// Derives the rings from the configured root.
    pub fn from_root(root: &KeyRing) -> Self {
        Self {
            pepper: root.derive("postern/pepper/v1"),
            check: root.derive("postern/check/v1"),
            audit: root.derive("postern/audit/v1"),
            upstream: root.derive("postern/upstream/v1"),
        }
    }

    /// Derives the rings from the JWT keys, for installations without a root of their own.
    pub fn from_token_keys(token_keys: &KeyRing) -> Self {
        Self::from_root(&token_keys.derive("postern/root/v1"))
    }
}

/// HMAC-SHA-256 (RFC 2104). The key is brought to the block length first, as the standard says
/// it is, because for that length the library has a constructor that cannot fail.
fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = Zeroizing::new([0; 64]);
    if key.len() > block.len() {
        for (slot, byte) in block.iter_mut().zip(Sha256::digest(key)) {
            *slot = byte;
        }
    } else {
        for (slot, byte) in block.iter_mut().zip(key) {
            *slot = *byte;
        }
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(byte: u8, len: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![byte; len])
    }

    #[test]
    fn the_first_key_signs_and_all_are_found() {
        let text = format!("new:{}, old:{}", encoded(1, 32), encoded(2, 40));
        let ring = KeyRing::parse(&text).expect("two good keys");
        assert_eq!(ring.signing().kid(), "new");
        assert_eq!(ring.find("old").map(Key::expose), Some(&[2u8; 40][..]));
        assert!(ring.find("other").is_none());
    }

    #[test]
    fn bad_rings_say_what_is_wrong() {
        let good = encoded(1, 32);
        let rows = [
            (String::new(), "has no key"),
            (" ".to_owned(), "has no key"),
            (good.clone(), "entry 1: is not `kid:base64url`"),
            (format!(":{good}"), "entry 1: the key id must be"),
            (format!("a b:{good}"), "entry 1: the key id must be"),
            (
                format!("a:{}", encoded(1, 31)),
                "entry 1: the key is shorter",
            ),
            (
                format!("a:{}", encoded(1, 1025)),
                "entry 1: the key is longer",
            ),
            (format!("a:{good},"), "entry 2: is not"),
            (
                format!("a:{good},a:{good}"),
                "entry 2: the key id appears twice",
            ),
            (format!("a:{}!", good), "entry 1: the key is not base64url"),
            (
                (0..9)
                    .map(|i| format!("k{i}:{good}"))
                    .collect::<Vec<_>>()
                    .join(","),
                "has more than 8 keys",
            ),
        ];
        for (text, expected) in rows {
            let error = KeyRing::parse(&text).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains(&good), "the error shows key material");
        }
    }

    /// RFC 4231, test cases 2 and 6: a short key and one longer than a block.
    #[test]
    fn the_mac_is_hmac_sha_256() {
        let hex = crate::audit::hex;
        assert_eq!(
            hex(&mac(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&mac(
                &[0xaa; 131],
                &[b"Test Using Larger Than Block-Size Key - Hash Key First"]
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn subkeys_differ_by_label_and_by_root() {
        let ring = KeyRing::parse(&format!("a:{},b:{}", encoded(1, 32), encoded(2, 32)))
            .expect("two good keys");
        let root = RootKeys::from_root(&ring);
        let keys = [
            root.pepper.signing(),
            root.check.signing(),
            root.audit.signing(),
            root.upstream.signing(),
            ring.signing(),
        ];
        for (i, a) in keys.iter().enumerate() {
            for b in keys.iter().skip(i + 1) {
                assert_ne!(a.expose(), b.expose());
            }
        }
        assert_ne!(
            RootKeys::from_token_keys(&ring).pepper.signing().expose(),
            root.pepper.signing().expose()
        );
        assert_eq!(format!("{:?}", ring.signing()), "Key(a)");
    }
}
