//! What a Ledger can be told to do, and what it answers to each.

mod bulk;
mod runs;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::{Action, Changes, Requester};
use postern_domain::id::{OrganizationId, ReservationId, TokenId};
use postern_domain::leak::OnLeak;
use postern_domain::organization::ExpiryRefusal;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

pub use bulk::{
    MAX_SELECTED, RevokeManyAnswer, RevokeManyCommand, Selector, SweepAnswer, SweepCommand,
};
pub use runs::{BegunRun, MAX_RUNS, RunAnswer, RunCommand, RunsAnswer, RunsCommand};

use super::{
    BindCommand, Delta, LeakAnswer, LeakCommand, ReleaseAnswer, ReleaseCommand, RenewCommand,
    WatchCommand,
};

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

impl Command for FederationCommand {
    const NAME: &'static str = "federation";
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

impl Command for RunsCommand {
    const NAME: &'static str = "runs";
    type Answer = RunsAnswer;
}

impl Command for RenewCommand {
    const NAME: &'static str = "renew";
    type Answer = Delta;
}

impl Command for WatchCommand {
    const NAME: &'static str = "watch";
    type Answer = Delta;
}

/// Mint this token, if name and ceiling allow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintCommand {
    /// Its id, scope, policies, name and expiry. The id must be new; only an adopted token brings
    /// its own.
    pub facts: TokenFacts,
    /// Shown in lists; `domain::name` bounds its length.
    pub description: Option<String>,
    /// When the gateway was asked, by its clock.
    pub created_at: Timestamp,
    /// The creator as lists and audit rows name it, such as `org-token:<prefix>`.
    pub created_by: String,
    /// The token that minted it, if one did.
    #[serde(default)]
    pub minted_by: Option<TokenId>,
    /// Most active tokens of the organization; 0 = no limit (R27).
    pub ceiling: u32,
    /// The reservation that held room for it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationId>,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of a mint. Only `Minted` leaves an active token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MintAnswer {
    /// The token is active, and D1 has its row.
    Minted,
    /// CI jobs alone get tokens of this organization.
    FederatedOnly,
    /// New tokens of this organization cannot have this end (R53).
    ExpiryRefused(ExpiryRefusal),
    /// An active token of the same organization or project has the name (R8).
    NameTaken,
    /// There is a token of this id already, live or `revoked`: only an adopted one brings its own.
    IdTaken {
        /// Whether the token of this id is revoked.
        revoked: bool,
    },
    /// The organization has as many active tokens as it may have (R27).
    CeilingReached {
        /// The limit that was reached.
        ceiling: u32,
    },
    /// Somebody revoked the token while it was being created.
    RevokedMeanwhile,
    /// Somebody reported the token while it was being created: it exists, quarantined.
    QuarantinedMeanwhile,
    /// D1 did not take the record; the token is revoked and was never handed out.
    RecordUnavailable {
        /// Why D1 did not take it, for the log.
        cause: String,
    },
}

/// Mint the successor of a token and retire the token, in one step (R9).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateCommand {
    /// The token to be replaced.
    pub old: TokenId,
    /// The successor, with its own id. `minted_by` and the limit hold as for any creation.
    pub mint: MintCommand,
    /// When the old token ends; not after its own expiry.
    pub retire_at: Timestamp,
    /// The revision of the old token's facts that the successor has its own from: after an edit it is
    /// no successor (R53).
    #[serde(default, skip_serializing_if = "is_first")]
    pub old_revision: u32,
}

/// Whether it is the revision that a token is created with.
fn is_first(revision: &u32) -> bool {
    *revision == 0
}

/// What became of a rotation. Any answer but `Rotated` has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RotateAnswer {
    /// The successor has the old token's description.
    Rotated {
        /// That description, for the answer.
        description: Option<String>,
    },
    /// CI jobs alone get tokens of this organization.
    FederatedOnly,
    /// New tokens of this organization cannot have this end (R53).
    ExpiryRefused(ExpiryRefusal),
    /// A trust rule gave the old token: no successor outlives the rule.
    CiToken,
    /// The old token is revoked, expired, retiring already, or unknown.
    NotLive,
    /// Another active token has taken the name that the new one asked for.
    NameTaken,
    /// Too many tokens that are being rotated out are still active.
    CeilingReached {
        /// The limit that was reached.
        ceiling: u32,
    },
    /// Somebody revoked the successor while it was being created; the old token is as it was.
    RevokedMeanwhile,
    /// D1 did not take the successor's record; the old token is as it was.
    RecordUnavailable {
        /// Why, for the log.
        cause: String,
    },
}

/// Revoke this token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeCommand {
    /// The token.
    pub token: TokenId,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
    /// Answer at once, and not only when the revoke is final (RFC 7240, section 4.1).
    #[serde(default)]
    pub respond_async: bool,
}

/// What became of a revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RevokeAnswer {
    /// Revoked now, or before (R11).
    Revoked {
        /// The time of the first revocation.
        at: Timestamp,
        /// After how many milliseconds the revoke is final at the latest; 0 = it is.
        #[serde(default)]
        final_in_ms: u32,
    },
    /// The Ledger has no such token.
    Unknown,
}

/// Write down what the gateway has written to D1 without a Ledger: rows of the registry (R35).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteCommand {
    /// Whose log it is.
    pub organization: OrganizationId,
    /// What was done.
    pub action: Action,
    /// What it was done to, such as `project:shop`.
    pub target: Option<String>,
    /// Who did it, from where.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// Write down that a mint was refused, as often as the bound allows (R35).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalCommand {
    /// Whose log it is.
    pub organization: OrganizationId,
    /// The code of the error: one of the program's own words.
    pub outcome: String,
    /// The token that was to be rotated, as `token:<id>`; `None` = a creation was refused.
    pub target: Option<String>,
    /// Who was refused, from where.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// Change what an organization allows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsCommand {
    /// Whose limits they are.
    pub organization: OrganizationId,
    /// The limit of active tokens; `None` = the configured default, 0 = no limit (R27). All three
    /// limits are given, also those that stay.
    pub mint_ceiling: Option<u32>,
    /// 1 to 365; 0 = idle tokens are not revoked (R14).
    pub max_idle_days: u32,
    /// What happens to tokens that are found in public.
    pub on_leak: OnLeak,
    /// What was asked for, for the event.
    pub changes: Changes,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// Change whether CI jobs alone get tokens, and the limits with it. A command of its own: a Ledger of a
/// release that knows no such policy refuses it, and would pass over a member.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederationCommand {
    /// The limits, and what was asked for.
    pub limits: LimitsCommand,
    /// Whether CI jobs alone get tokens: then none is created, adopted or rotated.
    pub federated_only: bool,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LimitsAnswer {
    /// The Ledger has them, and D1 as well.
    Changed,
    /// D1 has not taken it yet; the outbox still carries it.
    RecordUnavailable {
        /// Why, for the log.
        cause: String,
    },
}

/// Sign the newest link of the audit chain (R35).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointCommand {
    /// Whose log it is.
    pub organization: OrganizationId,
    /// Whether D1 shall keep it.
    pub keep: bool,
}

/// Ask for the events between two numbers, as far as the Ledger has copies of them (R35).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptQuery {
    /// The number before the first event.
    pub after: u64,
    /// The number of the last event.
    pub up_to: u64,
}
