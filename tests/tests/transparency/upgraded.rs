//! A log that is older than its tree, and a Ledger that was rebuilt, are caught up from D1.

use postern_system_tests::cases;
use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;
use serde_json::json;

use crate::support::{checkpoint, continues, signing};

pub fn cases() -> Vec<Case<Setup>> {
    cases![
        r54_an_older_log_is_caught_up,
        r54_a_rebuilt_ledger_continues_the_log
    ]
}

/// As the release before leaves a Ledger.
const BACK: &str = "drop table tree; drop table tree_tiles; drop table tree_signed; \
    drop table pause; drop table call_windows; alter table policy drop column max_lifetime_days; \
    alter table policy drop column default_expires_in; alter table policy drop column trusted_issuers; \
    update schema set version = 12;";

async fn r54_an_older_log_is_caught_up(setup: &Setup) {
    let serve = signing(setup);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    for number in 0..20 {
        let body = json!({ "name": format!("t{number}") });
        organization.mint(&gateway, &body).await;
    }
    let (old, _) = checkpoint(&gateway, &organization, true).await;
    gateway.stop();
    for how in [
        // From its own copies.
        BACK.to_owned(),
        // From D1, which has all of it.
        format!("{BACK} delete from events;"),
    ] {
        on_ledgers(&serve.state(), &how);
        let gateway = serve.start().await;
        organization.mint(&gateway, &json!({})).await;
        let (new, _) = checkpoint(&gateway, &organization, true).await;
        assert!(new.size > old.size);
        assert_eq!(continues(&gateway, &organization, &old, &new).await, Ok(()));
        gateway.stop();
    }
}

async fn r54_a_rebuilt_ledger_continues_the_log(setup: &Setup) {
    let serve = signing(setup);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    organization.mint(&gateway, &json!({ "name": "ci" })).await;
    let (old, _) = checkpoint(&gateway, &organization, true).await;
    gateway.stop();
    on_ledgers(
        &serve.state(),
        "delete from tokens; delete from events; delete from head; delete from outbox; \
         delete from organization; delete from tree; delete from tree_tiles; delete from tree_signed;",
    );
    let gateway = serve.start().await;
    let path = format!("/orgs/{}/rebuild", organization.name);
    let body = json!({ "dry_run": false, "active": "keep" });
    let call = organization.call(&gateway, "POST", &path).json(&body);
    assert_eq!(call.send().await.json(200)["status"], "finished");
    let (new, _) = checkpoint(&gateway, &organization, true).await;
    assert_eq!(new.size, old.size + 1);
    assert_eq!(continues(&gateway, &organization, &old, &new).await, Ok(()));
}
