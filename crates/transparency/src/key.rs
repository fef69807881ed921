//! Keys of notes: verifier keys, in the text form that is handed around, and signing keys. Two kinds:
//! Ed25519 over the text of a note, and the timestamped cosignatures of witnesses (`cosignature/v1`).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature as Made, Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::note::{Signature, is_name};

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The text of a note.
    Ed25519,
    /// A checkpoint, with the time: what a witness makes.
    Cosignature,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Ed25519, Self::Cosignature]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }
}

/// Why a text is no verifier key that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// It has not the form `name+id+key`.
    Malformed,
    /// It is of a kind that is not read here.
    Kind,
    /// The id is not that of the name and the key.
    OtherId,
    /// It is no point of the curve, or a weak one.
    Weak,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no verifier key: `name+id+key`",
            Self::Kind => "it is no Ed25519 key",
            Self::OtherId => "its id does not fit its name and its key",
            Self::Weak => "it is no good Ed25519 key",
        })
    }
}

/// A public key with its name. Its text form is `name+id+key`, the id in hex and the key in base64, with its
/// kind before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: Kind,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key by its parts.
    ///
    /// # Errors
    /// `Malformed` for a name that no key can have; `Weak`.
    pub fn new(name: &str, kind: Kind, public: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Malformed);
        }
        let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Weak)?;
        match key.is_weak() {
            true => Err(KeyError::Weak),
            false => Ok(Self {
                name: name.to_owned(),
                kind,
                key,
            }),
        }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(KeyError::Malformed);
        let (name, id, encoded) = (part()?, part()?, part()?);
        let decoded = STANDARD.decode(encoded).map_err(|_| KeyError::Malformed)?;
        let (kind, public) = decoded.split_first().ok_or(KeyError::Malformed)?;
        let kind = Kind::of(*kind).ok_or(KeyError::Kind)?;
        let public = public.try_into().map_err(|_| KeyError::Malformed)?;
        let key = Self::new(name, kind, public)?;
        match key.printed_id() == id {
            true => Ok(key),
            false => Err(KeyError::OtherId),
        }
    }

    /// The name. A log's is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The public key's 32 bytes.
    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The first bytes of the hash of name, kind and key.
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([b'\n', self.kind.byte()]);
        hasher.update(self.public());
        let hash: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = hash;
        [a, b, c, d]
    }

    fn printed_id(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id()))
    }

    /// Whether a signature says that it is of this key.
    pub fn made(&self, signature: &Signature) -> bool {
        self.name == signature.name && self.id() == signature.id
    }

    /// Whether this key has signed the text, and when: 0 for keys that sign no time.
    pub fn verify(&self, text: &str, signature: &[u8]) -> Option<u64> {
        let (at, message, signature) = match self.kind {
            Kind::Ed25519 => (0, text.to_owned(), signature),
            Kind::Cosignature => {
                let (at, signature) = signature.split_first_chunk()?;
                let at = u64::from_be_bytes(*at);
                i64::try_from(at).ok()?;
                (at, timed(text, at), signature)
            }
        };
        let made = Made::from_slice(signature).ok()?;
        self.key.verify_strict(message.as_bytes(), &made).ok()?;
        Some(at)
    }
}

/// The text form.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = STANDARD.encode([&[self.kind.byte()], &self.public()[..]].concat());
        write!(f, "{}+{}+{encoded}", self.name, self.printed_id())
    }
}

/// What a cosignature covers.
fn timed(text: &str, at: u64) -> String {
    format!("cosignature/v1\ntime {at}\n{text}")
}

/// A key that signs. Wiped when it is dropped.
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of a seed (RFC 8032).
    ///
    /// # Errors
    /// `Malformed` for a name that no key can have; `Weak`.
    pub fn new(name: &str, kind: Kind, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self {
            verifier: VerifierKey::new(name, kind, key.verifying_key().as_bytes())?,
            key,
        })
    }

    /// Its public half.
    pub fn verifier(&self) -> VerifierKey {
        self.verifier.clone()
    }

    /// Signs the text of a note. A witness's key signs the time too, in seconds since 1970; another one
    /// passes it over.
    pub fn sign_at(&self, text: &str, at: u64) -> Signature {
        let bytes = match self.verifier.kind {
            Kind::Ed25519 => self.key.sign(text.as_bytes()).to_bytes().to_vec(),
            Kind::Cosignature => {
                let made = self.key.sign(timed(text, at).as_bytes()).to_bytes();
                [&at.to_be_bytes()[..], &made[..]].concat()
            }
        };
        Signature {
            name: self.verifier.name.clone(),
            id: self.verifier.id(),
            bytes,
        }
    }
}

/// Without the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seed;

    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_verifier_key_is_read_as_it_is_written() {
        let key = VerifierKey::parse(PETER).expect("a key");
        assert_eq!((key.name(), key.kind()), ("PeterNeumann", Kind::Ed25519));
        assert_eq!(key.to_string(), PETER);
        let rows = [
            ("", KeyError::Malformed),
            ("PeterNeumann", KeyError::Malformed),
            (&PETER.replace("PeterNeumann", ""), KeyError::Malformed),
            (
                &PETER.replace("PeterNeumann", "Peter Neumann"),
                KeyError::Malformed,
            ),
            (&PETER.replace("10TW", "10T"), KeyError::Malformed),
            (&PETER.replace("c74f20a3", "C74F20A3"), KeyError::OtherId),
            (&PETER.replace("PeterNeumann", "Peter"), KeyError::OtherId),
            (&PETER.replace("+ARpc", "+Bhpc"), KeyError::Kind),
            // The neutral element.
            (
                "a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                KeyError::Weak,
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn each_kind_signs_what_it_says() {
        let [log, witness] = [Kind::Ed25519, Kind::Cosignature]
            .map(|kind| SigningKey::new("example.com/log", kind, &seed(1)).expect("a name"));
        assert_ne!(log.verifier().id(), witness.verifier().id());
        let text = "a\n1\nb\n";
        let plain = log.sign_at(text, 9);
        let timed = witness.sign_at(text, 1_679_315_147);
        assert_eq!((plain.bytes.len(), timed.bytes.len()), (64, 72));
        assert_eq!(log.verifier().verify(text, &plain.bytes), Some(0));
        let holds = |text: &str, bytes: &[u8]| witness.verifier().verify(text, bytes);
        assert_eq!(holds(text, &timed.bytes), Some(1_679_315_147));
        // Neither stands for the other, nor for another time or text.
        assert_eq!(log.verifier().verify(text, &timed.bytes[8..]), None);
        assert_eq!(holds(text, &plain.bytes), None);
        let mut later = timed.bytes.clone();
        later[7] ^= 1;
        assert_eq!(holds(text, &later), None);
        assert_eq!(holds("a\n2\nb\n", &timed.bytes), None);
        assert!(!format!("{log:?}").contains(&format!("{:?}", seed(1))));
    }

    /// A time beyond 2^63 is signed by nobody, whatever the signature says.
    #[test]
    fn a_time_that_none_has_is_refused() {
        let witness = SigningKey::new("w", Kind::Cosignature, &seed(2)).expect("a name");
        let signed = witness.sign_at("a\n", 1 << 63);
        assert_eq!(witness.verifier().verify("a\n", &signed.bytes), None);
    }
}
