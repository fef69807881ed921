//! The Merkle tree over an organization's audit log as it travels (R54): how it is asked for a signed
//! checkpoint and for proofs, and how it catches up with a log that is older than the tree.

use serde::{Deserialize, Serialize};

use postern_domain::id::OrganizationId;

use crate::Command;
use crate::rebuild::Numbered;

/// Most events of D1 that one step takes.
pub const TREE_EVENTS: u32 = 500;

/// Ask something of the tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeCommand {
    /// Whose log it is.
    pub organization: OrganizationId,
    /// What is asked.
    pub step: TreeStep,
}

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TreeStep {
    /// Take in events of D1 that the tree lacks, or only tell how far it reaches.
    Grow {
        /// The events, in their order.
        rows: Vec<Numbered>,
    },
    /// Sign a checkpoint of the log as it is now. D1 is offered all of it first.
    Sign,
    /// Prove that the log of one size is the beginning of the log of another.
    Consistency {
        /// The smaller size.
        from: u64,
        /// The larger one.
        to: u64,
    },
    /// Prove that an event is in the log of a size.
    Inclusion {
        /// The event's number, from 0.
        index: u64,
        /// The size.
        size: u64,
    },
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TreeAnswer {
    /// The tree is as large as the log.
    Level {
        /// How many events there are.
        size: u64,
    },
    /// The tree has not caught up with the log: events of D1 are missing.
    Behind {
        /// How many events the tree has.
        size: u64,
        /// How many the log has.
        log: u64,
    },
    /// Events that were given are not the organization's own, or do not follow on those before.
    NotGenuine {
        /// The number of the first.
        sequence: u64,
        /// What is wrong.
        problem: String,
    },
    /// A signed checkpoint, as a note.
    Signed {
        /// How many events it covers.
        size: u64,
        /// The note.
        note: String,
    },
    /// There are no keys to sign with.
    NoKeys,
    /// The tree holds another log than the one that was signed before: nothing is signed.
    Forked {
        /// The size of the checkpoint that was signed before.
        size: u64,
    },
    /// A proof: hashes in base64.
    Proof {
        /// The hashes.
        hashes: Vec<String>,
    },
    /// The log is not that long, or the sizes are in the wrong order.
    OutOfRange {
        /// How many events there are.
        size: u64,
    },
}

impl Command for TreeCommand {
    const NAME: &'static str = "tree";
    type Answer = TreeAnswer;
}
