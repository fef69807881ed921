//! The keys of a gateway's logs: of a few seeds the first signs, and all are published. Each log has a name
//! of its own, which its keys go by, so that no signature counts for another log.

use core::fmt;

use crate::checkpoint::Checkpoint;
use crate::key::{KeyError, Kind, SigningKey, VerifierKey};
use crate::note::{Note, is_name};
use crate::tree::Hash;

/// The keys of all logs of a gateway.
#[derive(Clone)]
pub struct LogKeys {
    host: String,
    seeds: Vec<ed25519_dalek::SigningKey>,
}

impl LogKeys {
    /// Keys by their seeds, for logs whose names begin with a host, such as `gateway.example.com`.
    ///
    /// # Errors
    /// `Malformed` for a host that no name can begin with, or without any seed.
    pub fn new(host: &str, seeds: &[[u8; 32]]) -> Result<Self, KeyError> {
        if !is_name(host) || seeds.is_empty() {
            return Err(KeyError::Malformed);
        }
        let key = ed25519_dalek::SigningKey::from_bytes;
        Ok(Self {
            host: host.to_owned(),
            seeds: seeds.iter().map(key).collect(),
        })
    }

    /// The name of the log of an organization, by its id.
    pub fn origin(&self, organization: &str) -> String {
        format!("{}/audit/{organization}", self.host)
    }

    /// Signs a checkpoint of an organization's log.
    ///
    /// # Errors
    /// As [`SigningKey::new`].
    pub fn sign(&self, organization: &str, size: u64, root: Hash) -> Result<Note, KeyError> {
        let origin = self.origin(organization);
        let seed = self.seeds.first().ok_or(KeyError::Malformed)?.as_bytes();
        let key = SigningKey::new(&origin, Kind::Ed25519, seed)?;
        let checkpoint = Checkpoint { origin, size, root };
        checkpoint.sign(&key).ok_or(KeyError::Malformed)
    }

    /// The public keys of an organization's log, the one that signs first.
    ///
    /// # Errors
    /// As [`VerifierKey::new`].
    pub fn verifiers(&self, organization: &str) -> Result<Vec<VerifierKey>, KeyError> {
        let origin = self.origin(organization);
        let public = |key: &ed25519_dalek::SigningKey| {
            VerifierKey::new(&origin, Kind::Ed25519, key.verifying_key().as_bytes())
        };
        self.seeds.iter().map(public).collect()
    }
}

/// Without the keys.
impl fmt::Debug for LogKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKeys({}, {})", self.host, self.seeds.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seed;

    #[test]
    fn the_first_key_signs_and_all_verify_for_their_own_log_alone() {
        let old = LogKeys::new("gateway.example", &[seed(1)]).expect("keys");
        let new = LogKeys::new("gateway.example", &[seed(2), seed(1)]).expect("keys");
        let signed = [&old, &new].map(|keys| keys.sign("o", 3, [4; 32]).expect("a note"));
        let published = new.verifiers("o").expect("keys");
        assert_eq!(published.len(), 2);
        for note in &signed {
            let opened = Checkpoint::open(note, &published).expect("a checkpoint");
            assert_eq!(opened.origin, "gateway.example/audit/o");
        }
        let others = new.verifiers("p").expect("keys");
        assert!(Checkpoint::open(&signed[0], &others).is_err());
        let before = old.verifiers("o").expect("keys");
        assert!(Checkpoint::open(&signed[1], &before).is_err());
        for (host, seeds) in [("", vec![seed(1)]), ("a b", vec![seed(1)]), ("a", vec![])] {
            assert!(LogKeys::new(host, &seeds).is_err(), "{host:?}");
        }
        assert_eq!(format!("{new:?}"), "LogKeys(gateway.example, 2)");
    }
}
