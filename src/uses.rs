//! Uses of tokens (R13), counted in memory until somebody takes them. There is no write for each.

use std::cell::RefCell;
use std::collections::HashMap;

use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;

/// What has been used since it was last taken: how often, and when last.
#[derive(Default)]
pub struct Uses {
    open: RefCell<HashMap<TokenId, (i64, Timestamp)>>,
}

impl Uses {
    /// Counts uses, the last of them at `at`.
    pub fn note(&self, token: TokenId, uses: i64, at: Timestamp) {
        let mut open = self.open.borrow_mut();
        let entry = open.entry(token).or_insert((0, at));
        *entry = (entry.0 + uses, entry.1.max(at));
    }

    /// Takes what has been counted.
    pub fn take(&self) -> HashMap<TokenId, (i64, Timestamp)> {
        self.open.take()
    }
}
