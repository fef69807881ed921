//! Witnesses (C2SP `tlog-witness`): the request `add-checkpoint`, what a witness answers to it, and what a
//! log makes of the answer. A witness keeps, for each log, the newest checkpoint that it has cosigned; it
//! cosigns another one only where that is a continuation.

use core::fmt;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::key::{SigningKey, VerifierKey};
use crate::note::{MAX_NOTE, Note, Signature};
use crate::proof::{MAX_HASHES, verify_consistency};
use crate::tree::{Hash, empty_root};
use crate::{parse_hash, parse_number, print_hash};

/// The media type of a size, in the answer 409.
pub const SIZE_TYPE: &str = "text/x.tlog.size";
/// Longest request, in bytes.
pub const MAX_REQUEST: usize = MAX_NOTE + 64 * MAX_HASHES;

/// The request: a checkpoint, and the proof that it continues the one of the size `old`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the checkpoint that the witness has cosigned last; 0 = none.
    pub old: u64,
    /// The consistency proof.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: Note,
}

impl AddCheckpoint {
    /// Reads the body of a request.
    pub fn parse(body: &str) -> Option<Self> {
        if body.len() > MAX_REQUEST {
            return None;
        }
        let (head, checkpoint) = body.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = parse_number(lines.next()?.strip_prefix("old ")?)?;
        let proof: Vec<Hash> = lines.map(parse_hash).collect::<Option<_>>()?;
        let is_short = proof.len() <= MAX_HASHES;
        is_short.then_some(Self {
            old,
            proof,
            checkpoint: Note::parse(checkpoint).ok()?,
        })
    }
}

/// The body of the request.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", print_hash(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// The newest checkpoint of a log that a witness has cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latest {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// What a witness knows of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLog {
    /// The log's keys; their name is its origin.
    pub keys: Vec<VerifierKey>,
    /// The newest checkpoint that was cosigned; `None` = none yet.
    pub latest: Option<Latest>,
}

/// What a witness makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is none, or its sizes are in the wrong order.
    BadRequest,
    /// The witness does not know the log.
    UnknownLog,
    /// No key of the log has signed the checkpoint.
    Untrusted,
    /// The proof begins at another size than this one, of the newest that was cosigned.
    Conflict {
        /// That size.
        size: u64,
    },
    /// The log has signed two roots of this size. It is no [`Conflict`](Self::Conflict): a log would take the
    /// size for the place to go on.
    Forked {
        /// That size.
        size: u64,
    },
    /// The proof does not hold: the log may have been written anew.
    Inconsistent,
    /// It continues what was cosigned. Once `latest` is stored for good, the answer is the cosignature.
    Cosign(Cosigning),
}

/// A checkpoint that is to be cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigning {
    /// Which log it is.
    pub origin: String,
    /// What is to be stored before anything is answered.
    pub latest: Latest,
    text: String,
}

impl Cosigning {
    /// Cosigns it, at a moment in seconds since 1970: the body of the answer.
    pub fn sign(&self, key: &SigningKey, at: u64) -> String {
        format!("{}\n", key.sign_at(&self.text, at))
    }
}

impl Verdict {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::UnknownLog => 404,
            Self::Untrusted => 403,
            Self::Conflict { .. } => 409,
            Self::Forked { .. } | Self::Inconsistent => 422,
            Self::Cosign(_) => 200,
        }
    }
}

/// Judges the body of a request `add-checkpoint`. `log` finds a log by its origin.
pub fn judge(body: &str, log: impl FnOnce(&str) -> Option<WatchedLog>) -> Verdict {
    let Some(request) = AddCheckpoint::parse(body) else {
        return Verdict::BadRequest;
    };
    let Some(claimed) = Checkpoint::parse(request.checkpoint.text()) else {
        return Verdict::BadRequest;
    };
    let Some(log) = log(&claimed.origin) else {
        return Verdict::UnknownLog;
    };
    let checkpoint = match Checkpoint::open(&request.checkpoint, &log.keys) {
        Ok(checkpoint) => checkpoint,
        Err(CheckpointError::Malformed) => return Verdict::BadRequest,
        Err(_) => return Verdict::Untrusted,
    };
    if request.old > checkpoint.size {
        return Verdict::BadRequest;
    }
    let latest = log.latest.unwrap_or(Latest {
        size: 0,
        root: empty_root(),
    });
    if request.old != latest.size {
        return Verdict::Conflict { size: latest.size };
    }
    let (old, new) = (
        (latest.size, &latest.root),
        (checkpoint.size, &checkpoint.root),
    );
    if latest.size == checkpoint.size && latest.root != checkpoint.root {
        return Verdict::Forked { size: latest.size };
    }
    match verify_consistency(old, new, &request.proof) {
        Err(_) => Verdict::Inconsistent,
        Ok(()) => Verdict::Cosign(Cosigning {
            origin: checkpoint.origin,
            latest: Latest {
                size: checkpoint.size,
                root: checkpoint.root,
            },
            text: request.checkpoint.text().to_owned(),
        }),
    }
}

/// What a witness has answered, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has cosigned.
    Cosigned(Signature),
    /// It has cosigned another size last: the proof has to begin there.
    At(u64),
    /// It has not, by this status.
    Refused(u16),
    /// It says that it has, but its signature does not hold, or it says no size.
    Unusable,
}

/// Reads the answer to a checkpoint that was shown to the witness of this key.
pub fn read_answer(status: u16, body: &str, checkpoint: &Note, witness: &VerifierKey) -> Answer {
    match status {
        200 => {
            let mut lines = body.lines().filter_map(Signature::parse);
            let signed = lines.find(|signature| witness.made(signature));
            let holds = |made: &Signature| witness.verify(checkpoint.text(), &made.bytes).is_some();
            signed
                .filter(holds)
                .map_or(Answer::Unusable, Answer::Cosigned)
        }
        409 => match body.strip_suffix('\n').and_then(parse_number) {
            Some(size) => Answer::At(size),
            None => Answer::Unusable,
        },
        other => Answer::Refused(other),
    }
}

#[cfg(test)]
mod tests;
