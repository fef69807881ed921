//! A selector that fits more tokens than one call revokes is refused whole (issue of scale: 10,000). The tokens are
//! copied into the Ledger's own store while nothing runs; minting them would take minutes.

use std::process::ExitCode;

use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::organization::Organization;
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, runner};
use serde_json::json;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![ten_thousand_and_one_are_too_many_and_none_of_them_dies],
    )
}

async fn ten_thousand_and_one_are_too_many_and_none_of_them_dies(setup: &Setup) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let first = organization.mint(&gateway, &json!({})).await;
    gateway.stop();

    let copies = "insert into tokens (id, facts, place, name, is_system, state, created_at) \
                  with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000) \
                  select printf('%08x-0000-4000-8000-000000000000', i), facts, place, 'copy-' || i, 0, 1, created_at \
                  from n, (select facts, place, created_at from tokens limit 1)";
    on_ledgers(&serve.state(), copies);

    let gateway = serve.start().await;
    let everything = json!({ "created_after": "2000-01-01T00:00:00Z" });
    let revoke = || organization.call(&gateway, "POST", "/org/tokens/revoke");
    let problem = revoke()
        .json(&everything)
        .send()
        .await
        .problem(400, "selector_too_wide");
    let told = "the selector matches more than 10000 tokens: narrow it, and call again";
    assert_eq!(problem["detail"], told);
    assert!(organization.token(&gateway, &first.id).await["revoked_at"].is_null());

    // One less is not too many.
    let dry = json!({ "created_after": "2000-01-01T00:00:00Z", "dry_run": true });
    gateway.stop();
    on_ledgers(
        &serve.state(),
        "delete from tokens where name = 'copy-10000'",
    );
    let gateway = serve.start().await;
    let answer = organization
        .call(&gateway, "POST", "/org/tokens/revoke")
        .json(&dry)
        .send()
        .await
        .json(200);
    assert_eq!(answer["matched"], 10_000);
    gateway.stop();
}
