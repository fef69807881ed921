//! What the rebuild of a Ledger needs of the record besides lists and rows.

use super::*;

/// How many tokens an organization has in the record, each counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Neither of the others.
    pub active: u64,
    /// Quarantined, and not revoked.
    pub quarantined: u64,
    /// Revoked.
    pub revoked: u64,
    /// Expired, and neither revoked nor quarantined.
    pub expired: u64,
}

/// The record, as a rebuild reads it.
pub trait RebuildRecords {
    /// The organization's last event, with its number; `None` = it has none.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn last_event(&self, organization: OrganizationId) -> Result<Option<(u64, Row)>>;
    /// The names of the keys of the organization's events, each once; so many at most.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn event_keys(&self, organization: OrganizationId, limit: u32) -> Result<Vec<String>>;
    /// How its tokens stand at `now`, as the record has them.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn token_counts(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<TokenCounts>;
}
