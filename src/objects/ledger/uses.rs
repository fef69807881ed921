//! Uses of tokens (R13) in the Ledger: written together. What a crash loses is the uses of the last
//! seconds; refuses a write for each request.

use worker::Result;

use super::{Ledger, journal, selection};
use postern_ledger::Effect;

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
