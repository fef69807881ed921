//! How a stored credential is sealed: AES-256-GCM under a subkey of the root, bound to the
//! organization, the reach and the version that it was sealed for. A sealed text that is copied
//! elsewhere does not open there. The nonce comes from outside.

use core::fmt;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Credential, Reach};
use crate::id::{OrganizationId, UpstreamId};
use crate::keys::{Key, KeyRing};

/// How many random bytes a seal needs.
pub const SEAL_NONCE_BYTES: usize = 12;
/// The version of the form, as the text begins.
const FORM: &str = "1";

/// What a sealed text is for. Another one does not open it.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'a> {
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it is for.
    pub reach: &'a Reach,
    /// Which version it is.
    pub id: UpstreamId,
}

impl Sealed<'_> {
    /// What is authenticated with the text. Names of a reach are labels, so no line end is in one.
    fn associated(&self) -> String {
        let Self {
            organization,
            reach,
            id,
        } = self;
        let (project, workflow) = (reach.project(), reach.workflow());
        let (project, workflow) = (project.unwrap_or_default(), workflow.unwrap_or_default());
        format!("postern/upstream/{FORM}\n{organization}\n{project}\n{workflow}\n{id}")
    }
}

/// Nothing was sealed: the key or the text is of no length that the cipher takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// Why a sealed text was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsealed {
    /// No key of this name is configured.
    UnknownKey(String),
    /// It is of no form that this program knows.
    Form,
    /// It was sealed for something else, by another key, or was changed.
    Changed,
}

impl fmt::Display for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey(kid) => write!(
                f,
                "it was sealed under the key `{kid}`, which ROOT_KEYS does not have (any more): \
                 add that key behind the others, or set the credential anew"
            ),
            Self::Form => f.write_str("it is of an unknown form: set the credential anew"),
            Self::Changed => f.write_str(
                "it does not open as what it is stored as: the key of its name is another one, or \
                 it was changed; set the credential anew",
            ),
        }
    }
}

/// Seals a credential under the first key: `1:{key id}:{nonce}:{ciphertext}`. No nonce may come
/// twice: it is random.
///
/// # Errors
/// Never for keys of a derived ring.
pub fn seal(
    credential: &Credential,
    sealed: Sealed<'_>,
    keys: &KeyRing,
    nonce: [u8; SEAL_NONCE_BYTES],
) -> Result<String, Broken> {
    let key = keys.signing();
    let associated = sealed.associated();
    let payload = Payload {
        msg: credential.expose().as_bytes(),
        aad: associated.as_bytes(),
    };
    let bytes = cipher(key)
        .ok_or(Broken)?
        .encrypt(&nonce.into(), payload)
        .map_err(|_| Broken)?;
    let (nonce, bytes) = (URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(bytes));
    Ok(format!("{FORM}:{}:{nonce}:{bytes}", key.kid()))
}

/// Opens a sealed text. The first key seals, every key opens.
///
/// # Errors
/// Why it does not open.
pub fn open(text: &str, sealed: Sealed<'_>, keys: &KeyRing) -> Result<Credential, Unsealed> {
    let parts: Vec<&str> = text.split(':').collect();
    let [FORM, kid, nonce, bytes] = parts.as_slice() else {
        return Err(Unsealed::Form);
    };
    let key = keys
        .find(kid)
        .ok_or_else(|| Unsealed::UnknownKey((*kid).to_owned()))?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unsealed::Form);
    let nonce: [u8; SEAL_NONCE_BYTES] = decode(nonce)?.try_into().map_err(|_| Unsealed::Form)?;
    let bytes = decode(bytes)?;
    let associated = sealed.associated();
    let payload = Payload {
        msg: bytes.as_slice(),
        aad: associated.as_bytes(),
    };
    let opened = cipher(key)
        .ok_or(Unsealed::Changed)?
        .decrypt(&nonce.into(), payload)
        .map_err(|_| Unsealed::Changed)?;
    // What was sealed was a credential. The bytes become the text, without a copy.
    let text = String::from_utf8(opened).map_err(|_| Unsealed::Changed)?;
    Credential::parse(text).map_err(|_| Unsealed::Changed)
}

