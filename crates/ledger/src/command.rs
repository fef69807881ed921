//! What a Ledger can be told to do, and what it answers to each.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::{Action, Changes, Requester};
use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, ProjectId, RunId, TokenId, WorkflowId};
use postern_domain::leak::OnLeak;
use postern_domain::revocation::Delta;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use super::{BindCommand, LeakAnswer, LeakCommand, ReleaseAnswer, ReleaseCommand, SyncCommand};

/// A message to a Ledger, with the type of its answer. Both travel as JSON.
pub trait Command: Serialize + DeserializeOwned {
    /// What the message is called on the way.
    const NAME: &'static str;
    /// What a Ledger that carried it out says.
    type Answer: Serialize + DeserializeOwned;
}

impl Command for BindCommand {
    const NAME: &'static str = "bind";
    type Answer = Option<TokenFacts>;
}

impl Command for MintCommand {
    const NAME: &'static str = "mint";
    type Answer = MintAnswer;
}

impl Command for RotateCommand {
    const NAME: &'static str = "rotate";
    type Answer = RotateAnswer;
}

impl Command for RevokeCommand {
    const NAME: &'static str = "revoke";
    type Answer = RevokeAnswer;
}

impl Command for RevokeManyCommand {
    const NAME: &'static str = "revoke-many";
    type Answer = RevokeManyAnswer;
}

impl Command for LeakCommand {
    const NAME: &'static str = "leak";
    type Answer = LeakAnswer;
}

impl Command for ReleaseCommand {
    const NAME: &'static str = "release";
    type Answer = ReleaseAnswer;
}

impl Command for SweepCommand {
    const NAME: &'static str = "sweep";
    type Answer = SweepAnswer;
}

impl Command for NoteCommand {
    const NAME: &'static str = "note";
    type Answer = ();
}

impl Command for RefusalCommand {
    const NAME: &'static str = "refuse";
    type Answer = ();
}

impl Command for LimitsCommand {
    const NAME: &'static str = "limits";
    type Answer = LimitsAnswer;
}

impl Command for CheckpointCommand {
    const NAME: &'static str = "checkpoint";
    type Answer = Signed;
}

impl Command for RunCommand {
    const NAME: &'static str = "run";
    type Answer = RunAnswer;
}

impl Command for SyncCommand {
    const NAME: &'static str = "sync";
    type Answer = Delta;
}

/// Mint this token, if name and ceiling allow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MintCommand {
    pub facts: TokenFacts,
    pub description: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
    /// The token that minted it, if one did.
    #[serde(default)]
    pub minted_by: Option<TokenId>,
    /// Most live tokens of the organization; 0 = no ceiling (R27).
    pub ceiling: u32,
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of a mint. Whatever is not `Minted` wrote nothing that lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MintAnswer {
    Minted,
    NameTaken,
    /// There is a token of this id already, live or `revoked`: only an adopted one brings its own.
    IdTaken {
        revoked: bool,
    },
    CeilingReached {
        ceiling: u32,
    },
    /// Somebody revoked the token while it was being created.
    RevokedMeanwhile,
    /// Somebody reported the token while it was being created: it exists, quarantined.
    QuarantinedMeanwhile,
    /// D1 did not take the record; the token is dead and was never handed out.
    RecordUnavailable {
        cause: String,
    },
}

/// Mint the successor of a token and retire the token, in one step (R9).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RotateCommand {
    pub old: TokenId,
    pub mint: MintCommand,
    /// When the old token ends; not after its own expiry.
    pub retire_at: Timestamp,
}

/// What became of a rotation. Whatever is not `Rotated` has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateAnswer {
    /// The successor has the old token's description.
    Rotated {
        description: Option<String>,
    },
    /// The old token is revoked, expired, retiring already, or unknown.
    NotLive,
    /// Another living token has taken the name that the new one asked for.
    NameTaken,
    /// Too many that are being rotated out still live.
    CeilingReached {
        ceiling: u32,
    },
    /// Somebody revoked the successor while it was being created; the old token is as it was.
    RevokedMeanwhile,
    RecordUnavailable {
        cause: String,
    },
}

