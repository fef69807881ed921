//! What docs/openapi.json lists as refusals is what the routes answer, and nothing else (R38): each code of each operation is
//! driven here, most by what is wrong in the same way for every operation, the others one by one.

mod alike;
mod document;
mod single;
mod started;

use std::process::ExitCode;
use std::sync::Arc;

use document::{Met, operations};
use postern_system_tests::forge::Keys;
use postern_system_tests::origin::Origin;
use postern_system_tests::{cases, runner};

/// What the case works with.
pub struct World {
    pub keys: Keys,
    pub origin: Origin,
}

fn main() -> ExitCode {
    runner::run(
        || async {
            World {
                keys: Keys::random(),
                origin: Origin::start().await,
            }
        },
        cases![every_route_answers_the_codes_that_are_listed_for_it_and_no_others],
    )
}

async fn every_route_answers_the_codes_that_are_listed_for_it_and_no_others(world: Arc<World>) {
    let operations = operations();
    let mut met = Met::default();
    alike::drive(&world, &operations, &mut met).await;
    single::drive(&world, &operations, &mut met).await;
    started::drive(&world, &operations, &mut met).await;
    met.assert_complete(&operations);
}
