//! Tokens that nobody uses are revoked by themselves (R14). The days are made to pass by moving
//! what the Ledger has stored, while nothing runs, and only there.

use std::process::ExitCode;

use postern_system_tests::gateway::Gateway;
use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::organization::Organization;
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, runner};
use serde_json::json;

const DAY_MS: i64 = 86_400_000;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![r14_idle_tokens_are_revoked_where_the_organization_asks_for_it],
    )
}

async fn mint(organization: &Organization, gateway: &Gateway, name: &str) -> String {
    let body = json!({ "name": name });
    organization.mint(gateway, &body).await.id
}

async fn r14_idle_tokens_are_revoked_where_the_organization_asks_for_it(setup: &Setup) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let asks =
        Organization::with(&gateway, &setup.keys.admin, &json!({ "max_idle_days": 2 })).await;
    let does_not = Organization::new(&gateway, &setup.keys.admin).await;
    let idle = mint(&asks, &gateway, "idle").await;
    let used = mint(&asks, &gateway, "used").await;
    let system = asks
        .mint(&gateway, &json!({ "name": "system", "system": true }))
        .await
        .id;
    let elsewhere = mint(&does_not, &gateway, "elsewhere").await;
    gateway.stop();

    // All were minted three days ago; one was used yesterday.
    let long_ago = format!("update tokens set created_at = created_at - {}", 3 * DAY_MS);
    on_ledgers(&serve.state(), &long_ago);
    let yesterday = format!(
        "update tokens set uses = 1, used_at = created_at + {} where id = '{used}'",
        2 * DAY_MS
    );
    on_ledgers(&serve.state(), &yesterday);

    // The hourly event runs at the start.
    let gateway = serve.start().await;
    let revoked = asks
        .token_ids(&gateway, "status=revoked&include_system=true")
        .await;
    assert_eq!(revoked, [idle.clone()].into());
    let active = asks
        .token_ids(&gateway, "status=active&include_system=true")
        .await;
    assert_eq!(active, [used, system].into());
    assert_eq!(
        does_not.token_ids(&gateway, "status=active").await,
        [elsewhere].into()
    );

    let first = asks.token(&gateway, &idle).await["revoked_at"].clone();
    gateway.stop();
    // A second run finds nothing new and changes nothing.
    let gateway = serve.start().await;
    assert_eq!(asks.token(&gateway, &idle).await["revoked_at"], first);
    gateway.stop();
}
