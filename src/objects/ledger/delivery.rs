//! Carries the Ledger's outbox to D1, in order, at least once, one batch at a time: a
//! caller that comes while a batch is on its way waits for it.
//!
//! INVARIANT (delivered is what D1 has shown): an event leaves the outbox when its link was read
//! back. Where D1 has another row of its number, somebody else has written there: nothing is
//! forgotten, each try is logged, and `/readyz` says so.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use worker::{Delay, Env};

use super::Object;
use crate::log;
use crate::objects::ledger_client;
use crate::store::record_changes::{self, Landed};
use crate::store::{d1, records};
use postern_ledger::{ANSWER_WAIT, AuditRow, Delivery, Entry, RecordChange, Wait};

/// Who carries; there is one.
#[derive(Default)]
pub struct Carrier(Mutex<()>);

impl Object {
    /// Waits for what a command has to know of D1. `place` is where a failure is logged that the
    /// command's answer does not tell.
    pub(super) async fn await_d1(self: &Rc<Self>, wait: Wait, place: &str) -> Delivery {
        let delivered = self.deliver(wait.entry(), ANSWER_WAIT).await;
        match (delivered, wait) {
            (Err(cause), wait) => {
                if wait == Wait::Offer {
                    log::failure(place, &cause);
                }
                Delivery::Failed { cause }
            }
            (Ok(()), Wait::Row { token, .. }) => {
                match records::token_organization(&self.env, token).await {
                    Ok(row_of) => Delivery::Arrived { row_of },
                    Err(error) => Delivery::Failed {
                        cause: error.private(),
                    },
                }
            }
            (Ok(()), Wait::Entry(_) | Wait::Offer) => Delivery::Arrived { row_of: None },
        }
    }

    /// Returns when D1 has every entry up to `entry`, or after `patience`.
    ///
    /// # Errors
    /// Why D1 did not take them; they stay in the outbox.
    pub(super) async fn deliver(
        self: &Rc<Self>,
        entry: i64,
        patience: Duration,
    ) -> Result<(), String> {
        let delivery = Box::pin(self.carry(entry));
        match select(delivery, Delay::from(patience)).await {
            Either::Left((delivered, _)) => delivered,
            Either::Right(_) => Err("D1 did not answer in time".into()),
        }
    }

    async fn carry(self: &Rc<Self>, entry: i64) -> Result<(), String> {
        let _carrying = self.carrier.0.lock().await;
        loop {
            let entries = self.turn(|ledger| ledger.outbox()).await;
            let entries = entries
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
            let Some(last) = entries.last().map(|last| last.id) else {
                return Ok(());
            };
            if entries.first().is_some_and(|first| first.id > entry) {
                return Ok(());
            }
            send(&self.env, &entries).await?;
            self.turn(|ledger| ledger.delivered(last))
                .await
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
        }
    }
}

async fn send(env: &Env, entries: &[Entry]) -> Result<(), String> {
    let database = d1::database(env).map_err(|error| error.private())?;
    let changes = || entries.iter().flat_map(|entry| &entry.changes);
    let events: Vec<&AuditRow> = changes()
        .filter_map(|change| match change {
            RecordChange::AppendAudit(row) => Some(&**row),
            _ => None,
        })
        .collect();
    let shown = record_changes::show(&database, &events).map_err(|error| error.to_string())?;
    let statements = changes()
        .map(|change| record_changes::prepare(&database, change))
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
            match record_changes::not_landed(&events, &landed) {
                None => return Ok(()),
                Some(sequence) => format!("{}: row {sequence}", record_changes::OTHER_ROW),
            }
        }
        Err(error) => format!("D1: {error}"),
    };
    if let Some(first) = events.first()
        && failure.contains(record_changes::OTHER_ROW)
    {
        let organization = first.event.organization_id;
        log::failure("audit.conflict", &format!("{organization}: {failure}"));
        if let Err(error) = ledger_client::tell_conflict(env, organization).await {
            log::failure("audit.conflict", &error.private());
        }
    }
    Err(failure)
}
