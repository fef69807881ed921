//! Tells Ledgers of the runs that this isolate has learned (R32), behind answers, so that no request
//! waits for it. What does not arrive is not sent again: the origin is asked for the run then.

use super::log;
use super::objects::ledger_client;
use super::platform::{Isolated, Platform, now};
use postern_gate::RunReport;
use postern_ledger::BegunRun;

/// Where a report that failed is logged.
const PLACE: &str = "runs";

/// For how long one request goes on to send what has come to wait meanwhile, in milliseconds, and how
/// many reports it sends at most: the platform ends what a request does behind its answer after 30 s,
/// and counts what it asks for. The next call that finds a report due goes on.
const SEND_ON_MS: i64 = 15_000;
/// See [`SEND_ON_MS`].
const SEND_ON_REPORTS: u32 = 8;

/// Sends what a step has made due.
pub fn send(platform: &Platform, gate: &Isolated) {
    loop {
        let due = gate.borrow_mut().memory.reports.due(now());
        match due {
            Some(report) => behind_answer(platform, gate, report),
            None => return,
        }
    }
}

fn behind_answer(platform: &Platform, gate: &Isolated, report: RunReport) {
    let (later, gate) = (platform.clone(), gate.clone());
    let began = now();
    platform.after_answer(async move {
        let (mut due, mut sent) = (Some(report), 0);
        while let Some(report) = due {
            // After a failure the next report would probably fail too, and be lost.
            let is_told = tell(&later, &gate, &report).await;
            sent += 1;
            let goes_on = is_told && sent < SEND_ON_REPORTS && now().since(began) < SEND_ON_MS;
            let reports = &mut gate.borrow_mut().memory.reports;
            due = goes_on.then(|| reports.due(now())).flatten();
        }
    });
}

/// The Ledger looks at the caller's token when it writes: one that was revoked since the origin
/// answered has nothing written. Returns whether the Ledger has answered.
async fn tell(platform: &Platform, gate: &Isolated, report: &RunReport) -> bool {
    let RunReport { grant, command } = report;
    let (env, to, actor) = (&platform.env, grant.organization(), grant.actor());
    let told = match command.single(now()) {
        Some(single) => {
            let told = ledger_client::command(env, to, actor, &single).await;
            told.map(|answer| answer.about(single.run))
        }
        // A Ledger of 0.1.0 takes one at a time. There the origin is asked for these runs.
        None => ledger_client::command(env, to, actor, command).await,
    };
    match told {
        Ok(answer) => {
            let others = gate.borrow_mut().memory.reported(report, answer);
            for BegunRun { run, .. } in others {
                let cause = format!("the origin gave run {run} of {} to two workflows", to.id);
                log::failure(PLACE, &cause);
            }
            true
        }
        Err(error) => {
            gate.borrow_mut().memory.reports.failed(report);
            log::failure(PLACE, &error.private());
            false
        }
    }
}
