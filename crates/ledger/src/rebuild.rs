//! A Ledger rebuilt from D1: the messages, and what becomes of each token. D1 is read by the gateway,
//! page by page; the Ledger checks what it is given, and admits nobody until all of it is there.
//!
//! INVARIANT (a rebuild only narrows): what D1's log, D1's row, or what is left of the Ledger calls
//! revoked is revoked afterwards, and what one of them calls quarantined is quarantined.

mod verdict;

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::audit::verify::Row;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::organization::Pause;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use crate::Command;

pub use verdict::{Logged, Verdict, verdict};

/// Most events that one step of a rebuild takes.
pub const REBUILD_EVENTS: u32 = 500;
/// Most tokens that one step takes.
pub const REBUILD_TOKENS: u32 = 200;

/// An event as D1 has it, with its number there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    /// The number.
    pub sequence: u64,
    /// The event.
    pub row: Row,
}

/// A token as D1 has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedToken {
    /// What it is.
    pub facts: TokenFacts,
    /// Shown in lists.
    pub description: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The token that created it, if one did.
    pub minted_by: Option<TokenId>,
    /// When it was revoked; ahead of now while it is being rotated out.
    pub revoked_at: Option<Timestamp>,
    /// Since when it is quarantined.
    pub quarantined_at: Option<Timestamp>,
    /// How often it was used.
    pub uses: i64,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// Where a token stands among those of its organization, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPlace {
    /// When it was created.
    pub created_at: Timestamp,
    /// Its id.
    pub id: TokenId,
}

impl RecordedToken {
    /// Where it stands.
    pub fn place(&self) -> TokenPlace {
        TokenPlace {
            created_at: self.created_at,
            id: self.facts.id,
        }
    }
}

/// Why a Ledger is rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildCause {
    /// It has no event.
    Lost,
    /// D1 has later events, which follow on its own.
    Older,
    /// D1 has other events under its numbers.
    OtherHistory,
}

impl RebuildCause {
    /// The word that stands in answers and in the event.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Older => "older",
            Self::OtherHistory => "other_history",
        }
    }
}

/// Rebuild the Ledger, one step at a time. A step that was taken already, or is not the next one,
/// changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebuildCommand {
    /// Whose Ledger it is.
    pub organization: OrganizationId,
    /// Whether D1 is believed where it calls a token active. Otherwise each of those is
    /// quarantined: the Ledger that was lost may have revoked it.
    pub keeps_active: bool,
    /// What to do.
    pub step: RebuildStep,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// A step of a rebuild.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RebuildStep {
    /// Tell how far the Ledger's own log reaches. Writes nothing.
    Look,
    /// Compare with D1, and begin where the two disagree; or go on.
    Begin {
        /// D1's last event.
        last: Option<Numbered>,
        /// D1's event of the number that the Ledger's log reaches.
        at_head: Option<Numbered>,
        /// Only tell what would be done.
        dry_run: bool,
        /// Keys of D1's events that the gateway's ring does not have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unknown_keys: Vec<String>,
    },
    /// Take in events of D1.
    Events {
        /// The number behind which they are.
        after: u64,
        /// The events, in their order.
        rows: Vec<Numbered>,
    },
    /// Take in tokens of D1.
    Tokens {
        /// The token behind which they are; `None` = they are the first.
        after: Option<TokenPlace>,
        /// The tokens, newest first.
        tokens: Vec<RecordedToken>,
        /// Whether there are none behind them.
        is_last: bool,
    },
    /// End it: the Ledger is usable again.
    Finish {
        /// The number of D1's last event, read after the last token.
        last: u64,
    },
}

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildPhase {
    /// D1's log is checked.
    Events,
    /// Its tokens are taken in, behind this one.
    Tokens(Option<TokenPlace>),
    /// Everything is there.
    Ready,
}

/// What has become of the tokens so far, each counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebuildCounts {
    /// Usable.
    pub active: u64,
    /// Quarantined.
    pub quarantined: u64,
    /// Revoked.
    pub revoked: u64,
    /// Expired, and neither of the others.
    pub expired: u64,
}

impl RebuildCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.active + self.quarantined + self.revoked + self.expired
    }
}

/// A rebuild under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebuildProgress {
    /// Why it is done.
    pub cause: RebuildCause,
    /// Whether D1 is believed where it calls a token active.
    pub keeps_active: bool,
    /// How far the Ledger's own log reached; 0 = it had none.
    pub ledger_sequence: u64,
    /// Changes that the Ledger had for D1, which D1 does not get.
    pub undelivered: u64,
    /// The number of D1's last event.
    pub target: u64,
    /// The number of the last event that was checked, and its link in hex.
    pub verified: u64,
    /// That link.
    pub link: String,
    /// What comes next.
    pub phase: RebuildPhase,
    /// What has become of the tokens.
    pub counts: RebuildCounts,
    /// The pause that the log has begun and not ended, as far as it was read (R53).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
}

/// Why nothing is rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RebuildRefusal {
    /// Both end with the same event.
    Agrees {
        /// Its number.
        sequence: u64,
    },
    /// The Ledger has later events than D1, which will get them.
    Ahead {
        /// How far the Ledger's log reaches.
        ledger: u64,
        /// How far D1's does.
        record: u64,
    },
    /// D1 has no event of this organization: there is nothing to rebuild from.
    NothingRecorded,
    /// An event of D1 that no key of ours has made, or that does not follow on the one before.
    NotGenuine {
        /// Its number.
        sequence: u64,
        /// What is wrong.
        problem: String,
    },
    /// Events of D1 were made under a key that the ring does not have: none of them could be checked.
    KeyMissing {
        /// Its name.
        kid: String,
    },
    /// A rebuild with the other choice is under way.
    OtherChoice {
        /// What that one does.
        keeps_active: bool,
    },
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RebuildAnswer {
    /// The answer to [`RebuildStep::Look`].
    Reach {
        /// The number of the Ledger's last event; 0 = it has none.
        sequence: u64,
    },
    /// Nothing is rebuilt, or no further.
    Refused(RebuildRefusal),
    /// How far it has come, or, in a dry run, where it would begin.
    Progress(RebuildProgress),
    /// It is done, as far as this.
    Finished(RebuildProgress),
    /// No rebuild is under way.
    None,
}

impl Command for RebuildCommand {
    const NAME: &'static str = "rebuild";
    type Answer = RebuildAnswer;
}
