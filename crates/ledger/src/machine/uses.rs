//! Uses of tokens (R13): counted in memory, written together. A crash loses the uses of the last
//! seconds.

use postern_domain::time::Timestamp;

use super::Ledger;
use crate::RecordChange;
use crate::sql::{Result, Sql};

impl<S: Sql> Ledger<S> {
    /// Writes what has been counted, and puts the new totals on their way to D1.
    pub(super) fn settle_uses(&mut self, now: Timestamp) -> Result<()> {
        let taken = self.uses.take();
        if taken.is_empty() {
            return Ok(());
        }
        self.step(now, |step| {
            for (token, (uses, at)) in taken {
                let Some(total) = step.store.add_uses(token, uses, at)? else {
                    continue;
                };
                step.change(RecordChange::RecordUse {
                    organization: total.organization,
                    token,
                    uses: total.uses,
                    at,
                });
            }
            Ok(())
        })?;
        Ok(())
    }
}
