//! Both releases at once, as in a gradual deployment: gateways of either, and Ledgers of either.

use postern_system_tests::cases;
use postern_system_tests::life::{accepted, assert_dead, assert_live};
use postern_system_tests::organization::Organization;
use postern_system_tests::releases::Module::{self, Current, Previous};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;
use serde_json::json;

use crate::made::Made;
use crate::serve;

pub fn cases() -> Vec<Case<Setup>> {
    cases![
        a_gateway_works_with_ledgers_of_the_previous_release,
        a_gateway_of_the_previous_release_works_with_ledgers,
        r41_a_revoke_through_either_release_is_final_in_both,
    ]
}

async fn a_gateway_works_with_ledgers_of_the_previous_release(setup: &Setup) {
    works(setup, Current, Previous).await;
}

async fn a_gateway_of_the_previous_release_works_with_ledgers(setup: &Setup) {
    works(setup, Previous, Current).await;
}

async fn works(setup: &Setup, gateway: Module, ledgers: Module) {
    let gateway = serve(setup, &[gateway]).ledgers(ledgers).start().await;
    let mut made = Made::by(&gateway, setup).await;
    made.holds(&gateway, setup).await;
    gateway.stop();
}

/// Each of the four ways: who revokes, and of which release the Ledgers are.
async fn r41_a_revoke_through_either_release_is_final_in_both(setup: &Setup) {
    for ledgers in [Current, Previous] {
        let gateway = serve(setup, &[Previous, Current]).ledgers(ledgers);
        // Long, so that calls rest on leases of both.
        let gateway = gateway.set("REVOCATION_LEASE_MS", "5000").start().await;
        let organization = Organization::new(&gateway, &setup.keys.admin).await;
        let set = organization.call(&gateway, "PUT", "/org/upstream");
        set.json(&json!({ "credential": "stored" }))
            .send()
            .await
            .json(200);
        for format in ["opaque", "jwt"] {
            for through in [0, 1] {
                let token = organization.mint_for_release(&gateway, format).await;
                for _ in 0..2 {
                    assert_live(&gateway, &token, "it was created").await;
                }
                let path = format!("/org/tokens/{}", token.id);
                let revoke = organization.call_on(&gateway, through, "DELETE", &path);
                revoke.send().await.json(200);
                assert_dead(&gateway, &token, "the revoke has answered").await;

                let old = organization.mint_for_release(&gateway, format).await;
                for _ in 0..2 {
                    assert_live(&gateway, &old, "it was created").await;
                }
                let path = format!("/org/tokens/{}/rotate", old.id);
                let rotate = organization.call_on(&gateway, through, "POST", &path);
                let new = rotate.json(&json!({})).send().await.json(201);
                assert_dead(&gateway, &old, "the rotation has answered").await;
                let new = new["token"].as_str().expect("a token");
                for isolate in [0, 1] {
                    assert!(accepted(&gateway, isolate, new).await, "the successor");
                }
            }
        }
        gateway.stop();
    }
}
