//! An upgrade and a rollback, one release after the other on the same stores.

use postern_system_tests::cases;
use postern_system_tests::releases::Module::{Current, Previous};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;

use crate::made::Made;
use crate::serve;

pub fn cases() -> Vec<Case<Setup>> {
    cases![what_was_made_holds_after_an_upgrade_and_after_a_rollback]
}

async fn what_was_made_holds_after_an_upgrade_and_after_a_rollback(setup: &Setup) {
    let previous = serve(setup, &[Previous]);
    let gateway = previous.start().await;
    let mut old = Made::by(&gateway, setup).await;
    gateway.stop();

    // The upgrade. D1 is migrated first.
    let gateway = previous.clone().modules(&[Current]).start().await;
    old.holds(&gateway, setup).await;
    let mut new = Made::by(&gateway, setup).await;
    gateway.stop();

    // The rollback, to the newer D1.
    let gateway = previous.start().await;
    old.holds(&gateway, setup).await;
    new.holds(&gateway, setup).await;
    gateway.stop();

    // And forward again, in the middle of it.
    let gateway = previous.modules(&[Current]).start().await;
    old.holds(&gateway, setup).await;
    new.holds(&gateway, setup).await;
    gateway.stop();
}
