//! Opaque keys: their grammar, minting and offline check. The check says only whether this
//! deployment can have made a key, not whether the key is active, or even known.
//!
//! ```text
//! pst_ <id: 22> _ <secret: 32> <keyed check: 10> <checksum: 6>      base 62 digits, 75 characters
//! ```
//! The checksum (CRC-32) lets secret scanners drop look-alikes without any key. The keyed check
//! (HMAC-SHA-256 under a server key) lets the gateway refuse a forged key before it touches a
//! store.

use std::sync::LazyLock;

use postern_domain::audit::{hex, unhex};
use postern_domain::id::TokenId;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::secret::{Secret, equal};
use postern_domain::token::{BASE62, OPAQUE_ID_DIGITS, OPAQUE_PREFIX, Verifier, base62, base62_id};

/// Digits of the secret: 190 random bits.
pub const SECRET_DIGITS: usize = 32;
/// Digits of the keyed check: a forger passes once in 62^10 (about 2^59) tries.
pub const KEYED_DIGITS: usize = 10;
/// Digits of the checksum: 32 bits.
pub const CHECKSUM_DIGITS: usize = 6;
/// Length of a key in characters, which are all ASCII.
pub const KEY_LENGTH: usize =
    OPAQUE_PREFIX.len() + OPAQUE_ID_DIGITS + 1 + SECRET_DIGITS + KEYED_DIGITS + CHECKSUM_DIGITS;

/// Finds keys in text, for secret scanners. Asks nothing of the characters around a key: in logs
/// those are often letters and digits of an escape (`\n`, `%3D`). A longer run of digits behind a
/// key is no reason to doubt it; the checksum settles what is one.
pub const SCANNER_REGEX: &str = "pst_[0-9A-Za-z]{22}_[0-9A-Za-z]{48}";

/// Random bytes that [`mint`] consumes at most; see there.
pub const MINT_ENTROPY: usize = 96;

/// Why a key was refused offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpaqueError {
    /// Not of the grammar: wrong length, alphabet, separator or id.
    Malformed,
    /// Of the grammar, but mistyped or cut: the checksum does not fit.
    Checksum,
    /// No key of this deployment made the keyed check: forged, or minted elsewhere.
    NotOurs,
}

/// The entropy did not hold enough usable digits: draw again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotEnoughEntropy;

/// Makes the key of token `id` from random bytes. Bytes of 248 and above are skipped so that all
/// digits are equally likely; [`MINT_ENTROPY`] bytes fall short with a chance below 2^-200.
///
/// # Errors
/// [`NotEnoughEntropy`] in that case.
pub fn mint(id: TokenId, entropy: &[u8], keys: &RootKeys) -> Result<Secret, NotEnoughEntropy> {
    let mut key = String::with_capacity(KEY_LENGTH);
    key.push_str(OPAQUE_PREFIX);
    key.push_str(&base62_id(id));
    key.push('_');
    let digits = entropy
        .iter()
        .filter(|&&byte| byte < 248)
        .filter_map(|&byte| BASE62.get(usize::from(byte % 62)))
        .take(SECRET_DIGITS);
    let before = key.len();
    key.extend(digits.map(|&digit| char::from(digit)));
    if key.len() - before < SECRET_DIGITS {
        return Err(NotEnoughEntropy);
    }
    key.push_str(&keyed_digits(keys.check.signing().mac(&[key.as_bytes()])));
    key.push_str(&checksum_digits(key.as_bytes()));
    Ok(Secret::new(key))
}

/// Whether a text is a whole key: its grammar and its checksum, which need no secret. Says nothing
/// of who minted it.
///
/// # Errors
/// [`OpaqueError::Malformed`] or [`OpaqueError::Checksum`].
pub fn check_form(text: &str) -> Result<TokenId, OpaqueError> {
    if text.len() != KEY_LENGTH || !text.is_ascii() {
        return Err(OpaqueError::Malformed);
    }
    let digits = text
        .strip_prefix(OPAQUE_PREFIX)
        .ok_or(OpaqueError::Malformed)?;
    let (id, tail) = digits.split_at(OPAQUE_ID_DIGITS);
    let tail = tail.strip_prefix('_').ok_or(OpaqueError::Malformed)?;
    if !tail.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(OpaqueError::Malformed);
    }
    let id = parse_id(id).ok_or(OpaqueError::Malformed)?;
    let (covered, checksum) = text.split_at(KEY_LENGTH - CHECKSUM_DIGITS);
    if checksum_digits(covered.as_bytes()) == checksum {
        Ok(id)
    } else {
        Err(OpaqueError::Checksum)
    }
}

/// Checks a presented key offline and returns the id that it claims.
///
/// INVARIANT (strangers create nothing): only a key that this deployment minted passes; no store or
/// object is touched before.
///
/// # Errors
/// The first check that fails.
pub fn check(key: &Secret, keys: &KeyRing) -> Result<TokenId, OpaqueError> {
    let text = key.expose();
    let id = check_form(text)?;
    let (covered, _) = text.split_at(KEY_LENGTH - CHECKSUM_DIGITS);
    let (body, keyed) = covered.split_at(KEY_LENGTH - CHECKSUM_DIGITS - KEYED_DIGITS);
    let ours = keys.iter().any(|check| {
        let expected = keyed_digits(check.mac(&[body.as_bytes()]));
        equal(expected.as_bytes(), keyed.as_bytes())
    });
    if ours {
        Ok(id)
    } else {
        Err(OpaqueError::NotOurs)
    }
}

