//! Leases, as they travel: for how long an isolate may repeat what the Ledger said of a token, and
//! what has changed since it last heard (R41).
//!
//! A *holder* is one copy in one isolate. It says with every question which version of the
//! revocation log it has applied, and that is what acknowledges a version: nothing else does.

use serde::{Deserialize, Serialize};

use postern_domain::id::{HolderId, InstanceId, TokenId};
use postern_domain::time::Timestamp;

/// The longest lease that any release grants, in milliseconds. It never shrinks between two
/// releases, or an older isolate could outlast a newer Ledger's wait.
pub const LONGEST_LEASE_MS: u32 = 5_000;

/// Most changes in one [`Delta`]; after more, a holder starts anew.
pub const MAX_CHANGES: usize = 1_000;

/// How long a watch is held where nothing changes, in milliseconds.
pub const WATCH_MS: u32 = 10_000;

/// By how much a Ledger waits longer than a lease lasts: for clocks that run at other speeds, and
/// for timers that fire early.
pub const fn margin_ms(lease_ms: u32) -> u32 {
    lease_ms.div_ceil(100) + 50
}

/// A version of an organization's revocation log. Numbers of two instances are not comparable: the
/// log of a restored Ledger may have gone back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Who counted.
    pub instance: InstanceId,
    /// Grows with every change of a token's standing.
    pub number: i64,
}

/// What a holder says of itself with each question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Which copy asks. A copy that is emptied takes a new id.
    pub holder: HolderId,
    /// The version that the copy has applied; `None` = it is empty.
    pub applied: Option<Version>,
    /// Whether a lease is asked for, or only what has changed.
    pub lease: bool,
}

/// What a Ledger tells a holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// The version that the log had reached when it was read.
    pub version: Version,
    /// The tokens whose standing has changed since the version that the holder has applied, at most
    /// `MAX_CHANGES`; `None` = forget all: they are too many, or the log cannot tell.
    pub changed: Option<Vec<TokenId>>,
    /// The lease: for how many milliseconds, counted from before the question was sent, what the
    /// copy has may be repeated. `None` = none is granted.
    #[serde(default)]
    pub lease_ms: Option<u32>,
}

/// Extend a lease, and take in the uses of tokens that were not asked about one by one (R13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewCommand {
    /// Who asks.
    pub claim: Claim,
    /// Token, number of uses, time of the last one.
    pub uses: Vec<(TokenId, i64, Timestamp)>,
}

/// Tell the next change when there is one, or after [`WATCH_MS`] that there is none. The answer is
/// no lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchCommand {
    /// Who asks.
    pub claim: Claim,
}
