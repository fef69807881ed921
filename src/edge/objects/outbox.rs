//! Carries the Ledger's outbox to D1, in order, at least once. Refuses to run twice at a time:
//! whoever comes while a batch is on its way waits for it and then finds its own entry gone.

use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use worker::{Delay, Env, SqlStorage};

use super::ledger_storage as storage;
use crate::edge::store::{d1, effects};

/// Outbox entries of one D1 batch. An entry has at most three statements.
const BATCH: i64 = 25;
/// How long one batch may take before it counts as failed; it may still arrive, harmlessly.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The way to D1.
#[derive(Default)]
pub struct Outbox {
    carrying: Mutex<()>,
}

impl Outbox {
    /// Returns when D1 has every entry up to `entry`.
    ///
    /// # Errors
    /// Why D1 did not take them; they stay in the outbox.
    pub async fn deliver(&self, env: &Env, db: &SqlStorage, entry: i64) -> Result<(), String> {
        let _carrying = self.carrying.lock().await;
        loop {
            let entries = storage::oldest(db, BATCH).map_err(|error| error.to_string())?;
            let Some(last) = entries.last().map(|last| last.id) else {
                return Ok(());
            };
            if entries.first().is_some_and(|first| first.id > entry) {
                return Ok(());
            }
            send(env, &entries).await?;
            storage::forget(db, last).map_err(|error| error.to_string())?;
        }
    }
}

async fn send(env: &Env, entries: &[storage::Entry]) -> Result<(), String> {
    let database = d1::database(env).map_err(|error| error.private())?;
    let statements = entries
        .iter()
        .flat_map(|entry| &entry.effects)
        .map(|effect| effects::prepare(&database, effect))
        .collect::<worker::Result<Vec<_>>>()
        .map_err(|error| error.to_string())?;
    let batch = Box::pin(database.batch(statements));
    match select(batch, Delay::from(TIMEOUT)).await {
        Either::Left((Ok(_), _)) => Ok(()),
        Either::Left((Err(error), _)) => Err(format!("D1: {error}")),
        Either::Right(_) => Err("D1 did not answer in time".into()),
    }
}
