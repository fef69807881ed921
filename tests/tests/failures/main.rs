//! Every part that the gateway depends on, in every way in which it can fail, and what becomes of calls and management
//! meanwhile and afterwards. What was answered is in table.txt, which docs/OPERATIONS.md shows.

mod jobs;
mod table;
mod world;

use std::process::ExitCode;

use postern_system_tests::gateway::Gateway;
use postern_system_tests::runner::{self, Case};
use postern_system_tests::suite::Setup;

use crate::jobs::Jobs;
use crate::world::World;

/// How a part fails. Coming back is a part of each.
const FAULTS: [&str; 4] = ["down", "slow", "lying", "half"];

fn main() -> ExitCode {
    let case = |part: &'static str| {
        Case::new(
            &format!("while_{part}_fails"),
            async move |setup: &Setup| while_fails(setup, part).await,
        )
    };
    let parts = [
        "d1", "kv", "ledger", "limiter", "origin", "session", "clock",
    ];
    let mut cases: Vec<Case<Setup>> = parts.into_iter().map(case).collect();
    cases.push(Case::new("while_issuer_fails", while_issuers_fail));
    runner::run(Setup::start(), cases)
}

/// Two isolates: the first has its parts fail, the second is how a token comes to be that the first has not seen.
async fn start(setup: &Setup) -> Gateway {
    let serve = setup.serve().isolates(2).sessions().failing();
    serve.set("ORIGIN_TIMEOUT_SECONDS", "2").start().await
}

async fn while_fails(setup: &Setup, part: &str) {
    let gateway = start(setup).await;
    let session = format!("{}/session", setup.origin.url);
    let url = match part {
        "origin" => Some(setup.origin.url.as_str()),
        "session" => Some(session.as_str()),
        _ => None,
    };
    let mut found = Vec::new();
    for fault in FAULTS {
        let world = World::new(setup, &gateway, part == "session").await;
        found.push((fault, world.under(part, fault, url).await));
    }
    table::holds(part, &found);
    gateway.stop();
}

async fn while_issuers_fail(setup: &Setup) {
    let mut jobs = Jobs::start(setup, &FAULTS).await;
    let mut found = Vec::new();
    for fault in FAULTS {
        found.push((fault, jobs.under(fault).await));
    }
    table::holds("issuer", &found);
    jobs.back(setup, &FAULTS).await;
}
