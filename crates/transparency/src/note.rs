//! Signed notes (C2SP `signed-note`): a text, an empty line, and a line for each signature. What a note
//! says counts only once a signature of a known key has been verified.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{Kind, VerifierKey};

/// Most signatures of a note; a note with more is refused.
pub const MAX_SIGNATURES: usize = 64;
/// Longest note, in bytes.
pub const MAX_NOTE: usize = 64 * 1024;

/// What a signature line begins with.
const DASH: &str = "— ";

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// The key's id, the first bytes of a hash of what it is.
    pub id: [u8; 4],
    /// What the key made, in the form of its kind.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Reads one line, without its end.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = decoded.split_first_chunk()?;
        let is_whole = is_name(name) && !bytes.is_empty();
        is_whole.then(|| Self {
            name: name.to_owned(),
            id: *id,
            bytes: bytes.to_vec(),
        })
    }
}

/// The line, without its end.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = STANDARD.encode([&self.id[..], &self.bytes].concat());
        write!(f, "{DASH}{} {encoded}", self.name)
    }
}

/// A note as it was read. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// Why a text is no note, or a note is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteError {
    /// It has not the form of a note.
    Malformed,
    /// It is longer than [`MAX_NOTE`], or has more than [`MAX_SIGNATURES`].
    TooLarge,
    /// No known key has signed it.
    Unsigned,
    /// A signature by the name and the id of a known key does not hold.
    BadSignature,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no signed note",
            Self::TooLarge => "it is too large for a signed note",
            Self::Unsigned => "no known key has signed it",
            Self::BadSignature => "a signature of a known key does not hold",
        })
    }
}

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The name of the key.
    pub name: String,
    /// Its id.
    pub id: [u8; 4],
    /// When a witness has signed, in seconds since 1970; `None` for other keys.
    pub at: Option<u64>,
}

/// Whether a text can be the name of a key: not empty, without spaces and plus signs.
pub fn is_name(text: &str) -> bool {
    let is_ok = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    !text.is_empty() && text.chars().all(is_ok)
}

/// Whether a text can be that of a note.
fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n')
}

impl Note {
    /// A note without signatures; `None` for a text that no note can have.
    pub fn unsigned(text: String) -> Option<Self> {
        is_text(&text).then_some(Self {
            text,
            signatures: Vec::new(),
        })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// `Malformed`, `TooLarge`.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::TooLarge);
        }
        let (head, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let text = format!("{head}\n");
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        if !is_text(&text) {
            return Err(NoteError::Malformed);
        }
        let lines: Vec<&str> = lines.split('\n').collect();
        if lines.len() > MAX_SIGNATURES {
            return Err(NoteError::TooLarge);
        }
        let signatures = lines.into_iter().map(Signature::parse);
        let signatures = signatures.collect::<Option<_>>();
        Ok(Self {
            text,
            signatures: signatures.ok_or(NoteError::Malformed)?,
        })
    }

    /// What was signed, with its last end of line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, unless there is one of the same key: that one is replaced.
    pub fn add(&mut self, signature: Signature) {
        let same =
            |other: &&mut Signature| other.name == signature.name && other.id == signature.id;
        match self.signatures.iter_mut().find(same) {
            Some(other) => *other = signature,
            None => self.signatures.push(signature),
        }
    }

    /// Verifies every signature of these keys, and tells which ones hold, each key once. Signatures of other
    /// keys are passed over.
    ///
    /// # Errors
    /// `BadSignature` where one of a known key does not hold; `Unsigned` where there is none.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, NoteError> {
        let mut verified: Vec<Verified> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = keys.iter().find(|key| key.made(signature)) else {
                continue;
            };
            let at = key
                .verify(&self.text, &signature.bytes)
                .ok_or(NoteError::BadSignature)?;
            let signed = Verified {
                name: key.name().to_owned(),
                id: key.id(),
                at: (key.kind() == Kind::Cosignature).then_some(at),
            };
            let is_known = |other: &Verified| other.name == signed.name && other.id == signed.id;
            if !verified.iter().any(is_known) {
                verified.push(signed);
            }
        }
        match verified.is_empty() {
            true => Err(NoteError::Unsigned),
            false => Ok(verified),
        }
    }
}