/// `None` where the key has not 32 bytes; every subkey has.
fn cipher(key: &Key) -> Option<Aes256Gcm> {
    Aes256Gcm::new_from_slice(key.expose()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::keys::RootKeys;

    const NONCE: [u8; SEAL_NONCE_BYTES] = [7; SEAL_NONCE_BYTES];
    const OLD: &str = "old:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    const NEW: &str = "new.1:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";

    fn keys(text: &str) -> KeyRing {
        RootKeys::from_root(&KeyRing::parse(text).expect("keys")).upstream
    }

    fn credential() -> Credential {
        Credential::parse("a-bearer-text".to_owned()).expect("good")
    }

    fn of(organization: u128, reach: &Reach, id: u128) -> Sealed<'_> {
        Sealed {
            organization: Id::from_u128(organization),
            reach,
            id: Id::from_u128(id),
        }
    }

    #[test]
    fn r42_a_sealed_text_opens_for_what_it_was_sealed_for_alone() {
        let keys = keys(OLD);
        let reach = Reach::of(Some("shop"), Some("release"));
        let text = seal(&credential(), of(1, &reach, 9), &keys, NONCE).expect("sealed");
        assert!(text.starts_with("1:old:"), "{text}");
        assert!(!text.contains("bearer"));
        let opened = open(&text, of(1, &reach, 9), &keys).expect("opens");
        assert_eq!(opened.expose(), "a-bearer-text");

        let others = [
            of(2, &reach, 9),
            of(1, &reach, 10),
            of(1, &Reach::Organization, 9),
        ];
        let project = Reach::of(Some("shop"), None);
        let cart = Reach::of(Some("cart"), Some("release"));
        for other in others
            .into_iter()
            .chain([of(1, &project, 9), of(1, &cart, 9)])
        {
            let refused = open(&text, other, &keys).map(|_| ());
            assert_eq!(refused, Err(Unsealed::Changed), "{other:?}");
        }
    }

    #[test]
    fn r42_every_key_opens_and_the_first_seals() {
        let reach = Reach::Organization;
        let sealed = || of(1, &reach, 9);
        let old = seal(&credential(), sealed(), &keys(OLD), NONCE).expect("sealed");
        let both = keys(&format!("{NEW},{OLD}"));
        assert!(open(&old, sealed(), &both).is_ok());
        let new = seal(&credential(), sealed(), &both, NONCE).expect("sealed");
        assert!(new.starts_with("1:new.1:"), "{new}");
        let refused = open(&new, sealed(), &keys(OLD)).map(|_| ());
        assert_eq!(refused, Err(Unsealed::UnknownKey("new.1".to_owned())));
        // Another key of the same name.
        let other = keys(&OLD.replace("AQE", "AgI"));
        let refused = open(&old, sealed(), &other).map(|_| ());
        assert_eq!(refused, Err(Unsealed::Changed));
    }

    #[test]
    fn r42_what_is_no_sealed_text_does_not_open() {
        let keys = keys(OLD);
        let reach = Reach::Organization;
        let text = seal(&credential(), of(1, &reach, 9), &keys, NONCE).expect("sealed");
        let cut = |until: usize| text.chars().take(until).collect::<String>();
        let rows = [
            (String::new(), Unsealed::Form),
            (text.replacen('1', "2", 1), Unsealed::Form),
            (format!("{text}:"), Unsealed::Form),
            (format!("{text}!"), Unsealed::Form),
            (text.replace(":BwcH", ":Bwc"), Unsealed::Form),
            (text.replace(":BwcH", ":BwcI"), Unsealed::Changed),
            (text.replace(":n231", ":n232"), Unsealed::Changed),
            (cut(text.len() - 3), Unsealed::Changed),
            (cut(27), Unsealed::Changed),
            (cut(23), Unsealed::Changed),
        ];
        for (text, expected) in rows {
            let refused = open(&text, of(1, &reach, 9), &keys).map(|_| ());
            assert_eq!(refused, Err(expected), "{text}");
        }
    }

    /// What is stored is opened by later releases: the form is pinned.
    #[test]
    fn the_form_is_pinned() {
        let reach = Reach::of(Some("shop"), None);
        let text = seal(&credential(), of(1, &reach, 2), &keys(OLD), NONCE);
        assert_eq!(
            text.as_deref(),
            Ok("1:old:BwcHBwcHBwcHBwcH:n231kI5Uh3CarIfwOu8pZKDrY7Dd2ExzuLeAlxg")
        );
    }
}
