//! What a question to a Ledger says of the copy that asks.

use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_ledger::Claim;

/// What a question says of the copy that asks, taken in one step with the reading of the clock.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub(super) organization: OrganizationId,
    pub(super) claim: Claim,
    pub(super) number: u64,
    pub(super) at: Timestamp,
    /// Whether the copy had a lease then.
    pub(super) is_leased: bool,
}

impl Asked {
    /// What goes to the Ledger.
    pub fn claim(&self) -> Claim {
        self.claim
    }
}

/// A question that is asked behind an answer, and what it says.
#[derive(Debug, Clone)]
pub struct Behind<C> {
    pub(super) asked: Asked,
    /// The message.
    pub command: C,
}
