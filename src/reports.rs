//! Tells Ledgers of the runs that this isolate has learned (R32), behind answers, so that no request
//! waits for it. What does not arrive is not sent again: the origin is asked for the run then.

use super::log;
use super::objects::ledger_client;
use super::platform::{Isolated, Platform};
use postern_gate::RunReport;

/// Where a report that failed is logged.
const PLACE: &str = "runs";

/// Sends what a step has made due.
pub fn send(platform: &Platform, gate: &Isolated) {
    loop {
        let due = gate.borrow_mut().memory.reports.due();
        match due {
            Some(report) => behind_answer(platform, gate, report),
            None => return,
        }
    }
}

/// The Ledger looks at the caller's token when it writes: one that was revoked since the origin
/// answered has nothing written.
fn behind_answer(platform: &Platform, gate: &Isolated, report: RunReport) {
    let (env, gate) = (platform.env.clone(), gate.clone());
    platform.after_answer(async move {
        let RunReport { grant, command } = &report;
        let (to, actor) = (grant.organization(), grant.actor());
        match ledger_client::command(&env, to, actor, command).await {
            Ok(answer) => {
                if gate.borrow_mut().memory.reported(&report, answer) {
                    let (run, id) = (command.run, to.id);
                    let cause = format!("the origin gave run {run} of {id} to two workflows");
                    log::failure(PLACE, &cause);
                }
            }
            Err(error) => log::failure(PLACE, &error.private()),
        }
    });
}
