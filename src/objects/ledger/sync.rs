//! The Ledger tells an isolate what has changed, and takes in the uses that it was not asked about
//! one by one (bounded mode). Refuses to list changes without end.

use worker::Result;

use super::{Ledger, USES_MS, journal, storage};
use postern_domain::revocation::{Delta, MAX_CHANGES};
use postern_ledger::SyncCommand;

impl Ledger {
    pub(super) async fn sync(&self, command: &SyncCommand) -> Result<Delta> {
        if !self.exists()? {
            return Ok(Delta {
                version: 0,
                changed: None,
            });
        }
        for (token, uses, at) in &command.uses {
            self.memory.uses.note(*token, *uses, *at);
        }
        if !command.uses.is_empty() {
            self.set_alarm(USES_MS).await?;
        }
        // From here on nothing is awaited: the version is that of the list.
        let version = journal::head(&self.db)?.version;
        let changed = match command.since <= version {
            true => Some(storage::changed(&self.db, command.since, MAX_CHANGES + 1)?),
            // A log that is shorter than what was copied from it is another one.
            false => None,
        };
        Ok(Delta {
            version,
            changed: changed.filter(|changed| changed.len() <= MAX_CHANGES),
        })
    }
}
