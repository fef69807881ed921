//! Refusals of a rebuild: of a Ledger that is not lost, and of records that no Ledger can be rebuilt from.

use std::fs;

use postern_system_tests::organization::Organization;
use postern_system_tests::suite::Setup;
use postern_system_tests::{audit, ledgers, stored};
use serde_json::{Value, json};

use crate::document::{Met, Operation};

pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let operation = operations
        .iter()
        .find(|operation| operation.name == "rebuildLedger");
    let operation = operation.expect("the operation");
    let mut gateway = setup.serve().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    // D1 has what the Ledger has.
    audit::export(&gateway, &organization).await;
    let path = format!("/orgs/{}/rebuild", organization.name);
    let nobodys = organization.call(&gateway, "POST", "/orgs/nobodys/rebuild");
    let answer = nobodys.json(&json!({})).send().await;
    answer.problem(404, "not_found");
    met.note(operation, &answer);
    let (serve, state) = (gateway.serve().clone(), gateway.serve().state());
    let broken = "drop trigger audit_is_append_only_update; \
                  update audit set content = replace(content, 'project', 'prospect') where sequence = 2";
    let empty = "drop trigger audit_is_append_only_delete; delete from audit";
    let keep = json!({ "dry_run": false, "active": "keep" });
    let steps: [(&str, &[(Value, &str)]); 3] = [
        ("", &[(json!({}), "ledger_not_lost")]),
        (
            broken,
            &[
                (json!({ "dry_run": false }), "log_not_genuine"),
                (keep, "rebuild_running"),
            ],
        ),
        (empty, &[(json!({ "dry_run": false }), "nothing_recorded")]),
    ];
    for (sql, calls) in steps {
        if !sql.is_empty() {
            gateway.stop();
            assert_eq!(ledgers::on_record(&state, sql), Ok(()));
            if sql == broken {
                // Its storage is lost.
                for store in stored::stores(&state, "Ledger") {
                    fs::remove_file(store).expect("it can be removed");
                }
            }
            gateway = serve.start().await;
        }
        for (body, code) in calls {
            let call = organization.call(&gateway, "POST", &path).json(body);
            let answer = call.send().await;
            answer.problem(409, code);
            met.note(operation, &answer);
        }
    }
    gateway.stop();
}
