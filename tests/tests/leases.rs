//! Leases (R41): calls rest on what the isolate was told, and a revoke does not answer before no isolate can.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::life::{assert_dead, assert_live, millis};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, rpc, runner};
use prost::Message as _;
use serde_json::{Value, json};

const ISOLATES: u16 = 2;
/// Long, so that a call that rests on a lease does so on a slow machine too.
const LEASE_MS: u32 = 5_000;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| {
            let lease = LEASE_MS.to_string();
            serve.set("REVOCATION_LEASE_MS", &lease).isolates(ISOLATES)
        }),
        cases![
            r41_readyz_tells_the_lease,
            r41_reads_and_writes_rest_on_a_lease,
            r41_a_revoke_is_final_when_it_answers,
            r41_a_bulk_revoke_is_final_when_it_answers,
            r41_a_rotation_without_overlap_is_final_when_it_answers,
            r41_a_revoke_can_answer_at_once_and_says_when_it_is_final,
            r41_a_preference_of_any_kind_fails_no_revoke,
            r13_uses_are_counted_all_the_same,
        ],
    )
}

async fn ledger_was_asked(gateway: &Gateway, answer: &Answer) -> bool {
    let id = answer.header("x-request-id").expect("an id");
    !gateway.log_line(id).await["ledger_ms"].is_null()
}

/// A token of which every isolate has been told that it is active.
async fn known(suite: &Suite, organization: &Organization, format: &str) -> Minted {
    let token = organization.mint_for_release(&suite.gateway, format).await;
    for _ in 0..2 {
        assert_live(&suite.gateway, &token, "it was just created").await;
    }
    token
}

async fn r41_readyz_tells_the_lease(suite: &Suite) {
    let ready = suite.gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(ready["revocation_lease_ms"], LEASE_MS);
}

async fn r41_reads_and_writes_rest_on_a_lease(suite: &Suite) {
    const READ: &str = "/controlplane.v1.AttestationStateService/Read";
    let gateway = &suite.gateway;
    for format in ["opaque", "jwt"] {
        let organization = suite.organization().await;
        let token = organization.mint_for_release(gateway, format).await;
        let run = rpc::begin(gateway, &token.token, SHOP, RELEASE).await;
        let (store, read) = (rpc::store(&run, b"bundle"), rpc::cancel(&run));
        let calls = [
            (READ, read.encode_to_vec()),
            (rpc::STORE, store.encode_to_vec()),
        ];
        for (path, message) in calls {
            let call = || rpc::call(gateway, path, &token.token, &message).send();
            call().await;
            let answer = call().await;
            assert!(
                !ledger_was_asked(gateway, &answer).await,
                "{format}: {path} asked"
            );
        }
        // Management asks each time.
        let own = organization
            .mint(gateway, &json!({ "name": "own", "format": format }))
            .await;
        for _ in 0..2 {
            let list = organization.call_as(gateway, &own, "GET", "/org/tokens");
            let answer = list.send().await;
            assert!(ledger_was_asked(gateway, &answer).await, "{format}: a list");
        }
    }
}

async fn r41_a_revoke_is_final_when_it_answers(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let token = known(suite, &organization, format).await;
        let bystander = known(suite, &organization, format).await;
        organization.revoke(&suite.gateway, &token.id).await;
        assert_dead(&suite.gateway, &token, "its revoke has answered").await;
        assert_live(&suite.gateway, &bystander, "nobody revoked it").await;
    }
}

async fn r41_a_bulk_revoke_is_final_when_it_answers(suite: &Suite) {
    let organization = suite.organization().await;
    let first = known(suite, &organization, "jwt").await;
    let second = known(suite, &organization, "opaque").await;
    let ids = json!({ "ids": [first.id, second.id] });
    let call = organization.revoking(&suite.gateway, &ids);
    call.send().await.json(200);
    assert_dead(&suite.gateway, &first, "the bulk revoke has answered").await;
    assert_dead(&suite.gateway, &second, "the bulk revoke has answered").await;
}

