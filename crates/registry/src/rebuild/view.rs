//! A rebuild as it is answered.

use serde::{Deserialize, Serialize};

use crate::ports::TokenCounts;
use postern_domain::time::Timestamp;
use postern_ledger::{Numbered, RebuildProgress};
use postern_wire::rfc3339;

/// What a rebuild does not bring back, as words.
const LOST: [&str; 6] = [
    "upstream_credentials",
    "trust_rules",
    "undelivered_events",
    "runs",
    "workflow_bindings",
    "unrecorded_revokes",
];

/// How far a rebuild has come, or what it would do.
#[derive(Debug, Serialize)]
pub struct RebuildView {
    /// `planned`, `running` or `finished`.
    status: &'static str,
    /// Why: `lost`, `older` or `other_history`.
    cause: &'static str,
    /// What becomes of active tokens: `quarantine` or `keep`.
    active: &'static str,
    /// The number of the Ledger's last event before the rebuild; 0 = it had none.
    ledger_sequence: u64,
    /// Changes that the Ledger had for D1, and that D1 does not get.
    undelivered: u64,
    /// D1's last event.
    last_event: Option<LastEvent>,
    /// The number of the last event that was checked.
    verified_sequence: u64,
    /// What becomes of the tokens; while it runs, of those that were read.
    tokens: Counts,
    /// What does not come back.
    lost: [&'static str; 6],
}

/// D1's last event, in short.
#[derive(Debug, Serialize)]
struct LastEvent {
    sequence: u64,
    at: String,
    action: String,
}

/// Tokens by what becomes of them.
#[derive(Debug, Serialize)]
struct Counts {
    active: u64,
    quarantined: u64,
    revoked: u64,
    expired: u64,
}

#[derive(Deserialize)]
struct Written {
    at: Timestamp,
    action: String,
}

impl RebuildView {
    /// Before it: what becomes of the tokens as D1 counts them.
    pub(super) fn planned(
        progress: &RebuildProgress,
        counts: TokenCounts,
        last: Option<&Numbered>,
    ) -> Self {
        let (active, held) = match progress.keeps_active {
            true => (counts.active, 0),
            false => (0, counts.active),
        };
        Self {
            status: "planned",
            tokens: Counts {
                active,
                quarantined: counts.quarantined + held,
                revoked: counts.revoked,
                expired: counts.expired,
            },
            ..Self::running(progress, last)
        }
    }

    /// While there is more to do.
    pub(super) fn running(progress: &RebuildProgress, last: Option<&Numbered>) -> Self {
        let counts = &progress.counts;
        Self {
            status: "running",
            cause: progress.cause.word(),
            active: match progress.keeps_active {
                true => "keep",
                false => "quarantine",
            },
            ledger_sequence: progress.ledger_sequence,
            undelivered: progress.undelivered,
            last_event: last.and_then(LastEvent::of),
            verified_sequence: progress.verified,
            tokens: Counts {
                active: counts.active,
                quarantined: counts.quarantined,
                revoked: counts.revoked,
                expired: counts.expired,
            },
            lost: LOST,
        }
    }

    /// After it.
    pub(super) fn finished(progress: &RebuildProgress, last: Option<&Numbered>) -> Self {
        Self {
            status: "finished",
            ..Self::running(progress, last)
        }
    }
}

impl LastEvent {
    fn of(last: &Numbered) -> Option<Self> {
        let event: Written = serde_json::from_str(&last.row.content).ok()?;
        Some(Self {
            sequence: last.sequence,
            at: rfc3339::print(event.at),
            action: event.action,
        })
    }
}
