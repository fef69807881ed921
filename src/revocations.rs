//! Bounded mode: the questions that keep this isolate's copies of revocation logs fresh and report
//! uses. They are asked after answers, so that no request waits for one.

use std::time::Duration;

use worker::Delay;

use super::log;
use super::objects::ledger_client;
use super::platform::{Isolated, Platform, now};
use postern_domain::revocation::Delta;
use postern_domain::standing::Actor;
use postern_gate::Due;
use postern_registry::error::Result;

/// Sees to the questions that a step has made due.
pub fn keep_young(platform: &Platform, gate: &Isolated) {
    loop {
        let due = gate.borrow_mut().memory.copies.due();
        match due {
            Some(due) => after_answer(platform, gate, due),
            None => return,
        }
    }
}

/// Asks for what has changed, once, after a while. With traffic, the next request asks for the next
/// time; without, nobody does.
fn after_answer(platform: &Platform, gate: &Isolated, due: Due) {
    let (later, gate) = (platform.clone(), gate.clone());
    let wait = Duration::from_millis(u64::try_from(due.wait_ms).unwrap_or_default());
    platform.after_answer(async move {
        if !wait.is_zero() {
            Delay::from(wait).await;
        }
        if let Err(error) = sync(&later, &gate, due).await {
            log::failure("revocations.sync", &error.private());
        }
    });
}

/// One call: uses there, changes back.
async fn sync(platform: &Platform, gate: &Isolated, due: Due) -> Result<()> {
    let sync = gate
        .borrow_mut()
        .memory
        .copies
        .sync(due.organization, now());
    let asked = ledger_client::command(
        &platform.env,
        due.organization,
        Actor::NotAToken,
        &sync.command,
    );
    let answer: Result<Delta> = asked.await;
    let copies = &mut gate.borrow_mut().memory.copies;
    copies.synced(sync, answer.as_ref().ok());
    answer.map(|_| ())
}