/// The note as it is stored and sent.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;
    use crate::testing::seed;

    /// From the tests of Go's `golang.org/x/mod/sumdb/note`.
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n";
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETERS: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
    const ENOCHS: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

    fn key(text: &str) -> VerifierKey {
        VerifierKey::parse(text).expect("a verifier key")
    }

    fn names(note: &str, keys: &[VerifierKey]) -> Result<Vec<String>, NoteError> {
        let verified = Note::parse(note)?.verify(keys)?;
        Ok(verified.into_iter().map(|signed| signed.name).collect())
    }

    #[test]
    fn notes_of_gos_own_tests_verify() {
        let both = format!("{TEXT}\n{PETERS}{ENOCHS}");
        let [peter, enoch] = [key(PETER), key(ENOCH)];
        assert_eq!(
            names(&both, &[enoch.clone(), peter.clone()]),
            Ok(vec!["PeterNeumann".to_owned(), "EnochRoot".to_owned()])
        );
        assert_eq!(
            names(&both, core::slice::from_ref(&enoch)),
            Ok(vec!["EnochRoot".to_owned()])
        );
        assert_eq!(Note::parse(&both).expect("a note").to_string(), both);
        let twice = format!("{TEXT}\n{PETERS}{PETERS}");
        assert_eq!(
            names(&twice, core::slice::from_ref(&peter)).map(|all| all.len()),
            Ok(1)
        );
        let alone = format!("{TEXT}\n{PETERS}");
        assert_eq!(names(&alone, &[enoch]), Err(NoteError::Unsigned));
        let other = both.replacen("If", "if", 1);
        assert_eq!(names(&other, &[peter]), Err(NoteError::BadSignature));
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let many = PETERS.repeat(MAX_SIGNATURES + 1);
        let rows = [
            (String::new(), NoteError::Malformed),
            (TEXT.to_owned(), NoteError::Malformed),
            (format!("{TEXT}\n"), NoteError::Malformed),
            (format!("{TEXT}{PETERS}"), NoteError::Malformed),
            (
                format!("{TEXT}\n{}", PETERS.trim_end()),
                NoteError::Malformed,
            ),
            (format!("{TEXT}\n{PETERS}x"), NoteError::Malformed),
            (
                format!("{TEXT}\n{}", PETERS.replace('—', "-")),
                NoteError::Malformed,
            ),
            (format!("{TEXT}\n— a+b AAAAAAA=\n"), NoteError::Malformed),
            (format!("{TEXT}\n— a AAAAAA==\n"), NoteError::Malformed),
            (format!("{TEXT}\n— a AAAAAAB=\n"), NoteError::Malformed),
            (format!("a\tb\n\n{PETERS}"), NoteError::Malformed),
            (format!("a\r\n\n{PETERS}"), NoteError::Malformed),
            (format!("{TEXT}\n{many}"), NoteError::TooLarge),
            (
                format!("{}\n\n{PETERS}", "a".repeat(MAX_NOTE)),
                NoteError::TooLarge,
            ),
        ];
        for (place, (note, expected)) in rows.into_iter().enumerate() {
            assert_eq!(Note::parse(&note), Err(expected), "row {place}");
        }
        // The text may have empty lines: the last one ends it.
        let parted = Note::parse(&format!("a\n\nb\n\n{PETERS}")).expect("a note");
        assert_eq!(parted.text(), "a\n\nb\n");
    }

    #[test]
    fn a_second_signature_of_a_key_takes_the_place_of_the_first() {
        let signer = SigningKey::new("witness.example/w", Kind::Cosignature, &seed(1));
        let signer = signer.expect("a name");
        let mut note = Note::unsigned(TEXT.to_owned()).expect("a text");
        for at in [10, 20] {
            note.add(signer.sign_at(TEXT, at));
        }
        let verified = note.verify(&[signer.verifier()]).expect("verifies");
        assert_eq!((note.signatures().len(), verified[0].at), (1, Some(20)));
        assert_eq!(Note::unsigned("no end of line".to_owned()), None);
    }
}
