//! The check of an exported audit log, without the gateway and without its stores (R35). It reports
//! what does not fit, where, and how far the log is proven; it repairs nothing.
//!
//! An export is lines of JSON. A row is `{"content","previous","link","kid"}`: the event as a text,
//! byte for byte what was linked; with `"mended"` it is the Ledger's copy, where D1 had none or
//! another. The last line is a signed checkpoint,
//! `{"checkpoint","kid","mac"}`; further ones, kept from earlier, may stand anywhere.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checkpoint::{SignatureError, Signed};
use super::mend::Mended;
use super::{GENESIS, link, unhex};
use crate::id::OrganizationId;
use crate::keys::KeyRing;
use crate::secret::equal;
use crate::time::Timestamp;

/// Most faults that a report lists; one changed key would otherwise fill it with every row.
pub const MAX_FAULTS: usize = 100;

/// A row of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The event's serialized form.
    pub content: String,
    /// The link before it, in lower case hex.
    pub previous: String,
    /// Its own.
    pub link: String,
    /// The name of the key of its link.
    pub kid: String,
    /// That it is the Ledger's copy, and why; absent for a row of D1. No link covers this: it tells
    /// of D1, not of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended: Option<Mended>,
}

/// What does not fit.
#[expect(missing_docs, reason = "what a variant says names its numbers")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Neither a row nor a checkpoint.
    Unreadable,
    /// Made under a key that the ring does not have.
    UnknownKey { kid: String },
    /// A row whose link is not that of its content and predecessor: one of the three was changed.
    Changed { sequence: u64 },
    /// A row of another organization than the first one's.
    Foreign { organization: OrganizationId },
    /// The first event does not begin at the genesis.
    Genesis,
    /// A genuine row that does not follow on the one that stands before it in the chain.
    Unlinked { sequence: u64 },
    /// A row that stands behind a later one.
    Misplaced { sequence: u64, after: u64 },
    /// A row that was there already.
    Repeated { sequence: u64 },
    /// A genuine row or checkpoint that D1 has under another number than its own.
    Renumbered { sequence: u64, stored: u64 },
    /// Rows that are not there, both ends included. Their line is that of the row behind the gap.
    Missing { from: u64, to: u64 },
    /// A checkpoint that no key of ours has signed.
    ForgedCheckpoint,
    /// A genuine checkpoint whose link is not that of its row: the chain was written anew.
    OtherHistory { sequence: u64 },
    /// A checkpoint knows of later rows than the last one here: the end is missing.
    Truncated { last: u64, checkpoint: u64 },
    /// No checkpoint reaches the last row, so that a missing end would not show.
    Open { last: u64 },
}

/// A problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1; the last line for what shows only at the end.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What a log was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Whose log; `None` for an empty one.
    pub organization: Option<OrganizationId>,
    /// Lines with the form of a row or a checkpoint, whatever is wrong with them. None at all: this
    /// was no log.
    pub recognized: usize,
    /// Rows whose link fits.
    pub rows: u64,
    /// Sequence and moment of the genuine checkpoint that reaches furthest.
    pub checkpoint: Option<(u64, Timestamp)>,
    /// In the order of the lines, at most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
    /// How many there are in all.
    pub faults_in_all: usize,
    /// Rows that are the Ledger's copy, by number: D1 had none there, or another one. They are as
    /// proven as any other; that D1 was written to is what they show.
    pub mended: Vec<(u64, Mended)>,
}

impl Report {
    /// Whether every row from the first to the checkpoint is there, in order and unchanged.
    pub fn is_clean(&self) -> bool {
        self.faults_in_all == 0
    }
}