/// Revoke this token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokeCommand {
    pub token: TokenId,
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// Most tokens that one bulk revoke selects.
pub const MAX_SELECTED: u32 = 10_000;

/// Which tokens to revoke together: all that fit every criterion that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    #[serde(default)]
    pub ids: Option<Vec<TokenId>>,
    /// Tokens that this one minted, and theirs, all the way down, with the successors of each; not
    /// the token itself.
    #[serde(default)]
    pub minted_by: Option<TokenId>,
    #[serde(default)]
    pub project: Option<ProjectId>,
    #[serde(default)]
    pub created_after: Option<Timestamp>,
    #[serde(default)]
    pub created_before: Option<Timestamp>,
    /// Only tokens that were never used.
    #[serde(default)]
    pub never_used: bool,
    /// Only tokens that were minted from this address.
    #[serde(default)]
    pub address: Option<String>,
}

/// Revoke, in one step, every living token that fits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokeManyCommand {
    pub selector: Selector,
    /// Whether organization-level tokens are within the caller's reach.
    pub organization_tokens: bool,
    /// Whether project- and workflow-scoped ones are.
    pub project_tokens: bool,
    /// System tokens are nobody's but the administrator's (R10).
    pub system_tokens: bool,
    /// Only tell what would happen.
    pub dry_run: bool,
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of a bulk revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeManyAnswer {
    Done {
        tokens: Vec<TokenId>,
        /// How many of them were used in the last day.
        used_in_last_day: u32,
        at: Timestamp,
        /// The Ledger's version: one step for all.
        version: i64,
    },
    TooMany {
        limit: u32,
    },
}

/// What became of a revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeAnswer {
    /// Revoked now, or before: `at` is the first time (R11).
    Revoked {
        at: Timestamp,
    },
    Unknown,
}

/// Revoke what has been idle too long (R14).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepCommand {
    /// 1 to 365.
    pub max_idle_days: u32,
    #[serde(rename = "origin")]
    pub requester: Requester,
}

impl SweepCommand {
    /// The moment since which a token must have been used, or, if it never was, minted.
    pub fn idle_since(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(-86_400_000 * i64::from(self.max_idle_days))
    }
}

/// The tokens that a sweep revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepAnswer {
    pub tokens: Vec<TokenId>,
}

/// Write down what the gate has done in the record by itself (R35).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoteCommand {
    pub organization: OrganizationId,
    pub action: Action,
    /// What it was done to, such as `project:shop`.
    pub target: Option<String>,
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// Write down that a mint was refused, as often as the bound allows (R35).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusalCommand {
    pub organization: OrganizationId,
    /// The code of the error: one of the program's own words.
    pub outcome: String,
    pub target: Option<String>,
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// Change what an organization allows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LimitsCommand {
    pub organization: OrganizationId,
    /// As in `Organization`: all three as they shall be.
    pub mint_ceiling: Option<u32>,
    pub max_idle_days: u32,
    pub on_leak: OnLeak,
    /// What was asked for, for the event.
    pub changes: Changes,
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitsAnswer {
    Changed,
    /// D1 has not taken it yet; the outbox still carries it.
    RecordUnavailable {
        cause: String,
    },
}

/// Sign how far the audit chain reaches (R35).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckpointCommand {
    pub organization: OrganizationId,
    /// Whether D1 shall keep it.
    pub keep: bool,
}

/// Tell the events behind one number and up to another, as far as the Ledger has a copy of them (R35).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptQuery {
    /// Events after this number …
    pub after: u64,
    /// … up to and including this one.
    pub up_to: u64,
}

/// Remember a run of the origin (R32).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunCommand {
    pub run: RunId,
    pub facts: RunFacts,
    pub token: TokenId,
    pub at: Timestamp,
}

/// What is known once a run is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAnswer {
    /// The origin's id of the workflow that the token is for. The first one learned stands, so a
    /// workflow made anew under the same name is another one.
    pub pin: Option<WorkflowId>,
}
