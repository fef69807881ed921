//! Carries the Ledger's outbox to D1, in order, at least once. Refuses to run twice at a time:
//! whoever comes while a batch is on its way waits for it and then finds its own entry gone.
//!
//! INVARIANT (delivered is what D1 has shown): an event leaves the outbox when its link was read
//! back. Where D1 has another row of its number, somebody else has written there: nothing is
//! forgotten, each try is logged, and `/readyz` says so.

use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use worker::{Delay, Env, SqlStorage};

use super::super::ledger_client;
use super::journal;
use crate::log;
use crate::store::d1;
use crate::store::effects::{self, Landed};
use postern_ledger::{AuditRow, Effect};

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
    let effects = || entries.iter().flat_map(|entry| &entry.effects);
    let events: Vec<&AuditRow> = effects()
        .filter_map(|effect| match effect {
            Effect::AppendAudit(row) => Some(&**row),
            _ => None,
        })
        .collect();
    let shown = effects::show(&database, &events).map_err(|error| error.to_string())?;
    let statements = effects()
        .map(|effect| effects::prepare(&database, effect))
        .chain(shown.map(Ok))
        .collect::<worker::Result<Vec<_>>>()
        .map_err(|error| error.to_string())?;
    let failure = match database.batch(statements).await {
        Ok(_) if events.is_empty() => return Ok(()),
        Ok(results) => {
            let landed: Vec<Landed> = match results.last() {
                Some(last) => last.results().map_err(|error| format!("D1: {error}"))?,
                None => Vec::new(),
            };
            match effects::not_landed(&events, &landed) {
                None => return Ok(()),
                Some(sequence) => format!("{}: row {sequence}", effects::OTHER_ROW),
            }
        }
        Err(error) => format!("D1: {error}"),
    };
    if let Some(first) = events.first()
        && failure.contains(effects::OTHER_ROW)
    {
        let organization = first.event.organization_id;
        log::failure("audit.conflict", &format!("{organization}: {failure}"));
        if let Err(error) = ledger_client::tell_conflict(env, organization).await {
            log::failure("audit.conflict", &error.private());
        }
    }
    Err(failure)
}
