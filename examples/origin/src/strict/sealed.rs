//! Attestation states as they are kept: sealed under a key made from the bearer that saved them, so
//! no other bearer reads them (`pkg/biz/attestationstate.go` of the control plane). Differs in the
//! means: AES-GCM for AES-CFB with a magic prefix, one HMAC for 100,000 rounds of PBKDF2.

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::subject::Passphrase;
use crate::digest::sha256_hex;

/// Longest state, in clear.
pub(crate) const MAX_STATE: usize = 6 * 1024 * 1024;

/// Bytes of salt in front; the same are the nonce, since they make the key.
const SALT: usize = 16;

/// A state under the passphrase; none when it is too long.
pub(crate) fn seal(state: &[u8], passphrase: &Passphrase, salt: [u8; SALT]) -> Option<Vec<u8>> {
    if is_too_long(state) {
        return None;
    }
    let sealed = cipher(passphrase, &salt).encrypt(&nonce(), state).ok()?;
    Some([&salt[..], &sealed].concat())
}

fn is_too_long(state: &[u8]) -> bool {
    state.len() > MAX_STATE
}

/// The state again; none under another passphrase, or when a bit has changed.
pub(crate) fn open(sealed: &[u8], passphrase: &Passphrase) -> Option<Vec<u8>> {
    let (salt, sealed) = sealed.split_at_checked(SALT)?;
    cipher(passphrase, salt).decrypt(&nonce(), sealed).ok()
}

/// The digest of what is kept, which the next save may name: of its JSON, as the control plane has it.
pub(crate) fn digest(sealed: &[u8]) -> String {
    sha256_hex(format!("\"{}\"", STANDARD.encode(sealed)).as_bytes())
}

/// Each salt makes a key of its own, so each key seals one state.
fn cipher(passphrase: &Passphrase, salt: &[u8]) -> Aes256Gcm {
    let mut key = Key::<Aes256Gcm>::default();
    if let Ok(mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(passphrase.0.as_bytes()) {
        key.copy_from_slice(&mac.chain_update(salt).finalize().into_bytes());
    }
    Aes256Gcm::new(&key)
}

fn nonce() -> Nonce<aes_gcm::aead::consts::U12> {
    Nonce::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bearer: &str) -> Passphrase {
        Passphrase(sha256_hex(bearer.as_bytes()))
    }

    #[test]
    fn only_the_bearer_that_sealed_it_opens_it() {
        let sealed = seal(b"state", &of("one"), [1; SALT]).unwrap();
        assert_eq!(open(&sealed, &of("one")).as_deref(), Some(&b"state"[..]));
        assert_eq!(open(&sealed, &of("two")), None);
        for bit in 0..sealed.len() * 8 {
            let mut other = sealed.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&other, &of("one")), None, "bit {bit}");
        }
        assert_eq!(open(&sealed[..SALT - 1], &of("one")), None);
    }

    #[test]
    fn a_state_is_at_most_so_long() {
        // To seal so much takes seconds in a build for tests.
        assert!(!is_too_long(&vec![0; MAX_STATE]));
        assert!(seal(&vec![0; MAX_STATE + 1], &of("one"), [0; SALT]).is_none());
    }

    #[test]
    fn no_two_saves_have_one_digest() {
        let [first, second] = [[1; SALT], [2; SALT]].map(|salt| seal(b"state", &of("one"), salt));
        assert_ne!(digest(&first.unwrap()), digest(&second.unwrap()));
        // The JSON of bytes is their base64 in quotes.
        assert_eq!(digest(b"abc"), sha256_hex(b"\"YWJj\""));
    }
}
