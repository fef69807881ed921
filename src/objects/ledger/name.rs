//! Whose Ledger this is: the name of its organization, learned from the first write that comes by one
//! and kept for good. Ledgers of earlier releases have it from their first token.
//!
//! INVARIANT (a name opens its own Ledger): names are turned into ids by stores that others may write
//! to; what comes here by another organization's name is refused, whatever those stores said.

use std::cell::RefCell;

use serde::Deserialize;
use worker::{Response, Result};

use super::super::ledger_client::MISDIRECTED;
use super::super::sql;
use super::Ledger;

/// The name, once it was read. It never changes.
pub type Name = RefCell<Option<String>>;

/// The answer to whoever came by another organization's name.
pub fn misdirected() -> Result<Response> {
    Response::error("another organization's name", MISDIRECTED)
}

impl Ledger {
    /// The organization's name; `None` before the first write.
    pub(super) fn name(&self) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Row {
            name: String,
        }
        if self.memory.name.borrow().is_none() && self.exists()? {
            let query = "select name from organization where only = 0";
            let row = sql::first::<Row>(&self.db, query, vec![])?;
            self.memory.name.replace(row.map(|row| row.name));
        }
        Ok(self.memory.name.borrow().clone())
    }

    /// Whether a call that came by this name is for this organization. What came by no name, but
    /// by a token of its own, is; so is everything before the first write.
    pub(super) fn is_for(&self, by: Option<&str>) -> Result<bool> {
        Ok(match (by, self.name()?) {
            (Some(by), Some(own)) => by == own,
            _ => true,
        })
    }

    /// Keeps the name that the first write came by.
    pub(super) fn take_name(&self, by: Option<String>) -> Result<()> {
        if let (Some(by), None) = (by, self.name()?) {
            let query = "insert into organization (only, name) values (0, ?)";
            sql::run(&self.db, query, vec![sql::text(&by)])?;
            self.memory.name.replace(Some(by));
        }
        Ok(())
    }
}
