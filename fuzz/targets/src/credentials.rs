//! The `Authorization` header, and opaque keys in it.

use std::sync::LazyLock;

use postern_domain::id::Id;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::secret::Secret;
use postern_domain::token::{BASE62, OPAQUE_ID_DIGITS, OPAQUE_PREFIX, Verifier, base62_id};
use postern_wire::bearer::{BearerError, MAX_CREDENTIAL, credential};
use postern_wire::opaque::{self, KEY_LENGTH, MINT_ENTROPY, OpaqueError};

use crate::bytes::Bytes;

/// Whether a text is a credential of RFC 6750, section 2.1 (`b64token`).
fn is_b64token(text: &str) -> bool {
    let stem = text.trim_end_matches('=');
    let known = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    !stem.is_empty() && stem.chars().all(known)
}

/// A header gives a credential exactly where it is `Bearer`, blanks and one `b64token`.
pub fn bearer(data: &[u8]) {
    let header = String::from_utf8_lossy(data);
    let told = credential(Some(&header));
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c');
    let inside = header.trim_matches(blank);
    let (scheme, rest) = inside.split_at(inside.find(' ').unwrap_or(inside.len()));
    let text = rest.trim_start_matches(' ');
    let is_good = scheme.eq_ignore_ascii_case("bearer") && is_b64token(text);
    match told {
        Ok(found) => {
            assert!(is_good, "{header:?}");
            assert_eq!(found.expose(), text);
            assert!(text.len() <= MAX_CREDENTIAL);
            let again =
                credential(Some(&format!("Bearer {text}"))).map(|again| again.expose().to_owned());
            assert_eq!(again.as_deref(), Ok(text));
        }
        Err(BearerError::TooLong) => assert!(text.len() > MAX_CREDENTIAL),
        Err(_) => assert!(!is_good, "{header:?}"),
    }
}

pub(crate) fn bearer_seeds() -> Vec<Vec<u8>> {
    [
        "Bearer abc",
        "bearer  abc==",
        " \tBearer abc \t",
        "Basic abc",
        "Bearer a, Bearer b",
        "Bearer ==",
        "Bearer a\u{a0}",
        "\u{feff}Bearer abc",
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn root_keys(ring: &str) -> RootKeys {
    RootKeys::from_root(&KeyRing::parse(ring).expect("a good ring"))
}

fn older_key() -> String {
    format!("k0:{}", "B".repeat(42) + "A")
}

static KEYS: LazyLock<RootKeys> =
    LazyLock::new(|| root_keys(&format!("k1:{},{}", "A".repeat(43), older_key())));
/// The same without the key that signs.
static OLDER: LazyLock<RootKeys> = LazyLock::new(|| root_keys(&older_key()));

/// A key that checks is one that this deployment has made: its text follows from its id and its secret, in one way.
pub fn opaque(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let text = match bytes.below(3) {
        0 => bytes.rest_text(),
        kind => {
            let id = bytes
                .take(16)
                .iter()
                .fold(0, |id, byte| id << 8 | u128::from(*byte));
            let entropy: Vec<u8> = (0..MINT_ENTROPY).map(|_| bytes.byte()).collect();
            let Ok(key) = opaque::mint(Id::from_u128(id), &entropy, &KEYS) else {
                return;
            };
            let mut text = key.expose().to_owned().into_bytes();
            assert_eq!(opaque::check(&key, &KEYS.check), Ok(Id::from_u128(id)));
            // Then some of its characters are others.
            while kind == 2 && !bytes.is_over() {
                let place = bytes.below(KEY_LENGTH);
                text[place] = match bytes.byte() {
                    byte if byte < 0x80 => byte,
                    byte => BASE62[usize::from(byte) % 62],
                };
            }
            String::from_utf8(text).expect("ASCII")
        }
    };
    let key = Secret::new(text.clone());
    let form = opaque::check_form(&text);
    match opaque::check(&key, &KEYS.check) {
        Ok(id) => {
            assert_eq!(form, Ok(id));
            assert_eq!(text.len(), KEY_LENGTH);
            let (_, digits) = text.split_at(OPAQUE_PREFIX.len());
            assert_eq!(
                &digits[..OPAQUE_ID_DIGITS],
                base62_id(id),
                "another text of the same id"
            );
            let Verifier::Opaque { pepper, hash } = opaque::verifier(&key, &KEYS.pepper) else {
                panic!("an opaque verifier");
            };
            assert!(opaque::matches(&key, &pepper, &hash, &KEYS.pepper));
            let signed = remade(&text);
            assert_eq!(signed, text, "the keyed check covers all of it");
        }
        Err(OpaqueError::NotOurs) => assert!(form.is_ok()),
        Err(error) => assert_eq!(form, Err(error)),
    }
}

/// The key with the id and the secret of this one, under whichever key of the ring fits.
fn remade(text: &str) -> String {
    let id = opaque::check_form(text).expect("a key");
    let secret = &text[OPAQUE_PREFIX.len() + OPAQUE_ID_DIGITS + 1..][..opaque::SECRET_DIGITS];
    // The entropy whose digits these are.
    let digit = |c: u8| {
        BASE62
            .iter()
            .position(|known| *known == c)
            .expect("a digit") as u8
    };
    let entropy: Vec<u8> = secret.bytes().map(digit).collect();
    let made = opaque::mint(id, &entropy, &KEYS).expect("enough");
    if made.expose() == text {
        return made.expose().to_owned();
    }
    opaque::mint(id, &entropy, &OLDER)
        .expect("enough")
        .expose()
        .to_owned()
}

pub(crate) fn opaque_seeds() -> Vec<Vec<u8>> {
    let key = opaque::mint(Id::from_u128(42), &[7; MINT_ENTROPY], &KEYS).expect("a key");
    let text = [&[0], key.expose().as_bytes()].concat();
    let made = [&[1][..], &[0xff; 16], &[61; MINT_ENTROPY]].concat();
    let changed = [&[2][..], &[0; 16], &[7; MINT_ENTROPY], &[74, b'0', 3, b'_']].concat();
    vec![text, made, changed, b"\0pst_".to_vec(), vec![1; 40]]
}
