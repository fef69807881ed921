//! Uses of tokens (R13), counted in memory until somebody takes them: a write for each would make a
//! Ledger the bottleneck of its organization.

use std::collections::HashMap;

use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;

/// What has been used since it was last taken: how often, and when last.
#[derive(Debug, Default)]
pub struct Uses(HashMap<TokenId, (i64, Timestamp)>);

impl Uses {
    /// Counts uses, the last of them at `at`.
    pub fn note(&mut self, token: TokenId, uses: i64, at: Timestamp) {
        let entry = self.0.entry(token).or_insert((0, at));
        *entry = (entry.0 + uses, entry.1.max(at));
    }

    /// Whether nothing has been counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what has been counted.
    pub fn take(&mut self) -> HashMap<TokenId, (i64, Timestamp)> {
        core::mem::take(&mut self.0)
    }
}
