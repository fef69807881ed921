//! Carries the Ledger's outbox to D1, in order, at least once. Refuses to run twice at a time:
//! whoever comes while a batch is on its way waits for it and then finds its own entry gone.

use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use worker::{Delay, Env, SqlStorage};

use super::journal;
use crate::edge::store::{d1, effects};

/// Outbox entries of one D1 batch. An entry has at most three statements.
const BATCH: i64 = 25;
/// How long a mint, or the alarm, waits for D1. A batch that is given up may still arrive,
/// harmlessly.
pub const NEEDED: Duration = Duration::from_secs(5);
/// How long an answer waits that does not depend on D1.
pub const WISHED: Duration = Duration::from_secs(1);

/// The way to D1.
#[derive(Default)]
pub struct Outbox {
    carrying: Mutex<()>,
}

impl Outbox {
    /// Returns when D1 has every entry up to `entry`, or after `patience`.
    ///
    /// # Errors
    /// Why D1 did not take them; they stay in the outbox.
    pub async fn deliver(
        &self,
        env: &Env,
        db: &SqlStorage,
        entry: i64,
        patience: Duration,
    ) -> Result<(), String> {
        let delivery = Box::pin(self.carry(env, db, entry));
        match select(delivery, Delay::from(patience)).await {
            Either::Left((delivered, _)) => delivered,
            Either::Right(_) => Err("D1 did not answer in time".into()),
        }
    }

    async fn carry(&self, env: &Env, db: &SqlStorage, entry: i64) -> Result<(), String> {
        let _carrying = self.carrying.lock().await;
        loop {
            let entries = journal::oldest(db, BATCH).map_err(|error| error.to_string())?;
            let Some(last) = entries.last().map(|last| last.id) else {
                return Ok(());
            };
            if entries.first().is_some_and(|first| first.id > entry) {
                return Ok(());
            }
            send(env, &entries).await?;
            journal::forget(db, last).map_err(|error| error.to_string())?;
        }
    }
}

async fn send(env: &Env, entries: &[journal::Entry]) -> Result<(), String> {
    let database = d1::database(env).map_err(|error| error.private())?;
    let statements = entries
        .iter()
        .flat_map(|entry| &entry.effects)
        .map(|effect| effects::prepare(&database, effect))
        .collect::<worker::Result<Vec<_>>>()
        .map_err(|error| error.to_string())?;
    database
        .batch(statements)
        .await
        .map(|_| ())
        .map_err(|error| format!("D1: {error}"))
}
