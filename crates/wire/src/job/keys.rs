//! An issuer's key set (JWK Set, RFC 7517). A key that cannot be used is passed over; the set still stands.

use core::fmt;
use core::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use postern_domain::trust::Issuer;

use super::strict::{Bounds, JsonFault, Object, Value, object};
use super::token::{Algorithm, is_kid};

/// Longest key set, in bytes.
pub const MAX_KEY_SET: usize = 64 * 1024;
/// Most keys of a set, those that are passed over included.
pub const MAX_KEYS: usize = 64;
const SET: Bounds = Bounds {
    bytes: MAX_KEY_SET,
    depth: 6,
    values: 2_048,
};
/// The lengths of a modulus of RSA, and so of a signature: 2048 to 8192 bits.
pub(super) const RSA_BYTES: RangeInclusive<usize> = 256..=1024;
/// Longest exponent of RSA, in bytes. All but a few keys have 65537.
const MAX_EXPONENT: usize = 4;

/// Why a key set was refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySetError {
    /// It is not what it must be.
    Json(JsonFault),
    /// It has no list `keys`.
    NoKeys,
    /// It has too many keys.
    TooMany,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => write!(f, "the key set {fault}"),
            Self::NoKeys => f.write_str("the key set has no list `keys`"),
            Self::TooMany => write!(f, "the key set has more than {MAX_KEYS} keys"),
        }
    }
}

/// Why a key of a set is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skipped {
    /// It is no object.
    NotAnObject,
    /// It has no name that a token could give.
    Unnamed,
    /// It is of a type or curve that is not taken, such as a secret (`oct`).
    Kind,
    /// It is not for verifying signatures (`use`, `key_ops`).
    Purpose,
    /// It is for another algorithm than its type is taken for (`alg`).
    Algorithm,
    /// A number of it is missing, not base64url, or of a wrong length.
    Encoding,
    /// RSA: fewer than 2048 or more than 8192 bits, or an even number.
    Modulus,
    /// RSA: an exponent that is even, below 3, or above 32 bits.
    Exponent,
    /// Its secret half is there for all to read, in this entry or in another of the same key or name.
    Secret,
    /// Another key has the same name, and is another key: neither is used.
    Doubled,
}

/// A key that verifies signatures of one issuer by one algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    kid: String,
    algorithm: Algorithm,
    signature_bytes: usize,
    jwk: String,
}

impl PublicKey {
    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that it is for, by its own type.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The length of its signatures.
    pub fn signature_bytes(&self) -> usize {
        self.signature_bytes
    }

    /// The key as JSON, with the members that make it and no other, in the form of RFC 7638: two texts are
    /// equal exactly if the keys are.
    pub fn jwk(&self) -> &str {
        &self.jwk
    }
}

/// The keys of an issuer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    issuer: Issuer,
    keys: Vec<PublicKey>,
    skipped: Vec<Skipped>,
}

impl KeySet {
    /// Reads the key set that an issuer's discovery document leads to.
    ///
    /// # Errors
    /// [`KeySetError`]; a key that cannot be used is no error.
    pub fn parse(issuer: &Issuer, bytes: &[u8]) -> Result<Self, KeySetError> {
        let set = object(bytes, SET).map_err(KeySetError::Json)?;
        let Some(Value::List(list)) = set.get("keys") else {
            return Err(KeySetError::NoKeys);
        };
        if list.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let exposed: Vec<&Object> = list.iter().filter_map(exposed).collect();
        let is_exposed = |key: &PublicKey| {
            exposed.iter().any(|other| {
                let same = material(other).is_ok_and(|(_, _, jwk)| jwk == key.jwk);
                same || other.text("kid") == Some(key.kid.as_str())
            })
        };
        let mut keys: Vec<PublicKey> = Vec::new();
        let mut skipped = Vec::new();
        for key in list {
            match public_key(key) {
                Ok(key) if keys.contains(&key) => {}
                Ok(key) if is_exposed(&key) => skipped.push(Skipped::Secret),
                Ok(key) => keys.push(key),
                Err(why) => skipped.push(why),
            }
        }
        let doubled =
            |key: &PublicKey| keys.iter().filter(|other| other.kid == key.kid).count() > 1;
        let (doubled, keys): (Vec<_>, Vec<_>) = keys.iter().cloned().partition(doubled);
        skipped.extend(doubled.iter().map(|_| Skipped::Doubled));
        Ok(Self {
            issuer: issuer.clone(),
            keys,
            skipped,
        })
    }

