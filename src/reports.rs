//! Tells Ledgers of the runs that this isolate has learned (R32), behind answers, so that no request
//! waits for it. What does not arrive is not sent again: the origin is asked for the run then.

use super::log;
use super::objects::ledger_client;
use super::platform::{Isolated, Platform, now};
use postern_gate::RunReport;
use postern_ledger::BegunRun;

/// Where a report that failed is logged.
const PLACE: &str = "runs";

/// For how long one request goes on to send what has come to wait meanwhile, in milliseconds. The
/// platform ends what a request does behind its answer after 30 s; the next `Init` goes on.
const SEND_ON_MS: i64 = 15_000;

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
        let mut due = Some(report);
        while let Some(report) = due {
            tell(&later, &gate, &report).await;
            let goes_on = now().since(began) < SEND_ON_MS;
            let reports = &mut gate.borrow_mut().memory.reports;
            due = goes_on.then(|| reports.due(now())).flatten();
        }
    });
}

/// The Ledger looks at the caller's token when it writes: one that was revoked since the origin
/// answered has nothing written.
async fn tell(platform: &Platform, gate: &Isolated, report: &RunReport) {
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
        }
        Err(error) => {
            gate.borrow_mut().memory.reports.failed(report);
            log::failure(PLACE, &error.private());
        }
    }
}
