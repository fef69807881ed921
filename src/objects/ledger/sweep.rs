//! Revoking what has been idle too long (R14). Refuses to guess at use: the uses still in memory are
//! settled first.

use super::acting::{Acting, Done};
use super::{ALARM_MS, Ledger, selection};
use crate::platform::now;
use postern_domain::audit::Action;
use postern_ledger::{SweepAnswer, SweepCommand};

impl Ledger {
    pub(super) async fn sweep(&self, acting: Acting, command: SweepCommand) -> Done<SweepAnswer> {
        if !self.exists()? {
            return Ok(SweepAnswer { tokens: Vec::new() });
        }
        self.prepare_write(acting)?;
        self.settle_uses()?;
        let at = now();
        let idle_since = command.idle_since(at);
        let idle = selection::idle(&self.db, idle_since, at)?;
        if !idle.is_empty() {
            self.bury(&idle, at, Action::TokenRevokeIdle, &command.origin)?;
            self.set_alarm(ALARM_MS).await?;
            self.deliver_soon("ledger.sweep").await;
        }
        Ok(SweepAnswer {
            tokens: idle.iter().map(|facts| facts.id).collect(),
        })
    }
}