/// What is stored of a fresh key: its hash under the current pepper.
pub fn verifier(key: &Secret, peppers: &KeyRing) -> Verifier {
    let pepper = peppers.signing();
    Verifier::Opaque {
        pepper: pepper.kid().to_owned(),
        hash: hex(&pepper.mac(&[key.expose().as_bytes()])),
    }
}

/// Whether the stored hash is the key's, under the pepper that the row names.
pub fn matches(key: &Secret, pepper: &str, hash: &str, peppers: &KeyRing) -> bool {
    let expected = peppers
        .find(pepper)
        .map(|pepper| pepper.mac(&[key.expose().as_bytes()]));
    match (expected, unhex(hash)) {
        (Some(expected), Some(stored)) => equal(&expected, &stored),
        _ => false,
    }
}

fn keyed_digits(mac: [u8; 32]) -> String {
    let [a, b, c, d, e, f, g, h, ..] = mac;
    base62(
        u128::from(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        KEYED_DIGITS,
    )
}

fn checksum_digits(bytes: &[u8]) -> String {
    base62(u128::from(crc32(bytes)), CHECKSUM_DIGITS)
}

/// The id behind 22 base 62 digits; `None` outside the alphabet and beyond 128 bits.
fn parse_id(digits: &str) -> Option<TokenId> {
    digits
        .bytes()
        .try_fold(0u128, |value, byte| {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'A'..=b'Z' => byte - b'A' + 10,
                b'a'..=b'z' => byte - b'a' + 36,
                _ => return None,
            };
            value.checked_mul(62)?.checked_add(u128::from(digit))
        })
        .map(TokenId::from_u128)
}

/// CRC-32 as in ISO 3309 and zip; nine lines, so no crate for it.
fn crc32(bytes: &[u8]) -> u32 {
    static TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
        core::array::from_fn(|index| {
            (0..8).fold(index as u32, |crc, _| {
                (crc >> 1) ^ (0xEDB8_8320 & 0u32.wrapping_sub(crc & 1))
            })
        })
    });
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let index = (crc ^ u32::from(*byte)) & 0xFF;
        (crc >> 8) ^ TABLE.get(index as usize).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod scanners;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> RootKeys {
        use base64::Engine as _;
        let key = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([byte; 32]);
        RootKeys::from_root(&KeyRing::parse(&format!("k{byte}:{key}")).expect("a good ring"))
    }

    fn sample() -> Secret {
        mint(TokenId::from_u128(42), &[7; MINT_ENTROPY], &keys(1)).expect("enough entropy")
    }

    /// Keys in use must stay valid. The literal was computed by another program from the grammar.
    #[test]
    fn the_form_is_pinned() {
        assert_eq!(
            sample().expose(),
            "pst_000000000000000000000g_77777777777777777777777777777777tRLAxXWB0T3cfVba"
        );
    }

    #[test]
    fn crc32_is_the_common_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_minted_key_checks_and_matches() {
        let key = sample();
        let keys = keys(1);
        assert_eq!(key.expose().len(), KEY_LENGTH);
        assert_eq!(check(&key, &keys.check), Ok(TokenId::from_u128(42)));
        let Verifier::Opaque { pepper, hash } = verifier(&key, &keys.pepper) else {
            panic!("an opaque verifier")
        };
        assert!(matches(&key, &pepper, &hash, &keys.pepper));
        assert!(!matches(&key, "other", &hash, &keys.pepper));
        assert!(!matches(&key, &pepper, "", &keys.pepper));
        assert!(!hash.contains(key.expose()));
    }

    #[test]
    fn every_damaged_character_is_noticed() {
        let key = sample();
        let keys = keys(1);
        for place in 0..KEY_LENGTH {
            let mut bytes = key.expose().as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
            let damaged = Secret::new(String::from_utf8(bytes).expect("ASCII"));
            assert!(
                matches!(
                    check(&damaged, &keys.check),
                    Err(OpaqueError::Malformed | OpaqueError::Checksum)
                ),
                "place {place}"
            );
        }
    }

    /// Anybody who knows the grammar can make the checksum fit; the keyed check stops them.
    #[test]
    fn a_forged_key_is_not_ours() {
        let forged = mint(TokenId::from_u128(42), &[7; MINT_ENTROPY], &keys(2)).expect("entropy");
        assert_eq!(check(&forged, &keys(1).check), Err(OpaqueError::NotOurs));
    }

    #[test]
    fn no_text_makes_the_check_panic() {
        let good = sample();
        let zeros = format!("pst_{}_{}", "z".repeat(22), "0".repeat(48));
        for text in [
            "",
            "pst_",
            "pst_é",
            &"é".repeat(40),
            &zeros,
            good.expose().trim_start_matches('p'),
        ] {
            assert!(check(&Secret::new(text.to_owned()), &keys(1).check).is_err());
        }
    }

    #[test]
    fn too_little_entropy_is_an_error() {
        let minted = mint(TokenId::from_u128(1), &[255; MINT_ENTROPY], &keys(1));
        assert_eq!(minted.err(), Some(NotEnoughEntropy));
    }
}