/// Checks the lines of an export under the audit keys, [`RootKeys::audit`] as the gateway derives
/// it from `ROOT_KEYS`, or else from `TOKEN_KEYS`. Blank lines are passed over. Takes one pass, and
/// about 100 bytes of memory for each row.
///
/// [`RootKeys::audit`]: crate::keys::RootKeys
pub fn verify<L: AsRef<str>>(lines: impl IntoIterator<Item = L>, audit: &KeyRing) -> Report {
    let mut check = Check {
        audit,
        report: Report::default(),
        links: BTreeMap::new(),
        checkpoints: Vec::new(),
        line: 0,
    };
    for line in lines {
        check.line += 1;
        let line = line.as_ref().trim();
        if !line.is_empty() {
            check.one(line);
        }
    }
    check.end()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Row),
    Checkpoint(Signed),
}

/// What the check needs of an event; the rest is the link's business, so that rows of later
/// releases can be checked too.
#[derive(Deserialize)]
struct Place {
    organization_id: OrganizationId,
    sequence: u64,
}

/// A row's link and the line it stands in.
struct Seen {
    link: [u8; 32],
    line: usize,
}

/// A genuine checkpoint, until all rows are known.
struct Mark {
    sequence: u64,
    link: Option<[u8; 32]>,
    line: usize,
}

struct Check<'k> {
    audit: &'k KeyRing,
    report: Report,
    links: BTreeMap<u64, Seen>,
    checkpoints: Vec<Mark>,
    line: usize,
}

impl Check<'_> {
    fn one(&mut self, line: &str) {
        let Ok(line) = serde_json::from_str(line) else {
            return self.fault(self.line, Problem::Unreadable);
        };
        self.report.recognized += 1;
        match line {
            Line::Row(row) => self.row(&row),
            Line::Checkpoint(signed) => self.checkpoint(&signed),
        }
    }

    fn row(&mut self, row: &Row) {
        let line = self.line;
        let places = (
            serde_json::from_str::<Place>(&row.content),
            unhex(&row.previous),
            unhex(&row.link),
        );
        let (Ok(place), Some(previous), Some(claimed)) = places else {
            return self.fault(line, Problem::Unreadable);
        };
        let sequence = place.sequence;
        let Some(key) = self.audit.find(&row.kid) else {
            let kid = row.kid.clone();
            return self.fault(line, Problem::UnknownKey { kid });
        };
        if equal(&link(key, &previous, &row.content), &claimed) {
            self.report.rows += 1;
            let mended = row.mended.map(|mended| (sequence, mended));
            self.report.mended.extend(mended);
        } else {
            self.fault(line, Problem::Changed { sequence });
        }
        if !self.ours(place.organization_id) {
            return;
        }
        let before = sequence.checked_sub(1);
        let follows = match before {
            Some(0) => previous == GENESIS,
            // What follows on a gap cannot be held against anything; the gap is told at the end.
            Some(before) => self
                .links
                .get(&before)
                .is_none_or(|seen| seen.link == previous),
            None => false,
        };
        match self.links.last_key_value().map(|(last, _)| *last) {
            _ if self.links.contains_key(&sequence) => {
                return self.fault(line, Problem::Repeated { sequence });
            }
            Some(after) if after > sequence => {
                self.fault(line, Problem::Misplaced { sequence, after });
            }
            _ if follows => {}
            _ if sequence <= 1 => self.fault(line, Problem::Genesis),
            _ => self.fault(line, Problem::Unlinked { sequence }),
        }
        let link = claimed;
        self.links.insert(sequence, Seen { link, line });
    }

    fn checkpoint(&mut self, signed: &Signed) {
        let line = self.line;
        let checkpoint = match signed.open(self.audit) {
            Ok(checkpoint) => checkpoint,
            Err(SignatureError::UnknownKey) => {
                let kid = signed.kid.clone();
                return self.fault(line, Problem::UnknownKey { kid });
            }
            Err(SignatureError::Forged) => return self.fault(line, Problem::ForgedCheckpoint),
            Err(SignatureError::Malformed) => return self.fault(line, Problem::Unreadable),
        };
        if !self.ours(checkpoint.organization_id) {
            return;
        }
        let reach = (checkpoint.sequence, checkpoint.at);
        self.report.checkpoint = self.report.checkpoint.max(Some(reach));
        self.checkpoints.push(Mark {
            sequence: checkpoint.sequence,
            link: unhex(&checkpoint.link),
            line,
        });
    }

    /// Whether a line is about the organization of the first one.
    fn ours(&mut self, organization: OrganizationId) -> bool {
        let ours = *self.report.organization.get_or_insert(organization) == organization;
        if !ours {
            self.fault(self.line, Problem::Foreign { organization });
        }
        ours
    }

    /// What shows only when all rows are known: gaps, and checkpoints against their rows.
    fn end(mut self) -> Report {
        let mut due = 1;
        let mut found = Vec::new();
        for (sequence, seen) in &self.links {
            if *sequence > due {
                let (from, to) = (due, *sequence - 1);
                found.push((seen.line, Problem::Missing { from, to }));
            }
            due = sequence.saturating_add(1);
        }
        let last = due - 1;
        for mark in &self.checkpoints {
            let sequence = mark.sequence;
            match self.links.get(&sequence) {
                Some(seen) if mark.link == Some(seen.link) => {}
                None if sequence == 0 && mark.link == Some(GENESIS) => {}
                None if sequence > last => {
                    let checkpoint = sequence;
                    found.push((mark.line, Problem::Truncated { last, checkpoint }));
                }
                // One of the rows that are told as missing.
                None if sequence > 0 => {}
                _ => found.push((mark.line, Problem::OtherHistory { sequence })),
            }
        }
        let reach = self.report.checkpoint.map(|(sequence, _)| sequence);
        if reach.is_none_or(|sequence| sequence < last) {
            found.push((self.line, Problem::Open { last }));
        }
        for (line, problem) in found {
            self.fault(line, problem);
        }
        self.report.faults.sort_by_key(|fault| fault.line);
        self.report
    }

    fn fault(&mut self, line: usize, problem: Problem) {
        self.report.faults_in_all += 1;
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(Fault { line, problem });
        }
    }
}

