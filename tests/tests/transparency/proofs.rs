//! Checkpoints, inclusion and consistency, by public keys alone; and that somebody who has every key of the chain, and
//! all stores, is found out by a checkpoint that was kept.

use postern_domain::audit::links::next_row;
use postern_domain::audit::{GENESIS, hex};
use postern_domain::id::OrganizationId;
use postern_system_tests::audit::{check, export};
use postern_system_tests::cases;
use postern_system_tests::ledgers::{on_ledgers, on_record};
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;
use postern_transparency::inclusion::{InclusionError, InclusionProof};
use postern_transparency::proof::Unproven;
use postern_transparency::tree::{Frontier, leaf};
use serde_json::{Value, json};

use crate::support::{checkpoint, continues, keys, signing, text};

pub fn cases() -> Vec<Case<Setup>> {
    cases![
        r54_public_keys_verify_checkpoints_and_proofs,
        r54_without_keys_and_without_the_right_nothing_is_told,
        r54_a_log_that_was_rewritten_with_every_key_is_caught_by_an_old_checkpoint,
    ]
}

/// The root of the events of an export.
fn root_of(lines: &[String], size: u64) -> postern_transparency::tree::Hash {
    let mut frontier = Frontier::new();
    for line in lines {
        let row: Value = serde_json::from_str(line).expect("JSON");
        if let Some(content) = row["content"].as_str() {
            frontier.append(leaf(content.as_bytes()));
        }
        if frontier.size() == size {
            break;
        }
    }
    assert_eq!(frontier.size(), size);
    frontier.root()
}

async fn r54_public_keys_verify_checkpoints_and_proofs(setup: &Setup) {
    let gateway = signing(setup).start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let (first, _) = checkpoint(&gateway, &organization, false).await;
    let token = organization.mint(&gateway, &json!({ "name": "ci" })).await;
    for number in 0..5 {
        let body = json!({ "name": format!("t{number}") });
        organization.mint(&gateway, &body).await;
    }
    organization.revoke(&gateway, &token.id).await;
    // The kept one, until a fresh one is asked for.
    let (kept, _) = checkpoint(&gateway, &organization, false).await;
    assert_eq!(kept, first);
    let (second, _) = checkpoint(&gateway, &organization, true).await;
    assert_eq!(second.size, first.size + 7);
    let lines = export(&gateway, &organization).await;
    for checkpoint in [&first, &second] {
        assert_eq!(root_of(&lines, checkpoint.size), checkpoint.root);
    }
    assert_eq!(
        continues(&gateway, &organization, &first, &second).await,
        Ok(())
    );

    let keys = keys(&gateway, &organization).await;
    for sequence in [1, second.size] {
        let path = format!("/org/audit/{sequence}/proof");
        let proof = text(&gateway, &organization, &path).await;
        let proof = InclusionProof::parse(&proof).expect("a proof");
        let entry = proof.extra.clone().expect("the event");
        let included = proof.verify(&entry, &keys, &[]).expect("it is included");
        assert_eq!(
            (proof.index + 1, included.checkpoint.size),
            (sequence, second.size)
        );
        let event: Value = serde_json::from_slice(&entry).expect("an event");
        assert_eq!(event["sequence"], sequence);
        let other = proof.verify(b"{}", &keys, &[]);
        assert_eq!(other, Err(InclusionError::NotIncluded));
    }
    for (path, status, code) in [
        ("/org/audit/0/proof", 404, "not_found"),
        ("/org/audit/999/proof", 404, "not_found"),
        ("/org/audit/consistency?from=1&to=999", 400, "size_invalid"),
        ("/org/audit/consistency?from=3&to=2", 400, "size_invalid"),
        ("/org/audit/consistency", 400, "size_invalid"),
        ("/org/audit/checkpoint?fresh=yes", 400, "query_invalid"),
        (
            "/.well-known/postern-audit-keys",
            400,
            "organization_id_invalid",
        ),
    ] {
        let answer = organization.call(&gateway, "GET", path).send().await;
        answer.problem(status, code);
    }
    let list = "/org/audit/checkpoints?public=true";
    let list = organization
        .call(&gateway, "GET", list)
        .send()
        .await
        .json(200);
    let sizes: Vec<u64> = list["checkpoints"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["size"].as_u64().expect("a size"))
        .collect();
    assert_eq!(sizes, [second.size, first.size]);
    assert_eq!(list["faults"], json!([]));
}

