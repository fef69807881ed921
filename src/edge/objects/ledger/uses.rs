//! Uses of tokens (R13): counted in memory, written together. Refuses a write for each request;
//! what a crash loses is the uses of the last seconds.

use std::cell::RefCell;
use std::collections::HashMap;

use worker::Result;

use super::{Ledger, journal, selection};
use crate::app::ledger::Effect;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;

/// What has been used since the last writing.
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

    fn take(&self) -> HashMap<TokenId, (i64, Timestamp)> {
        self.open.take()
    }
}

impl Ledger {
    /// Writes what has been counted, and puts the new totals on their way to D1.
    pub(super) fn settle_uses(&self) -> Result<()> {
        for (token, (uses, at)) in self.memory.uses.take() {
            let Some(total) = selection::add_uses(&self.db, token, uses, at)? else {
                continue;
            };
            journal::push(
                &self.db,
                &[Effect::RecordUse {
                    organization: total.organization,
                    token,
                    uses: total.uses,
                    at,
                }],
            )?;
        }
        Ok(())
    }
}
