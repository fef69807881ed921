//! What keeps this isolate's leases: renewals, watches, and the timers by which leases end (R41).
//! Uses are reported with renewals to Ledgers of earlier releases alone. All of it is done behind
//! answers, so that no request waits for it.

use super::activity;
use super::log;
use super::objects::ledger_client;
use super::platform::{Isolated, Platform, delay, now};
use super::reports;
use postern_domain::id::OrganizationId;
use postern_domain::standing::Actor;
use postern_gate::Due;
use postern_registry::error::Result;

/// For how long one request watches on, in milliseconds.
const WATCH_ON_MS: i64 = 15_000;

/// Sees to what a step has made due, other reports too. Called before a question is sent, so that
/// the timer of its lease starts in the same turn of the runtime, before any answer can come; and
/// before a call ends.
pub fn keep(platform: &Platform, gate: &Isolated) {
    loop {
        let due = gate.borrow_mut().memory.leases.due();
        match due {
            Some(due) => behind_answer(platform, gate, due),
            None => break,
        }
    }
    activity::keep(platform, gate);
    reports::send(platform, gate);
}

fn behind_answer(platform: &Platform, gate: &Isolated, due: Due) {
    let (later, gate) = (platform.clone(), gate.clone());
    platform.after_answer(async move {
        let done = match due {
            Due::Renewal { organization } => renew(&later, &gate, organization, false).await,
            Due::Report {
                organization,
                after_ms,
            } => {
                delay(after_ms).await;
                renew(&later, &gate, organization, true).await
            }
            Due::Watch { organization } => watch(&later, &gate, organization).await,
            Due::Expiry {
                organization,
                question,
                after_ms,
            } => {
                delay(after_ms).await;
                let leases = &mut gate.borrow_mut().memory.leases;
                leases.expired(organization, question);
                Ok(())
            }
        };
        if let Err(error) = done {
            log::failure("leases", &error.private());
        }
    });
}

/// Asks for a longer lease, or only reports uses.
async fn renew(
    platform: &Platform,
    gate: &Isolated,
    organization: OrganizationId,
    is_report: bool,
) -> Result<()> {
    let renewal = gate
        .borrow_mut()
        .memory
        .leases
        .renewal(organization, is_report, now());
    let Some(renewal) = renewal else {
        return Ok(());
    };
    keep(platform, gate);
    let (env, nobody) = (&platform.env, Actor::NotAToken);
    let told = ledger_client::command(env, organization, nobody, &renewal.command).await;
    let leases = &mut gate.borrow_mut().memory.leases;
    leases.renewed(renewal, told.as_ref().ok(), now());
    told.map(|_| ())
}

/// Asks for the next change, and, once it is applied, for the one after that: so the Ledger learns
/// that it is.
async fn watch(platform: &Platform, gate: &Isolated, organization: OrganizationId) -> Result<()> {
    let begun = now();
    loop {
        let watch = gate.borrow_mut().memory.leases.watch(organization, now());
        let Some(watch) = watch else {
            return Ok(());
        };
        let (env, nobody) = (&platform.env, Actor::NotAToken);
        let told = ledger_client::command(env, organization, nobody, &watch.command).await;
        let leases = &mut gate.borrow_mut().memory.leases;
        let goes_on = leases.watched(&watch, told.as_ref().ok(), now());
        told?;
        // What runs behind an answer is ended by the platform after half a minute: another request
        // begins the next watch before that.
        if !goes_on || now().since(begun) > WATCH_ON_MS {
            return Ok(());
        }
    }
}
