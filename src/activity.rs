//! Tells Ledgers what calls of their tokens have come to (R49), behind answers, so that no request waits
//! for it. A batch that finds no answer goes again with the next report.

use super::leases;
use super::log;
use super::objects::ledger_client;
use super::platform::{Isolated, Platform, delay, now};
use postern_gate::activity::{Batch, REPORT_MS, Told};

/// Where a report that failed is logged.
const PLACE: &str = "activity";

/// How many batches one request sends at most. The next report goes on.
const BATCHES: u32 = 8;

/// Sees to what a step has made due. Called before a call ends.
pub fn keep(platform: &Platform, gate: &Isolated) {
    loop {
        let due = gate.borrow_mut().memory.activity.due();
        let Some(to) = due else { return };
        let (later, gate) = (platform.clone(), gate.clone());
        platform.after_answer(async move {
            delay(REPORT_MS).await;
            report(&later, &gate, to).await;
        });
    }
}

async fn report(platform: &Platform, gate: &Isolated, to: Told) {
    for _ in 0..BATCHES {
        let batch = gate.borrow_mut().memory.activity.batch(to, now());
        let Some(batch) = batch else { return };
        if !tell(platform, gate, &batch).await {
            return;
        }
    }
}

/// Returns whether the batch is done with.
async fn tell(platform: &Platform, gate: &Isolated, batch: &Batch) -> bool {
    let told = ledger_client::tell_activity(&platform.env, batch.to, &batch.command).await;
    match told {
        Ok(true) => gate.borrow_mut().memory.activity.told(batch),
        // A Ledger of an earlier release takes uses, and nothing else.
        Ok(false) => {
            gate.borrow_mut().memory.tell_uses(batch, now());
            leases::keep(platform, gate);
        }
        Err(error) => {
            gate.borrow_mut().memory.activity.failed(batch);
            log::failure(PLACE, &error.private());
            return false;
        }
    }
    true
}
