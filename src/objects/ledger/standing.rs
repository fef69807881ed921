//! Whether tokens live: the question of every request, answered from memory where it was asked before.
//! Refuses to remember anything but life without a doubt, and forgets a token with every write that
//! concerns its standing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;

use serde::Deserialize;
use worker::SqlStorage;

use super::super::sql;
use postern_domain::id::TokenId;
use postern_domain::standing::{Standing, State};
use postern_domain::time::Timestamp;

/// Most standings in memory; a full memory is emptied.
const CAPACITY: usize = 8_192;

/// The Ledger's SQLite, and what was last read of tokens that live. This object is the only writer,
/// so what is remembered is what is stored until one of its own writes changes it.
pub struct Store {
    sql: SqlStorage,
    /// A panic leaves every entry as it was read.
    live: AssertUnwindSafe<RefCell<HashMap<TokenId, Standing>>>,
}

impl Store {
    pub fn new(sql: SqlStorage) -> Self {
        Self {
            sql,
            live: AssertUnwindSafe(RefCell::default()),
        }
    }

    /// Forgets a token: its standing changes.
    pub fn forget(&self, token: TokenId) {
        self.live.borrow_mut().remove(&token);
    }

    /// A token's standing.
    pub fn standing(&self, token: TokenId) -> worker::Result<Option<Standing>> {
        if let Some(standing) = self.live.borrow().get(&token) {
            return Ok(Some(*standing));
        }
        let standing = read(&self.sql, token)?;
        if let Some(standing) = standing.filter(is_settled) {
            let mut live = self.live.borrow_mut();
            if live.len() >= CAPACITY {
                live.clear();
            }
            live.insert(token, standing);
        }
        Ok(standing)
    }
}

/// Whether it is life without an end that was set, a quarantine, or a creation that is not over.
fn is_settled(standing: &Standing) -> bool {
    standing.rotatable()
}

impl Deref for Store {
    type Target = SqlStorage;

    fn deref(&self) -> &SqlStorage {
        &self.sql
    }
}

fn read(db: &SqlStorage, token: TokenId) -> worker::Result<Option<Standing>> {
    #[derive(Deserialize)]
    struct Row {
        state: i64,
        revoked_at: Option<i64>,
        quarantined_at: Option<i64>,
        expires_at: Option<i64>,
    }
    let query = "select state, revoked_at, quarantined_at, expires_at from tokens where id = ?";
    let row = sql::first::<Row>(db, query, vec![sql::text(token)])?;
    Ok(row.map(|row| Standing {
        state: State::of(row.state),
        revoked_at: row.revoked_at.map(Timestamp::from_millis),
        quarantined: row.quarantined_at.is_some(),
        expires_at: row.expires_at.map(Timestamp::from_millis),
    }))
}
