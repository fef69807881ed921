//! The ports of the test world that a rebuild needs: the Ledger is a real one, over SQLite.

use super::*;
use std::collections::BTreeSet;

use crate::ports::{RebuildRecords, TokenCounts};
use postern_ledger::testing::open;
use postern_ledger::{Addressed, Done, Ledger, RebuildAnswer, RebuildCommand};

impl World {
    /// Carries out a step on the Ledger that is rebuilt.
    pub(super) fn rebuild(&self, command: RebuildCommand) -> Result<RebuildAnswer> {
        let step = serde_json::to_value(&command.step).expect("serializes");
        let name = match &step {
            serde_json::Value::Object(step) => step.keys().next().cloned(),
            step => step.as_str().map(str::to_owned),
        };
        self.note(format!("rebuild {}", name.unwrap_or_default()));
        if self.ledger_down.get() {
            return Err(Error::unavailable("the Ledger is down"));
        }
        let mut rebuilt = self.rebuilt.borrow_mut();
        let ledger: &mut Ledger<Sqlite> = rebuilt.get_or_insert_with(|| open(&Sqlite::new()));
        let addressed = Addressed {
            by: Some("acme"),
            actor: Actor::NotAToken,
        };
        match ledger.handle(self.now(), addressed, command) {
            Ok(
                Done::Answer(answer) | Done::WhenFinal(_, answer) | Done::BestAfterDelivery(answer),
            ) => Ok(answer),
            Ok(Done::AfterDelivery(_)) => panic!("no step waits for D1"),
            Err(stop) => Err(Error::unavailable(format!("{stop:?}"))),
        }
    }
}

impl RebuildRecords for World {
    async fn last_event(&self, _: OrganizationId) -> Result<Option<(u64, Row)>> {
        Ok(self.rows.borrow().last().cloned())
    }

    async fn event_keys(&self, _: OrganizationId, limit: u32) -> Result<Vec<String>> {
        self.note("event keys");
        let rows = self.rows.borrow();
        let keys: BTreeSet<String> = rows.iter().map(|(_, row)| row.kid.clone()).collect();
        Ok(keys.into_iter().take(limit as usize).collect())
    }

    async fn token_counts(&self, _: OrganizationId, _: Timestamp) -> Result<TokenCounts> {
        let recorded = self.recorded.borrow();
        let revoked = recorded.iter().filter(|token| token.revoked_at.is_some());
        let revoked = revoked.count() as u64;
        Ok(TokenCounts {
            active: recorded.len() as u64 - revoked,
            revoked,
            ..TokenCounts::default()
        })
    }
}