async fn r54_without_keys_and_without_the_right_nothing_is_told(setup: &Setup) {
    let gateway = setup.serve().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let paths = [
        "/org/audit/checkpoint",
        "/org/audit/checkpoint?fresh=true",
        "/org/audit/consistency?from=1",
        "/org/audit/1/proof",
        "/org/audit/checkpoints?public=true",
    ];
    for path in paths {
        let answer = organization.call(&gateway, "GET", path).send().await;
        answer.problem(404, "audit_keys_not_set");
    }
    let path = format!(
        "/.well-known/postern-audit-keys?organization={}",
        organization.id
    );
    let answer = gateway.call("GET", &path).send().await;
    answer.problem(404, "audit_keys_not_set");
    gateway.stop();

    let gateway = signing(setup).start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let stranger = organization.mint(&gateway, &json!({ "name": "ci" })).await;
    let reader = json!({ "name": "auditor", "policies": ["audit:read"] });
    let reader = organization.mint(&gateway, &reader).await;
    for path in paths {
        let call = |token| organization.call_as(&gateway, token, "GET", path);
        call(&stranger)
            .send()
            .await
            .problem(403, "operation_not_allowed");
        assert_eq!(call(&reader).send().await.status, 200, "{path}");
    }
}

async fn r54_a_log_that_was_rewritten_with_every_key_is_caught_by_an_old_checkpoint(setup: &Setup) {
    let serve = signing(setup);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    organization
        .mint(&gateway, &json!({ "name": "hidden" }))
        .await;
    organization
        .mint(&gateway, &json!({ "name": "shown" }))
        .await;
    let (old, _) = checkpoint(&gateway, &organization, true).await;
    let lines = export(&gateway, &organization).await;
    gateway.stop();

    // Another name is in the event of the first token, and every link is made anew, with the real key.
    let ring = setup.keys.root().audit;
    let mut previous = GENESIS;
    let rows: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let content = row["content"].as_str()?.to_owned();
            Some(next_row(
                &ring,
                &mut previous,
                content.replace("admin-token", "someone-else"),
            ))
        })
        .collect();
    let last = hex(&previous);
    let mut d1 = "drop trigger audit_is_append_only_update;".to_owned();
    for (number, row) in (1..).zip(&rows) {
        let content = row.content.replace('\'', "''");
        d1.push_str(&format!(
            "update audit set content = '{content}', previous = '{}', link = '{}' \
             where organization_id = '{}' and sequence = {number};",
            row.previous, row.link, organization.id
        ));
    }
    d1.push_str(
        "create trigger audit_is_append_only_update before update on audit begin \
         select raise(abort, 'the audit log is append-only'); end;",
    );
    assert_eq!(on_record(&serve.state(), &d1), Ok(()));
    // The Ledger too: its head, its copies, its tree, and what it has signed.
    on_ledgers(
        &serve.state(),
        &format!(
            "update head set link = '{last}'; delete from events; delete from outbox; \
             delete from tree; delete from tree_tiles; delete from tree_signed;"
        ),
    );
    let gateway = serve.start().await;
    // The keyed chain is fine with that.
    let rewritten = export(&gateway, &organization).await;
    let report = check(&rewritten, &setup.keys);
    assert!(report.is_clean(), "{:#?}", report.faults);
    // Who has kept a checkpoint is not.
    let (new, _) = checkpoint(&gateway, &organization, true).await;
    assert!(new.size >= old.size);
    assert_eq!(
        continues(&gateway, &organization, &old, &new).await,
        Err(Unproven)
    );
    assert_ne!(root_of(&rewritten, old.size), old.root);
    assert!(OrganizationId::parse(&organization.id).is_ok());
}
