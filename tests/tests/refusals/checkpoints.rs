//! Refusals of public checkpoints and proofs: on a gateway that signs, and on stores that were changed while nothing ran.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use postern_system_tests::ledgers::{on_ledgers, on_record};
use postern_system_tests::organization::Organization;
use postern_system_tests::random;
use postern_system_tests::suite::Setup;
use serde_json::json;

use crate::document::{Met, Operation};

/// What a Ledger has of its tree, and the copies that it keeps of its events.
const NO_TREE: &str =
    "delete from tree; delete from tree_tiles; delete from tree_signed; delete from events";
/// D1 has no checkpoint either, so one has to be signed.
const NO_NOTES: &str = "drop trigger audit_notes_are_append_only_delete; delete from audit_notes";
/// D1 keeps rows as they came, but for whoever drops its triggers.
const CHANGED: &str = "drop trigger audit_is_append_only_update; \
    update audit set content = replace(content, 'project', 'prospect') where sequence = 2";
const REMOVED: &str = "drop trigger audit_is_append_only_delete; delete from audit";
/// Another root than the one that was signed.
const FORKED: &str = "update tree_signed set root = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='";

const SIGNED: [(&str, &str); 3] = [
    ("publicCheckpoint", "/org/audit/checkpoint?fresh=true"),
    ("auditConsistency", "/org/audit/consistency?from=1"),
    ("auditProof", "/org/audit/1/proof"),
];

pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let named = |name: &str| {
        let mut all = operations.iter();
        all.find(|operation| operation.name == name)
            .expect("the operation")
    };
    let without = setup.serve().start().await;
    let organization = Organization::new(&without, &setup.keys.admin).await;
    let call = organization.call(&without, "GET", "/org/audit/checkpoints?public=true");
    met.note(named("listCheckpoints"), &call.send().await);
    without.stop();

    let seed = format!("a1:{}", B64.encode(random::<32>()));
    let signing = || {
        let serve = setup.serve().set("AUDIT_KEYS", &seed);
        serve.set("AUDIT_LOG_NAME", "gate.example")
    };
    for (on_ledger, on_d1, status, code) in [
        (FORKED, "", 409, "audit_log_forked"),
        (NO_TREE, CHANGED, 409, "log_not_genuine"),
        (NO_TREE, REMOVED, 503, "audit_tree_behind"),
    ] {
        let gateway = signing().start().await;
        let organization = Organization::new(&gateway, &setup.keys.admin).await;
        organization.mint(&gateway, &json!({})).await;
        let wrong = gateway.call("GET", "/.well-known/postern-audit-keys?organization=x");
        let wrong = wrong.send().await;
        wrong.problem(400, "organization_id_invalid");
        met.note(named("auditKeys"), &wrong);
        let wrong = organization.call(&gateway, "GET", "/org/audit/consistency?from=x");
        let wrong = wrong.send().await;
        wrong.problem(400, "size_invalid");
        met.note(named("auditConsistency"), &wrong);
        let first = organization.call(&gateway, "GET", "/org/audit/checkpoint?fresh=true");
        assert_eq!(first.send().await.status, 200);
        let (serve, state) = (gateway.serve().clone(), gateway.serve().state());
        gateway.stop();
        on_ledgers(&state, on_ledger);
        let changes = format!("{NO_NOTES}; {on_d1}");
        assert_eq!(on_record(&state, &changes), Ok(()));
        let gateway = serve.start().await;
        for (operation, path) in SIGNED {
            let answer = organization.call(&gateway, "GET", path).send().await;
            answer.problem(status, code);
            met.note(named(operation), &answer);
        }
        gateway.stop();
    }
}
