//! Commands that revoke many tokens in one step: by a selector, or for being idle.

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::id::{ProjectId, TokenId};
use postern_domain::time::Timestamp;

/// Most tokens that one bulk revoke selects.
pub const MAX_SELECTED: u32 = 10_000;

/// Which tokens to revoke together: all that fit every criterion that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// These tokens; at most [`MAX_SELECTED`].
    #[serde(default)]
    pub ids: Option<Vec<TokenId>>,
    /// Tokens that this one created, and those that they created in turn, with the successors of
    /// each; not the token itself.
    #[serde(default)]
    pub minted_by: Option<TokenId>,
    /// Tokens of this project and of its workflows.
    #[serde(default)]
    pub project: Option<ProjectId>,
    /// Tokens created after this moment.
    #[serde(default)]
    pub created_after: Option<Timestamp>,
    /// Tokens created before this moment.
    #[serde(default)]
    pub created_before: Option<Timestamp>,
    /// Only tokens that were never used.
    #[serde(default)]
    pub never_used: bool,
    /// Only tokens that were minted from this address.
    #[serde(default)]
    pub address: Option<String>,
}

/// Revoke, in one step, every active token that fits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeManyCommand {
    /// What to revoke.
    pub selector: Selector,
    /// Whether organization-level tokens are within the caller's reach.
    pub organization_tokens: bool,
    /// Whether project- and workflow-scoped ones are.
    pub project_tokens: bool,
    /// System tokens are nobody's but the administrator's (R10).
    pub system_tokens: bool,
    /// Only tell what would happen.
    pub dry_run: bool,
    /// Who asked, for one event per token.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of a bulk revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RevokeManyAnswer {
    /// They are revoked, or, in a dry run, would be.
    Done {
        /// Oldest first.
        tokens: Vec<TokenId>,
        /// How many of them were used in the last day.
        used_in_last_day: u32,
        /// The moment of revocation: the same for all.
        at: Timestamp,
        /// The Ledger's version: one step for all.
        version: i64,
    },
    /// More tokens fit than one call revokes; none was revoked.
    TooMany {
        /// [`MAX_SELECTED`].
        limit: u32,
    },
}

/// Revoke tokens that have been idle for too long (R14).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepCommand {
    /// 1 to 365.
    pub max_idle_days: u32,
    /// The sweep, for one event per token.
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
#[serde(deny_unknown_fields)]
pub struct SweepAnswer {
    /// Oldest first.
    pub tokens: Vec<TokenId>,
}
