//! Proofs that stand alone (C2SP `tlog-proof`): the place of an entry, the way to the root, and the
//! checkpoint that has the root, with its signatures.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError, cosigned};
use crate::key::VerifierKey;
use crate::note::{Note, NoteError, Verified};
use crate::proof::{MAX_HASHES, verify_inclusion};
use crate::tree::{Hash, leaf};
use crate::{parse_hash, parse_number, print_hash};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof of inclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's number, from 0.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub hashes: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: Note,
    /// What the maker has added; here the entry itself. Nothing vouches for it but [`InclusionProof::verify`].
    pub extra: Option<Vec<u8>>,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InclusionError {
    /// Its text has not the form of a proof.
    Malformed,
    /// Its checkpoint does not count.
    Checkpoint(CheckpointError),
    /// The entry is not in the tree of the checkpoint at this place.
    NotIncluded,
}

impl From<CheckpointError> for InclusionError {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

impl fmt::Display for InclusionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("it is no inclusion proof"),
            Self::Checkpoint(error) => write!(f, "its checkpoint does not count: {error}"),
            Self::NotIncluded => f.write_str("the entry is not in the tree of the checkpoint"),
        }
    }
}

/// What a proof has proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// The checkpoint whose tree has the entry.
    pub checkpoint: Checkpoint,
    /// The witnesses that have cosigned it.
    pub cosigned: Vec<Verified>,
}

impl InclusionProof {
    /// Reads the text of a proof.
    ///
    /// # Errors
    /// `Malformed`, `Checkpoint`.
    pub fn parse(text: &str) -> Result<Self, InclusionError> {
        const MALFORMED: InclusionError = InclusionError::Malformed;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(MALFORMED)?;
        let mut lines = head.split('\n');
        lines
            .next()
            .filter(|line| *line == HEADER)
            .ok_or(MALFORMED)?;
        let mut line = lines.next().ok_or(MALFORMED)?;
        let mut extra = None;
        if let Some(encoded) = line.strip_prefix("extra ") {
            extra = Some(STANDARD.decode(encoded).map_err(|_| MALFORMED)?);
            line = lines.next().ok_or(MALFORMED)?;
        }
        let index = line.strip_prefix("index ").and_then(parse_number);
        let hashes: Option<Vec<Hash>> = lines.map(parse_hash).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MAX_HASHES);
        Ok(Self {
            index: index.ok_or(MALFORMED)?,
            hashes: hashes.ok_or(MALFORMED)?,
            checkpoint: Note::parse(checkpoint).map_err(CheckpointError::from)?,
            extra,
        })
    }

    /// Verifies that this entry is in the log of one of these keys, and tells which of the witnesses vouch
    /// for the checkpoint.
    ///
    /// # Errors
    /// See [`InclusionError`].
    pub fn verify(
        &self,
        entry: &[u8],
        log: &[VerifierKey],
        witnesses: &[VerifierKey],
    ) -> Result<Included, InclusionError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, log)?;
        let signed = cosigned(&self.checkpoint, witnesses);
        let signed = signed.map_err(|error: NoteError| CheckpointError::Note(error))?;
        let tree = (checkpoint.size, &checkpoint.root);
        verify_inclusion(&leaf(entry), self.index, tree, &self.hashes)
            .map_err(|_| InclusionError::NotIncluded)?;
        Ok(Included {
            checkpoint,
            cosigned: signed,
        })
    }
}

/// The text of the proof.
impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", print_hash(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Kind, SigningKey};
    use crate::proof;
    use crate::testing::{Memory, contents, seed};

    fn proven(size: u64, index: u64) -> (InclusionProof, [SigningKey; 2]) {
        let [log, witness] = [("example.com/log", Kind::Ed25519), ("w", Kind::Cosignature)]
            .map(|(name, kind)| SigningKey::new(name, kind, &seed(1)).expect("a name"));
        let memory = Memory::of(contents(size));
        let checkpoint = Checkpoint {
            origin: "example.com/log".to_owned(),
            size,
            root: memory.edge.frontier().root(),
        };
        let mut note = checkpoint.sign(&log).expect("a note");
        note.add(witness.sign_at(&checkpoint.text(), 77));
        let hashes = proof::inclusion(&memory, index, size).expect("a proof");
        let entry = contents(index + 1).last();
        let proof = InclusionProof {
            index,
            hashes,
            checkpoint: note,
            extra: entry,
        };
        (proof, [log, witness])
    }

    #[test]
    fn a_proof_is_read_as_it_is_written_and_holds_for_its_entry() {
        for (size, index) in [(1, 0), (2, 1), (1_000, 773)] {
            let (proof, [log, witness]) = proven(size, index);
            let text = proof.to_string();
            assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
            let read = InclusionProof::parse(&text).expect("a proof");
            assert_eq!(read, proof);
            let keys = ([log.verifier()], [witness.verifier()]);
            let entry = read.extra.clone().expect("the entry");
            let included = read.verify(&entry, &keys.0, &keys.1).expect("holds");
            assert_eq!(included.checkpoint.size, size);
            assert_eq!(included.cosigned[0].at, Some(77));
            let other = read.verify(b"another", &keys.0, &keys.1);
            assert_eq!(other, Err(InclusionError::NotIncluded));
            let strangers = read.verify(&entry, &keys.1, &keys.1);
            let unsigned = CheckpointError::Note(NoteError::Unsigned);
            assert_eq!(strangers, Err(InclusionError::Checkpoint(unsigned)));
        }
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let (proof, _) = proven(5, 2);
        let text = proof.to_string();
        for (from, to) in [
            ("@v1", "@v2"),
            ("index 2", "index 02"),
            ("index 2", "index -2"),
            ("index 2", "Index 2"),
            ("extra ", "extra !"),
            ("index 2\n", "index 2\nAAAA\n"),
            ("\n\n", "\n"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert!(
                InclusionProof::parse(&changed).is_err(),
                "{from:?} to {to:?}"
            );
        }
        let many = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(MAX_HASHES + 1);
        let long = text.replacen("index 2\n", &format!("index 2\n{many}"), 1);
        assert_eq!(InclusionProof::parse(&long), Err(InclusionError::Malformed));
    }
}
