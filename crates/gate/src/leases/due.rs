//! What is done behind an answer, so that no request waits for it.

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::time::Timestamp;

use super::Leases;

/// How long calls and uses are collected before they are reported, in milliseconds (R13).
pub const REPORT_MS: u32 = 8_000;

/// Something to be done behind the answer of the request that made it due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// To ask for a longer lease, now: see [`Leases::renewal`](super::Leases::renewal).
    Renewal {
        /// Whose Ledger is asked.
        organization: OrganizationId,
    },
    /// To report uses, later.
    Report {
        /// Whose Ledger is told.
        organization: OrganizationId,
        /// After so many milliseconds.
        after_ms: u32,
    },
    /// To watch for changes, now: see [`Leases::watch`](super::Leases::watch).
    Watch {
        /// Whose Ledger is asked.
        organization: OrganizationId,
    },
    /// To call [`Leases::expired`](super::Leases::expired), later. The timer is started in the turn
    /// in which the question is sent that it is for.
    Expiry {
        /// Whose lease it is.
        organization: OrganizationId,
        /// The question.
        question: u64,
        /// After so many milliseconds.
        after_ms: u32,
    },
}

impl Leases {
    /// Takes uses in that a Ledger of an earlier release is told with a renewal, or in a report of
    /// their own: it does not understand what calls have come to.
    pub fn used(
        &mut self,
        organization: OrganizationId,
        (token, uses, at): (TokenId, i64, Timestamp),
        now: Timestamp,
    ) {
        self.read(now);
        self.copy(organization).uses.note(token, uses, at);
        self.keep_up(organization, now);
    }
}
