//! What docs/openapi.json lists as refusals is what the routes answer, and nothing else (R38): each code of each operation is
//! driven here, most by what is wrong in the same way for every operation, the others one by one.

mod adoptions;
mod alike;
mod checkpoints;
mod document;
mod edits;
mod jobs;
mod late;
mod paused;
mod rebuilt;
mod searches;
mod single;
mod started;
mod upstreams;

use std::process::ExitCode;

use document::{Met, operations};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, runner};

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![every_route_answers_the_codes_that_are_listed_for_it_and_no_others],
    )
}

async fn every_route_answers_the_codes_that_are_listed_for_it_and_no_others(setup: &Setup) {
    let operations = operations();
    let mut met = Met::default();
    alike::drive(setup, &operations, &mut met).await;
    single::drive(setup, &operations, &mut met).await;
    started::drive(setup, &operations, &mut met).await;
    jobs::drive(setup, &operations, &mut met).await;
    late::drive(setup, &operations, &mut met).await;
    paused::drive(setup, &operations, &mut met).await;
    rebuilt::drive(setup, &operations, &mut met).await;
    checkpoints::drive(setup, &operations, &mut met).await;
    met.assert_complete(&operations);
}
