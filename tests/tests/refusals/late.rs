//! Refusals of calls whose body is late, and of tokens that are revoked while they are being created.

use std::time::Duration;

use postern_system_tests::organization::Organization;
use postern_system_tests::random_address;
use postern_system_tests::suite::Setup;
use serde_json::json;

use crate::adoptions::upstream;
use crate::alike::Cast;
use crate::document::{Met, Operation};

/// Everything below, one gateway after the other.
pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    meanwhile(setup, operations, met).await;
    half_sent(setup, operations, met).await;
}

/// `body_timeout` and `body_incomplete`: the body stops coming, or the connection ends in its midst.
async fn half_sent(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let cast = Cast::on(setup.serve().start().await, &setup.keys.admin).await;
    let mut calls = Vec::new();
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("body_timeout"))
    {
        let call = || match operation.media {
            Some(_) => cast.admin(operation),
            None => cast.admin(operation).json(&json!({})),
        };
        let slow = call();
        calls.push((
            operation,
            tokio::spawn(async move { slow.begin(1).await.answer().await }),
        ));
        met.note(operation, &call().begin(1).await.cut().await);
    }
    for (operation, call) in calls {
        met.note(operation, &call.await.expect("an answer"));
    }
    cast.gateway.stop();
}

/// What happens to a token while it is being created: it is revoked, or found in public.
async fn meanwhile(setup: &Setup, operations: &[Operation], met: &mut Met) {
    const LATE: u32 = 1_600;
    let serve = setup.serve();
    let gateway = serve.slow_record(LATE, 0).start().await;
    let organization = Organization::with(
        &gateway,
        &setup.keys.admin,
        &json!({ "on_leak": "quarantine" }),
    )
    .await;
    let half = Duration::from_millis(u64::from(LATE) / 2);
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("revoked_meanwhile"))
    {
        let old = organization.mint(&gateway, &json!({})).await;
        let path = operation.path.replace("{id}", &old.id);
        let body = match operation.name.as_str() {
            "adoptToken" => {
                json!({ "token": upstream(setup, &organization, &json!({})) })
            }
            _ => json!({}),
        };
        let call = organization
            .call(&gateway, &operation.method, &path)
            .json(&body);
        // Not the old one of a rotation.
        let newer = json!({ "created_after": old.answer["created_at"] });
        let revoking = async {
            tokio::time::sleep(half).await;
            organization
                .revoking(&gateway, &newer)
                .send()
                .await
                .json(200)
        };
        let (answer, _) = tokio::join!(call.send(), revoking);
        met.note(operation, &answer);
    }
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("quarantined_meanwhile"))
    {
        let token = upstream(setup, &organization, &json!({}));
        let call = organization
            .call(&gateway, &operation.method, &operation.path)
            .json(&json!({ "token": token }));
        let reporting = async {
            tokio::time::sleep(half).await;
            let report = gateway.call("POST", "/leaks").from(&random_address());
            report
                .json(&json!({ "tokens": [token] }))
                .send()
                .await
                .json(202)
        };
        let (answer, _) = tokio::join!(call.send(), reporting);
        met.note(operation, &answer);
    }
    gateway.stop();
}
