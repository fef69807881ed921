//! What a witness must not lose: its key, and the newest checkpoint of each log that it has cosigned. A
//! file is written whole beside the one that it replaces, and is on the disk before anything is answered.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_domain::audit::hex;
use postern_transparency::checkpoint::{Checkpoint, cosigned};
use postern_transparency::key::{Kind as KeyKind, SigningKey};
use postern_transparency::note::{Note, is_name};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::fail::{Failure, Kind, Outcome};
use crate::files::is_open_to_others;

const KEY: &str = "key";
const LOCK: &str = "lock";
/// What the text of a secret key begins with, as `golang.org/x/mod/sumdb/note` writes it.
const SECRET: &str = "PRIVATE+KEY+";

/// The folder, held by this process alone.
pub struct State {
    folder: PathBuf,
    key: SigningKey,
    _lock: File,
}

impl State {
    /// Opens a folder, or makes one with a new key of this name.
    ///
    /// # Errors
    /// `Configuration` for a folder that cannot be used or that another witness has; `Usage` for a name
    /// that is missing, is none, or is another one than the key's.
    pub fn open(folder: &Path, name: Option<&str>) -> Outcome<Self> {
        let cannot = |why: &dyn std::fmt::Display| {
            let message = format!("the folder {} cannot be used: {why}", folder.display());
            Failure::new(Kind::Configuration, message)
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder).map_err(|error| cannot(&error))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(folder.join(LOCK))
            .map_err(|error| cannot(&error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(cannot(&"another witness uses it")),
            Err(TryLockError::Error(error)) => return Err(cannot(&error)),
        }
        let about_key = || fs::metadata(folder.join(KEY)).map_err(|error| cannot(&error));
        let key = match fs::read_to_string(folder.join(KEY)).map(Zeroizing::new) {
            Ok(_) if is_open_to_others(&about_key()?) => {
                let file = folder.join(KEY);
                let file = file.display();
                let why = "others can read or change its file `key`";
                return Err(cannot(&why).hint(format!("make it yours alone: chmod 600 {file}")));
            }
            Ok(text) => read_key(&text).ok_or_else(|| cannot(&"its file `key` has no key"))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let name = name.ok_or_else(|| {
                    Failure::new(
                        Kind::Usage,
                        "the witness has no key yet, and no name for one",
                    )
                    .hint("name it, once: --name witness.example/audit")
                })?;
                new_key(folder, name)?
            }
            Err(error) => return Err(cannot(&error)),
        };
        let own = key.verifier();
        if name.is_some_and(|name| name != own.name()) {
            let message = format!("the key in this folder is called {}", own.name());
            return Err(Failure::new(Kind::Usage, message).hint("leave --name out"));
        }
        Ok(Self {
            folder: folder.to_owned(),
            key,
            _lock: lock,
        })
    }

    /// The witness's key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The newest checkpoint of a log that was cosigned; `None` = none yet.
    ///
    /// # Errors
    /// Where it cannot be read, or is not one that this witness has cosigned: then nothing is known.
    pub fn newest(&self, origin: &str) -> io::Result<Option<(Checkpoint, Note)>> {
        let text = match fs::read_to_string(self.file(&name_of(origin))) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let odd = || io::Error::new(ErrorKind::InvalidData, "this witness has not written it");
        let note = Note::parse(&text).map_err(|_| odd())?;
        let own = [self.key.verifier()];
        let is_own = cosigned(&note, &own).is_ok_and(|found| !found.is_empty());
        let checkpoint = Checkpoint::parse(note.text());
        let checkpoint = checkpoint.filter(|checkpoint| is_own && checkpoint.origin == origin);
        Ok(Some((checkpoint.ok_or_else(odd)?, note)))
    }

    /// Fails if what was cosigned of any of these logs cannot be read: the witness could answer nothing
    /// about it.
    ///
    /// # Errors
    /// `Configuration`.
    pub fn check<'o>(&self, origins: impl Iterator<Item = &'o str>) -> Outcome {
        for origin in origins {
            if let Err(error) = self.newest(origin) {
                let file = self.file(&name_of(origin));
                let message = format!(
                    "the newest checkpoint of {origin} that was cosigned cannot be read: {}: {error}",
                    file.display()
                );
                return Err(Failure::new(Kind::Configuration, message).hint(
                    "put the file back from a copy; without it the witness has forgotten what it saw",
                ));
            }
        }
        Ok(())
    }

    /// The checkpoint of a log by the hash of its origin, as it is given out.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn published(&self, hash: &str) -> io::Result<Option<String>> {
        let is_hash =
            hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match is_hash.then(|| fs::read_to_string(self.file(hash))) {
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(None),
        }
    }

    /// Keeps the newest checkpoint of a log. When it returns, it is on the disk.
    ///
    /// # Errors
    /// Where it is not: then nothing may be answered.
    pub fn keep(&self, origin: &str, note: &Note) -> io::Result<()> {
        self.write(&self.file(&name_of(origin)), &note.to_string())
    }

    /// Keeps a checkpoint that the log has signed although it has signed another one of this size: with
    /// the newest, it proves a fork.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn keep_fork(&self, origin: &str, note: &Note) -> io::Result<()> {
        let file = self.folder.join(format!("{}.fork", name_of(origin)));
        self.write(&file, &note.to_string())
    }

    fn file(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}.checkpoint"))
    }

    fn write(&self, file: &Path, text: &str) -> io::Result<()> {
        write(&self.folder, file, text.as_bytes())
    }
}

/// How a log's files are called: by the hash of its origin.
fn name_of(origin: &str) -> String {
    hex(&Sha256::digest(origin.as_bytes()))
}

/// Writes a file whole, and waits for the disk.
fn write(folder: &Path, file: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = file.with_extension("partial");
    let mut written = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&partial, file)?;
    File::open(folder)?.sync_all()
}

fn read_key(text: &str) -> Option<SigningKey> {
    let mut parts = text.trim_end().strip_prefix(SECRET)?.splitn(3, '+');
    let (name, id, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let decoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (4, seed) = decoded.split_first()? else {
        return None;
    };
    let key = SigningKey::new(name, KeyKind::Cosignature, seed.try_into().ok()?).ok()?;
    (hex(&key.verifier().id()) == id).then_some(key)
}

fn new_key(folder: &Path, name: &str) -> Outcome<SigningKey> {
    let refused = |why: &dyn std::fmt::Display| {
        let message = format!("no key can be made for `{name}`: {why}");
        Failure::new(Kind::Configuration, message)
    };
    if !is_name(name) {
        let message =
            format!("`{name}` cannot name a key: it is empty, or has a space or a plus sign");
        return Err(Failure::new(Kind::Usage, message));
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|error| refused(&error))?;
    let key =
        SigningKey::new(name, KeyKind::Cosignature, &seed).map_err(|error| refused(&error))?;
    let encoded = Zeroizing::new(STANDARD.encode([&[4], seed.as_slice()].concat()));
    let id = hex(&key.verifier().id());
    let text = Zeroizing::new(format!("{SECRET}{name}+{id}+{}\n", encoded.as_str()));
    write(folder, &folder.join(KEY), text.as_bytes()).map_err(|error| refused(&error))?;
    Ok(key)
}
