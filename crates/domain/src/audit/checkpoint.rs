//! Signed checkpoints: how far an organization's audit chain reached at a moment (R35). It is read
//! only once its signature has been checked. A chain alone cannot show that its end is missing; a
//! checkpoint that somebody has kept can.

use serde::{Deserialize, Serialize};

use super::{hex, unhex};
use crate::id::OrganizationId;
use crate::keys::KeyRing;
use crate::secret::equal;
use crate::time::Timestamp;

/// Derives the checkpoint keys from the audit keys, so that no signature of the one kind can stand
/// for one of the other.
const LABEL: &str = "postern/checkpoint/v1";

/// What is signed. Its serialized form is pinned as an event's is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose log it is.
    pub organization_id: OrganizationId,
    /// Of the newest event; 0 = there is none yet.
    pub sequence: u64,
    /// The newest event's link in hex; 64 zeros where there is none.
    pub link: String,
    /// When it was signed.
    pub at: Timestamp,
}

/// A checkpoint with its signature, as it is stored, answered and written below an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The [`Checkpoint`] as JSON, byte for byte what `mac` covers.
    pub checkpoint: String,
    /// The name of the audit key.
    pub kid: String,
    /// HMAC-SHA-256 in lower case hex.
    pub mac: String,
}

/// Why a signed checkpoint says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// It names a key that the ring does not have.
    UnknownKey,
    /// No such key has signed this text.
    Forged,
    /// The signed text is no checkpoint.
    Malformed,
}

impl Checkpoint {
    /// Signs with the first of the audit keys.
    ///
    /// # Errors
    /// When it does not serialize.
    pub fn sign(&self, audit: &KeyRing) -> Result<Signed, serde_json::Error> {
        let checkpoint = serde_json::to_string(self)?;
        let keys = audit.derive(LABEL);
        let key = keys.signing();
        Ok(Signed {
            mac: hex(&key.mac(&[checkpoint.as_bytes()])),
            kid: key.kid().to_owned(),
            checkpoint,
        })
    }
}

impl Signed {
    /// What was signed, if it was.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn open(&self, audit: &KeyRing) -> Result<Checkpoint, SignatureError> {
        let keys = audit.derive(LABEL);
        let key = keys.find(&self.kid).ok_or(SignatureError::UnknownKey)?;
        let mac = unhex(&self.mac).ok_or(SignatureError::Forged)?;
        if !equal(&key.mac(&[self.checkpoint.as_bytes()]), &mac) {
            return Err(SignatureError::Forged);
        }
        serde_json::from_str(&self.checkpoint).map_err(|_| SignatureError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GENESIS, link};
    use super::*;
    use crate::id::Id;

    const PINNED: &str = r#"{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":7,"link":"0000000000000000000000000000000000000000000000000000000000000000","at":1000}"#;

    fn ring(kids: &[&str]) -> KeyRing {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let text: Vec<String> = kids.iter().map(|kid| format!("{kid}:{key}")).collect();
        KeyRing::parse(&text.join(",")).expect("keys")
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            organization_id: Id::from_u128(1),
            sequence: 7,
            link: hex(&GENESIS),
            at: Timestamp::from_millis(1_000),
        }
    }

    #[test]
    fn r35_a_checkpoint_opens_as_it_was_signed_and_not_otherwise() {
        let keys = ring(&["a", "b"]);
        let signed = checkpoint().sign(&keys).expect("signs");
        assert_eq!(signed.checkpoint, PINNED);
        assert_eq!(signed.open(&keys), Ok(checkpoint()));
        assert_eq!(signed.open(&ring(&["c"])), Err(SignatureError::UnknownKey));
        let change = |field: fn(&mut Signed)| {
            let mut changed = signed.clone();
            field(&mut changed);
            changed.open(&keys)
        };
        let rows: [fn(&mut Signed); 4] = [
            |signed| signed.checkpoint = signed.checkpoint.replace('7', "8"),
            |signed| signed.checkpoint.push(' '),
            |signed| signed.mac = signed.mac.to_uppercase(),
            |signed| signed.mac.truncate(10),
        ];
        for (place, row) in rows.into_iter().enumerate() {
            assert_eq!(change(row), Err(SignatureError::Forged), "row {place}");
        }
    }

    #[test]
    fn r35_a_link_is_no_signature_of_a_checkpoint() {
        let keys = ring(&["a"]);
        for mac in [
            link(keys.signing(), &GENESIS, PINNED),
            keys.signing().mac(&[PINNED.as_bytes()]),
        ] {
            let signed = Signed {
                checkpoint: PINNED.to_owned(),
                kid: "a".to_owned(),
                mac: hex(&mac),
            };
            assert_eq!(signed.open(&keys), Err(SignatureError::Forged));
        }
    }
}
