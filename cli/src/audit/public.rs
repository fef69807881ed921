//! Public keys on the command line, and notes as they come in files or answers: which checkpoint is
//! believed, who has signed it, and which witnesses have cosigned it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use postern_transparency::checkpoint::{Checkpoint, CheckpointError, cosigned};
use postern_transparency::key::{Kind as KeyKind, VerifierKey};
use postern_transparency::note::{Note, NoteError, Verified};

use crate::fail::{Failure, Kind, Outcome};
use crate::text::{plain, utc};

/// Longest file with keys or a note, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// The flags that name public keys.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct KeyFlags {
    /// Public key of the log, as `/.well-known/postern-audit-keys` lists it, or @FILE with one key on
    /// each line; can be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,

    /// Public key of a witness that must have cosigned, or @FILE; can be repeated
    #[arg(long = "witness", value_name = "KEY", requires = "keys")]
    witnesses: Vec<String>,
}

impl KeyFlags {
    /// The keys; `None` where the flags name none.
    ///
    /// # Errors
    /// `Usage` for what is no key of its kind, `Configuration` for a file that cannot be read.
    pub fn read(&self) -> Outcome<Option<Keys>> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        Ok(Some(Keys {
            logs: keys("--key", &self.keys, KeyKind::Ed25519)?,
            witnesses: keys("--witness", &self.witnesses, KeyKind::Cosignature)?,
        }))
    }
}

/// The keys that are believed.
#[derive(Debug, Clone)]
pub struct Keys {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
}

/// A checkpoint that a key of its log has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Which of the log's keys have signed it.
    pub signed: Vec<Verified>,
    /// Which of the witnesses have cosigned it.
    pub cosigned: Vec<Verified>,
}

impl Keys {
    /// The same without witnesses.
    #[must_use]
    pub fn of_logs(&self) -> Self {
        Self {
            logs: self.logs.clone(),
            witnesses: Vec::new(),
        }
    }

    /// The witnesses' names, each with its id.
    pub fn witnesses(&self) -> impl Iterator<Item = (&str, [u8; 4])> {
        self.witnesses.iter().map(|key| (key.name(), key.id()))
    }

    /// What a note says, if it is a checkpoint that a key of its log has signed. A bad signature of any
    /// key that is known here makes the whole note worthless.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(&self, note: &Note) -> Result<Opened, CheckpointError> {
        let checkpoint = Checkpoint::open(note, &self.logs)?;
        let mut signed = note.verify(&self.logs)?;
        signed.retain(|signed| signed.name == checkpoint.origin);
        Ok(Opened {
            cosigned: cosigned(note, &self.witnesses)?,
            signed,
            checkpoint,
        })
    }

    /// The same of a note as it came, for commands about one checkpoint: every witness must have
    /// cosigned it.
    ///
    /// # Errors
    /// `Other` for a note that is not believed.
    pub fn open_all(&self, what: &str, note: &str) -> Outcome<Opened> {
        let opened = Note::parse(note)
            .map_err(CheckpointError::from)
            .and_then(|note| self.open(&note));
        let opened = opened.map_err(|error| {
            let failure = Failure::new(Kind::Other, format!("{what} is not believed: {error}"));
            match error {
                CheckpointError::Note(NoteError::Unsigned) => failure.hint(
                    "are the keys those of this log? A key's name is the checkpoint's first line",
                ),
                _ => failure,
            }
        })?;
        let has = |name: &str, id| {
            let mut all = opened.cosigned.iter();
            all.any(|signed| signed.name == name && signed.id == id)
        };
        match self.witnesses().find(|(name, id)| !has(name, *id)) {
            Some((name, _)) => {
                let why = format!("{what} is not believed: {name} has not cosigned it");
                Err(Failure::new(Kind::Other, why).hint(
                    "witnesses are asked once a checkpoint is made: get it again a little later, without --fresh",
                ))
            }
            None => Ok(opened),
        }
    }
}

impl Opened {
    /// Who has signed it, in words.
    pub fn signers(&self) -> String {
        let mut told = "signed by ".to_owned();
        for (place, signed) in self.signed.iter().chain(&self.cosigned).enumerate() {
            let [a, b, c, d] = signed.id;
            let lead = match (place, signed.at) {
                (0, _) => "",
                (_, None) => " and ",
                (_, Some(_)) => "; cosigned by ",
            };
            let name = plain(&signed.name);
            // Nothing fails that is written to a text.
            let _ = write!(told, "{lead}{name}+{a:02x}{b:02x}{c:02x}{d:02x}");
            if let Some(at) = signed.at {
                let _ = write!(told, " at {}", moment(at));
            }
        }
        told
    }
}

/// A moment in seconds since 1970.
fn moment(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok();
    let at = at.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    at.map_or_else(|| format!("second {seconds}"), utc)
}

/// A text as it was written, whatever an editor or a mail made of it: without a byte order mark, and
/// with LF for CRLF. No key, note or proof has either of them.
pub fn plainly(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n")
}

/// Reads a small text file, [plainly].
///
/// # Errors
/// `Configuration` for what cannot be read, is too large or no text.
pub fn text_of(file: &Path) -> Outcome<String> {
    let wrong = |why: String| {
        let message = format!("{} cannot be read: {why}", file.display());
        Failure::new(Kind::Configuration, message)
    };
    let mut text = String::new();
    let opened = File::open(file).map_err(|error| wrong(error.to_string()))?;
    let read = opened.take(MAX_FILE + 1).read_to_string(&mut text);
    match read.map_err(|error| wrong(error.to_string()))? as u64 > MAX_FILE {
        true => Err(wrong(format!("it has more than {MAX_FILE} bytes"))),
        false => Ok(plainly(&text)),
    }
}

/// The keys of a flag: each a key itself, or a file of them.
///
/// # Errors
/// As [`KeyFlags::read`].
pub fn keys(flag: &str, given: &[String], kind: KeyKind) -> Outcome<Vec<VerifierKey>> {
    let mut keys = Vec::new();
    for text in given {
        let (from, lines) = match text.strip_prefix('@') {
            Some(file) => (file, text_of(Path::new(file))?),
            None => (flag, text.clone()),
        };
        let before = keys.len();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            keys.push(key(flag, from, line, kind)?);
        }
        if keys.len() == before {
            return Err(Failure::new(Kind::Usage, format!("{from} has no key")));
        }
    }
    Ok(keys)
}

fn key(flag: &str, from: &str, text: &str, kind: KeyKind) -> Outcome<VerifierKey> {
    let wrong = |why: &str| {
        let message = format!("{from}: `{text}` cannot be used: {why}");
        Failure::new(Kind::Usage, message)
    };
    let key = VerifierKey::parse(text).map_err(|error| wrong(&error.to_string()))?;
    match (key.kind() == kind, kind) {
        (true, _) => Ok(key),
        // Not every command with keys of logs has a flag for witnesses.
        (false, KeyKind::Ed25519) if flag == "--key" => {
            Err(wrong("it is the key of a witness: see --witness"))
        }
        (false, KeyKind::Ed25519) => Err(wrong("it is the key of a witness, not of a log")),
        (false, KeyKind::Cosignature) => Err(wrong("it is the key of a log, not of a witness")),
    }
}