async fn r41_a_rotation_without_overlap_is_final_when_it_answers(suite: &Suite) {
    let organization = suite.organization().await;
    let old = known(suite, &organization, "opaque").await;
    let overlap = json!({ "overlap": "0s" });
    let new = organization.rotate(&suite.gateway, &old.id, &overlap).await;
    assert_dead(&suite.gateway, &old, "it was rotated out").await;
    assert_live(&suite.gateway, &new, "the successor").await;
}

async fn r41_a_revoke_can_answer_at_once_and_says_when_it_is_final(suite: &Suite) {
    let organization = suite.organization().await;
    let token = known(suite, &organization, "opaque").await;
    let path = format!("/org/tokens/{}", token.id);
    let begun = Instant::now();
    let call = organization.call(&suite.gateway, "DELETE", &path);
    let answer = call.header("prefer", "respond-async").send().await;
    assert_eq!(answer.header("preference-applied"), Some("respond-async"));
    let told = answer.json(202);
    let revoked_at = millis(&told["revoked_at"]);
    let ms = millis(&told["final_at"]) - revoked_at;
    assert!((0..=i64::from(LEASE_MS) + 200).contains(&ms), "{told}");
    // To revoke it again waits, and tells the first moment.
    let again = organization
        .call(&suite.gateway, "DELETE", &path)
        .send()
        .await
        .json(200);
    assert_eq!(millis(&again["revoked_at"]), revoked_at);
    assert!(millis(&again["final_at"]) >= revoked_at, "{again}");
    assert_dead(&suite.gateway, &token, "the second revoke has answered").await;
    println!("final after {:?}, told: {ms} ms at most", begun.elapsed());
}

async fn r41_a_preference_of_any_kind_fails_no_revoke(suite: &Suite) {
    let organization = suite.organization().await;
    let early = "respond-async";
    let (long, many) = ("x".repeat(10_000), format!("{early}, ").repeat(700));
    let (quoted, late) = (format!("x=\"{long}"), format!("{long}, {early}"));
    let rows: [(&[&str], u16); 11] = [
        (&[""], 200),
        (&[",;=,\""], 200),
        (&["return=minimal"], 200),
        (&["x-respond-async"], 200),
        (&[&long], 200),
        (&[&quoted], 200),
        (&[&long[..100]; 100], 200),
        (&[early; 100], 202),
        (&[&long, early], 202),
        (&[&late], 202),
        (&[&many], 202),
    ];
    for (preferences, status) in rows {
        let token = organization.mint(&suite.gateway, &json!({})).await;
        let path = format!("/org/tokens/{}", token.id);
        let mut call = organization.call(&suite.gateway, "DELETE", &path);
        for preference in preferences {
            call = call.header("prefer", preference);
        }
        let answer = call.send().await;
        let applied = (status == 202).then_some(early);
        assert_eq!(answer.header("preference-applied"), applied);
        assert_eq!(answer.json(status)["id"], token.id);
    }
}

async fn r13_uses_are_counted_all_the_same(suite: &Suite) {
    const CALLS: u64 = 20;
    let organization = suite.organization().await;
    let token = known(suite, &organization, "opaque").await;
    for _ in 0..CALLS {
        assert_live(&suite.gateway, &token, "nobody revoked it").await;
    }
    let uses = (CALLS + 2) * u64::from(ISOLATES);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let rows = organization.tokens(&suite.gateway, "status=all").await;
        let own = |row: &&Value| id(row) == token.id;
        let shown = rows.iter().find(own).expect("listed")["uses"].as_u64();
        if shown == Some(uses) {
            return;
        }
        assert!(shown <= Some(uses), "{shown:?} of {uses}: counted twice");
        assert!(Instant::now() < deadline, "{shown:?} of {uses} after 60 s");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
