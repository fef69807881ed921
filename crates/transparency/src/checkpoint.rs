//! Checkpoints (C2SP `tlog-checkpoint`): a signed note that says which log had which root at which size.

use core::fmt;

use crate::key::{Kind, SigningKey, VerifierKey};
use crate::note::{Note, NoteError, Verified};
use crate::tree::Hash;
use crate::{parse_hash, parse_number, print_hash};

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is.
    pub origin: String,
    /// How many leaves its tree has.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

/// Why a note is no checkpoint that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointError {
    /// As a note.
    Note(NoteError),
    /// Its text says nothing of a tree.
    Malformed,
    /// It is signed by a key of another log than it says it is of.
    OtherOrigin,
}

impl From<NoteError> for CheckpointError {
    fn from(error: NoteError) -> Self {
        Self::Note(error)
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(error) => error.fmt(f),
            Self::Malformed => f.write_str("its text is no checkpoint"),
            Self::OtherOrigin => f.write_str("it is of another log than the key"),
        }
    }
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let root = print_hash(&self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// Reads the text of a note. Lines behind the third are passed over: they say nothing of the tree.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?;
        let size = lines.next().and_then(parse_number)?;
        let root = lines.next().and_then(parse_hash)?;
        if lines.any(str::is_empty) {
            return None;
        }
        Some(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }

    /// Signs it. The key's name is the log's origin.
    pub fn sign(&self, key: &SigningKey) -> Option<Note> {
        let text = self.text();
        let signature = key.sign_at(&text, 0);
        let mut note = Note::unsigned(text)?;
        note.add(signature);
        Some(note)
    }

    /// What a note says, if it is a checkpoint that one of these keys has signed for its own log.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(note: &Note, keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let is_log = |key: &&VerifierKey| key.kind() == Kind::Ed25519;
        let keys: Vec<VerifierKey> = keys.iter().filter(is_log).cloned().collect();
        let verified = note.verify(&keys)?;
        let checkpoint = Self::parse(note.text()).ok_or(CheckpointError::Malformed)?;
        let is_own = |signed: &Verified| signed.name == checkpoint.origin;
        match verified.iter().any(is_own) {
            true => Ok(checkpoint),
            false => Err(CheckpointError::OtherOrigin),
        }
    }
}

/// Which of these witnesses have cosigned the note, and when. A note that none has cosigned is no error.
///
/// # Errors
/// `BadSignature` where a signature by the name and the id of one does not hold.
pub fn cosigned(note: &Note, witnesses: &[VerifierKey]) -> Result<Vec<Verified>, NoteError> {
    let is_witness = |key: &&VerifierKey| key.kind() == Kind::Cosignature;
    let keys: Vec<VerifierKey> = witnesses.iter().filter(is_witness).cloned().collect();
    match note.verify(&keys) {
        Err(NoteError::Unsigned) => Ok(Vec::new()),
        verified => verified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{seed, unhex};

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn signer(name: &str, number: u8) -> SigningKey {
        SigningKey::new(name, Kind::Ed25519, &seed(number)).expect("a name")
    }

    #[test]
    fn the_example_of_the_specification_is_read_as_it_is_written() {
        let checkpoint = Checkpoint::parse(TEXT).expect("a checkpoint");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(
            checkpoint.root,
            unhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
        );
        assert_eq!(checkpoint.text(), TEXT);
        let extended = format!("{TEXT}more\n");
        assert_eq!(Checkpoint::parse(&extended), Some(checkpoint));
        for text in [
            "",
            "a\n1\n",
            "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n+1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx\n",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nb\n",
        ] {
            assert_eq!(Checkpoint::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_checkpoint_counts_only_under_a_key_of_its_own_log() {
        let checkpoint = Checkpoint::parse(TEXT).expect("a checkpoint");
        let own = signer(&checkpoint.origin, 1);
        let note = checkpoint.sign(&own).expect("a note");
        let note = Note::parse(&note.to_string()).expect("a note");
        assert_eq!(
            Checkpoint::open(&note, &[own.verifier()]),
            Ok(checkpoint.clone())
        );
        let other = signer("example.com/other", 1);
        let unsigned = CheckpointError::Note(NoteError::Unsigned);
        assert_eq!(Checkpoint::open(&note, &[other.verifier()]), Err(unsigned));
        let foreign = checkpoint.sign(&other).expect("a note");
        let opened = Checkpoint::open(&foreign, &[other.verifier(), own.verifier()]);
        assert_eq!(opened, Err(CheckpointError::OtherOrigin));
        // A witness vouches for no checkpoint that its log has not signed.
        let witness = SigningKey::new(&checkpoint.origin, Kind::Cosignature, &seed(3));
        let witness = witness.expect("a name");
        let mut alone = Note::unsigned(checkpoint.text()).expect("a text");
        alone.add(witness.sign_at(&checkpoint.text(), 5));
        assert_eq!(
            Checkpoint::open(&alone, &[witness.verifier()]),
            Err(unsigned)
        );
        assert_eq!(
            cosigned(&alone, &[witness.verifier()]).map(|all| all.len()),
            Ok(1)
        );
        assert_eq!(cosigned(&note, &[witness.verifier()]), Ok(Vec::new()));
    }
}
