//! Witnesses cosign what is shown to them behind an answer and by the schedule; one that is down delays nothing, and a
//! fork is cosigned by none.

use std::time::Duration;

use postern_system_tests::cases;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::ledgers::{on_ledgers, on_record};
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;
use postern_transparency::checkpoint::cosigned;
use postern_transparency::key::VerifierKey;
use serde_json::json;

use crate::support::{Witness, checkpoint, continues, keys, signing};

pub fn cases() -> Vec<Case<Setup>> {
    cases![
        r54_witnesses_cosign_and_one_that_is_down_delays_nothing,
        r54_a_fork_is_cosigned_by_none
    ]
}

/// The names of those that have cosigned the kept checkpoint, once there are so many.
async fn names(
    gateway: &Gateway,
    organization: &Organization,
    witnesses: &[VerifierKey],
    count: usize,
) -> Vec<String> {
    for _ in 0..200 {
        let (_, note) = checkpoint(gateway, organization, false).await;
        let found = cosigned(&note, witnesses).expect("good signatures");
        if found.len() >= count {
            return found.into_iter().map(|one| one.name).collect();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{count} witnesses did not cosign within 20 s");
}

async fn r54_witnesses_cosign_and_one_that_is_down_delays_nothing(setup: &Setup) {
    let one = Witness::start("one.example/w").await;
    let two = Witness::start("two.example/w").await;
    let entries = format!("{}, {}", one.entry(), two.entry());
    let serve = signing(setup).set("WITNESSES", &entries);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let published = keys(&gateway, &organization).await;
    one.watch(published.clone());
    two.watch(published);
    two.set_down(true);
    let witnesses = [one.verifier(), two.verifier()];
    let (first, _) = checkpoint(&gateway, &organization, true).await;
    let found = names(&gateway, &organization, &witnesses, 1).await;
    assert_eq!(found, ["one.example/w"]);
    assert_eq!(one.seen().0.map(|latest| latest.size), Some(first.size));
    let list = "/org/audit/checkpoints?public=true";
    let list = organization
        .call(&gateway, "GET", list)
        .send()
        .await
        .json(200);
    assert_eq!(
        list["checkpoints"][0]["witnesses"][0]["name"],
        "one.example/w"
    );

    // The next one continues it, with the proof that the witness asks for.
    organization.mint(&gateway, &json!({ "name": "ci" })).await;
    let (second, _) = checkpoint(&gateway, &organization, true).await;
    assert_eq!(
        continues(&gateway, &organization, &first, &second).await,
        Ok(())
    );
    names(&gateway, &organization, &witnesses, 1).await;
    assert_eq!(one.seen().0.map(|latest| latest.size), Some(second.size));
    gateway.stop();
    // The one that was down is asked again by the hourly event, which runs at the start.
    two.set_down(false);
    let gateway = serve.start().await;
    let found = names(&gateway, &organization, &witnesses, 2).await;
    assert_eq!(found.len(), 2, "{found:?}");
}

async fn r54_a_fork_is_cosigned_by_none(setup: &Setup) {
    let witness = Witness::start("one.example/w").await;
    let serve = signing(setup).set("WITNESSES", &witness.entry());
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    witness.watch(keys(&gateway, &organization).await);
    organization.mint(&gateway, &json!({ "name": "ci" })).await;
    let (shown, _) = checkpoint(&gateway, &organization, true).await;
    names(&gateway, &organization, &[witness.verifier()], 1).await;
    gateway.stop();
    // Somebody takes the stores back to before: Ledger and D1 lose the last event, and other ones take its place.
    let cut = shown.size;
    assert_eq!(
        on_record(
            &serve.state(),
            &format!(
                "drop trigger audit_is_append_only_delete; drop trigger audit_notes_are_append_only_delete; \
                 delete from audit where sequence >= {cut}; delete from audit_notes; \
                 delete from audit_cosignatures; \
                 create trigger audit_is_append_only_delete before delete on audit begin \
                 select raise(abort, 'the audit log is append-only'); end;"
            )
        ),
        Ok(())
    );
    on_ledgers(
        &serve.state(),
        &format!(
            "update head set sequence = {}, link = (select previous from events where sequence = {cut}); \
             delete from events where sequence >= {cut}; delete from outbox; delete from tree; \
             delete from tree_tiles; delete from tree_signed;",
            cut - 1
        ),
    );
    let gateway = serve.start().await;
    for name in ["another", "and one more"] {
        organization.mint(&gateway, &json!({ "name": name })).await;
    }
    let asked = witness.seen().1;
    let (forked, _) = checkpoint(&gateway, &organization, true).await;
    assert!(forked.size > shown.size);
    // Two readers who compare what they were shown find out.
    assert!(
        continues(&gateway, &organization, &shown, &forked)
            .await
            .is_err()
    );
    for _ in 0..200 {
        if witness.seen().1 >= asked + 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (latest, _) = witness.seen();
    assert_eq!(
        latest.map(|latest| latest.root),
        Some(shown.root),
        "it stays with what it saw"
    );
    let (_, note) = checkpoint(&gateway, &organization, false).await;
    assert_eq!(cosigned(&note, &[witness.verifier()]), Ok(Vec::new()));
}
