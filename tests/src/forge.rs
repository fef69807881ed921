//! Credentials that nobody minted: JWTs with any header and claims under any key, and opaque keys with any part
//! changed. Signs and sums by itself, so that a mistake of the gateway's is not made here too; only the derivation of
//! the keyed check is the gateway's own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use hmac::{Hmac, Mac as _};
use postern_domain::id::TokenId;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::token::base62;
use postern_wire::opaque;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384};

use crate::random;

/// What a deployment keeps secret, and what it has retired.
pub struct Keys {
    /// The administrator key.
    pub admin: String,
    /// Signs: first in the ring.
    pub k2: [u8; 32],
    /// Verifies still: second in the ring.
    pub k1: [u8; 32],
    /// Was in the ring once.
    pub k0: [u8; 32],
    /// The origin's secret.
    pub origin: [u8; 32],
    /// The origin's secret before that.
    pub origin_old: [u8; 32],
}

impl Keys {
    /// Keys for one run of the tests.
    pub fn random() -> Self {
        Self {
            admin: B64.encode(random::<32>()),
            k2: random(),
            k1: random(),
            k0: random(),
            origin: random(),
            origin_old: random(),
        }
    }

    /// `TOKEN_KEYS`.
    pub fn ring(&self) -> String {
        format!("k2:{},k1:{}", B64.encode(self.k2), B64.encode(self.k1))
    }

    /// `ADOPT_KEYS`.
    pub fn origin_ring(&self) -> String {
        let (new, old) = (B64.encode(self.origin), B64.encode(self.origin_old));
        format!("cp2:{new},cp1:{old}")
    }

    /// The root keys that a gateway without `ROOT_KEYS` derives from its token keys.
    pub fn root(&self) -> RootKeys {
        RootKeys::from_token_keys(&KeyRing::parse(&self.ring()).expect("two good keys"))
    }
}

/// The header that the gateway gives its JWTs.
pub fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT", "kid": "k2" })
}

/// A JWT of exactly this header and payload, signed with HMAC-SHA-256 whatever the header says.
pub fn jwt(header: &Value, payload: &str, key: &[u8]) -> String {
    let signed = format!("{}.{}", B64.encode(header.to_string()), B64.encode(payload));
    let signature = B64.encode(hs256(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The same, signed with HMAC-SHA-384.
pub fn jwt_384(header: &Value, payload: &str, key: &[u8]) -> String {
    let signed = format!("{}.{}", B64.encode(header.to_string()), B64.encode(payload));
    let mut mac = Hmac::<Sha384>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", B64.encode(mac.finalize().into_bytes()))
}

/// HMAC-SHA-256.
pub fn hs256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// One of the JSON parts of a JWT: 0 is the header, 1 the payload.
pub fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&B64.decode(part).expect("base64url")).expect("JSON")
}

/// An opaque key for a token id, with good check digits under the given root, and a secret that nobody drew.
pub fn opaque(id: &str, root: &RootKeys) -> String {
    let id = TokenId::parse(id).expect("a UUID");
    opaque::mint(id, &random::<{ opaque::MINT_ENTROPY }>(), root)
        .expect("enough entropy")
        .expose()
        .to_owned()
}

/// The places of the parts of an opaque key: prefix, id, separator, secret, keyed check, checksum.
pub const PARTS: [(&str, std::ops::Range<usize>); 6] = [
    ("prefix", 0..4),
    ("id", 4..26),
    ("separator", 26..27),
    ("secret", 27..59),
    ("keyed check", 59..69),
    ("checksum", 69..75),
];

/// The key with the last character of that part changed to another of the alphabet (a separator, to a digit).
pub fn damage(key: &str, place: &std::ops::Range<usize>) -> String {
    let mut bytes = key.as_bytes().to_vec();
    let last = place.end - 1;
    bytes[last] = if bytes[last] == b'7' { b'8' } else { b'7' };
    String::from_utf8(bytes).expect("ASCII")
}

/// The key with a checksum that fits, whatever the rest is: as a forger would who knows the grammar.
pub fn with_checksum(key: &str) -> String {
    let covered = &key[..69];
    format!(
        "{covered}{}",
        base62(u128::from(crc32(covered.as_bytes())), 6)
    )
}

/// CRC-32 (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}