    /// Whose keys they are.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// All keys that can be used.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Why others cannot.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

/// The members that only a secret half has (RFC 7518, sections 6.2.2 and 6.3.2). Any of RSA's tells the others.
const SECRET: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// An entry whose secret half is there for all to read: whoever has read it signs as this key, whatever else
/// the set says of it.
fn exposed(entry: &Value) -> Option<&Object> {
    match entry {
        Value::Object(key) if SECRET.iter().any(|name| key.has(name)) => Some(key),
        _ => None,
    }
}

/// What makes a key: algorithm, length of its signatures, and its one form as JSON.
fn material(key: &Object) -> Result<(Algorithm, usize, String), Skipped> {
    match (key.text("kty"), key.text("crv")) {
        (Some("RSA"), None) => rsa(key),
        (Some("EC"), Some("P-256")) => {
            let (x, y) = (number(key, "x", 32)?, number(key, "y", 32)?);
            let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
            Ok((Algorithm::Es256, 64, jwk))
        }
        (Some("OKP"), Some("Ed25519")) => {
            let x = number(key, "x", 32)?;
            let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
            Ok((Algorithm::EdDsa, 64, jwk))
        }
        _ => Err(Skipped::Kind),
    }
}

fn public_key(key: &Value) -> Result<PublicKey, Skipped> {
    let Value::Object(key) = key else {
        return Err(Skipped::NotAnObject);
    };
    let (algorithm, signature_bytes, jwk) = material(key)?;
    if key.has("d") {
        return Err(Skipped::Secret);
    }
    if !verifies(key) {
        return Err(Skipped::Purpose);
    }
    let own = |name: &str| Algorithm::parse(name) == Some(algorithm);
    if key.has("alg") && !key.text("alg").is_some_and(own) {
        return Err(Skipped::Algorithm);
    }
    let kid = key.text("kid").filter(|kid| is_kid(kid));
    Ok(PublicKey {
        kid: kid.ok_or(Skipped::Unnamed)?.to_owned(),
        algorithm,
        signature_bytes,
        jwk,
    })
}

/// Whether a key is for verifying, as far as it says what it is for.
fn verifies(key: &Object) -> bool {
    let by_use = !key.has("use") || key.text("use") == Some("sig");
    let verify = |one: &Value| *one == Value::Text("verify".to_owned());
    let by_operation = match key.get("key_ops") {
        None => !key.has("key_ops"),
        Some(Value::List(operations)) => operations.iter().any(verify),
        Some(_) => false,
    };
    by_use && by_operation
}

/// A number of exactly this many bytes, as it is written.
fn number<'k>(key: &'k Object, name: &str, length: usize) -> Result<&'k str, Skipped> {
    let text = key.text(name).ok_or(Skipped::Encoding)?;
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Skipped::Encoding)?;
    if bytes.len() == length {
        Ok(text)
    } else {
        Err(Skipped::Encoding)
    }
}

fn rsa(key: &Object) -> Result<(Algorithm, usize, String), Skipped> {
    let n = magnitude(key, "n")?;
    // With the highest bit of its first byte: signatures have the length of the modulus.
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    let odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last & 1 == 1);
    if !(2_048..=8_192).contains(&bits) || !odd(&n) {
        return Err(Skipped::Modulus);
    }
    let e = magnitude(key, "e")?;
    if e.len() > MAX_EXPONENT || !odd(&e) || e == [1] {
        return Err(Skipped::Exponent);
    }
    let [e, text] = [&e, &n].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let jwk = format!(r#"{{"e":"{e}","kty":"RSA","n":"{text}"}}"#);
    Ok((Algorithm::Rs256, n.len(), jwk))
}

/// A positive number without zeros in front; some issuers write one.
fn magnitude(key: &Object, name: &str) -> Result<Vec<u8>, Skipped> {
    let text = key.text(name).ok_or(Skipped::Encoding)?;
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Skipped::Encoding)?;
    let first = bytes
        .iter()
        .position(|b| *b != 0)
        .ok_or(Skipped::Encoding)?;
    Ok(bytes.into_iter().skip(first).collect())
}