impl Problem {
    /// The word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::UnknownKey { .. } => "unknown_key",
            Self::Changed { .. } => "changed",
            Self::Foreign { .. } => "foreign",
            Self::Genesis => "genesis",
            Self::Unlinked { .. } => "unlinked",
            Self::Misplaced { .. } => "misplaced",
            Self::Repeated { .. } => "repeated",
            Self::Renumbered { .. } => "renumbered",
            Self::Missing { .. } => "missing",
            Self::ForgedCheckpoint => "forged_checkpoint",
            Self::OtherHistory { .. } => "other_history",
            Self::Truncated { .. } => "truncated",
            Self::Open { .. } => "open",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("neither a row of the audit log nor a checkpoint"),
            Self::UnknownKey { kid } => write!(
                f,
                "made under the key `{}`, which is not among the keys",
                kid.escape_debug()
            ),
            Self::Changed { sequence } => {
                write!(f, "row {sequence} was changed: its link does not fit")
            }
            Self::Foreign { organization } => {
                write!(f, "belongs to another organization, {organization}")
            }
            Self::Genesis => f.write_str("the first row does not begin at the genesis"),
            Self::Unlinked { sequence } => {
                write!(f, "row {sequence} does not follow on the row before it")
            }
            Self::Misplaced { sequence, after } => {
                write!(f, "row {sequence} stands behind row {after}")
            }
            Self::Repeated { sequence } => write!(f, "row {sequence} is there twice"),
            Self::Renumbered { sequence, stored } => {
                write!(f, "row {sequence} is stored as row {stored}")
            }
            Self::Missing { from, to } if from == to => write!(f, "row {from} is missing"),
            Self::Missing { from, to } => write!(f, "rows {from} to {to} are missing"),
            Self::ForgedCheckpoint => f.write_str("the checkpoint's signature does not fit"),
            Self::OtherHistory { sequence } => write!(
                f,
                "the checkpoint knows another row {sequence}: the log was written anew"
            ),
            Self::Truncated { last, checkpoint } => write!(
                f,
                "the log ends with row {last}, but the checkpoint has seen row {checkpoint}"
            ),
            Self::Open { last } => write!(
                f,
                "no checkpoint reaches row {last}, the last one: later rows may be missing"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
