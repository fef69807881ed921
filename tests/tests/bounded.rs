//! Bounded mode (`REVOCATION_BOUND_SECONDS`): reads repeat the Ledger's word within the bound and no longer, writes ask
//! it each time, uses are counted all the same.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::life::{assert_dead, assert_live};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, rpc, runner};
use prost::Message as _;
use serde_json::{Value, json};

const ISOLATES: u16 = 2;
const BOUND: Duration = Duration::from_secs(3);
/// What a call that was sent within the bound may take to be decided on.
const ON_THE_WAY: Duration = Duration::from_millis(500);
const READ: &str = "/controlplane.v1.AttestationStateService/Read";

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| {
            let bound = BOUND.as_secs().to_string();
            serve
                .set("REVOCATION_BOUND_SECONDS", &bound)
                .isolates(ISOLATES)
        }),
        cases![
            the_bound_is_told,
            reads_repeat_the_word_and_writes_ask,
            a_revoke_ends_writes_at_once_and_reads_within_the_bound,
            a_bulk_revoke_reaches_reads_within_the_bound,
            a_token_that_is_rotated_out_ends_within_the_bound,
            uses_are_counted_all_the_same,
        ],
    )
}

/// A token, and a run that it has begun.
struct Held {
    token: Minted,
    run: String,
}

/// A token whose facts, run and life every isolate has been told.
async fn hold(suite: &Suite, organization: &Organization, format: &str) -> Held {
    let token = organization.mint_for_release(&suite.gateway, format).await;
    let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    let held = Held { token, run };
    for isolate in 0..ISOLATES {
        for _ in 0..2 {
            assert!(accepted(&read(suite, isolate, &held).await));
        }
    }
    held
}

async fn read(suite: &Suite, isolate: u16, held: &Held) -> Answer {
    let message = rpc::cancel(&held.run).encode_to_vec();
    let token = &held.token.token;
    rpc::call_on(&suite.gateway, isolate, READ, token, &message)
        .send()
        .await
}

/// Asserts that no read of any isolate passes once the bound is over.
async fn reads_end(suite: &Suite, held: &Held, since: Instant) {
    let mut last = Duration::ZERO;
    while since.elapsed() < BOUND + ON_THE_WAY + Duration::from_secs(1) {
        for isolate in 0..ISOLATES {
            let sent = since.elapsed();
            if accepted(&read(suite, isolate, held).await) {
                last = last.max(sent);
            }
        }
    }
    assert!(last < BOUND + ON_THE_WAY, "a read passed after {last:?}");
}

/// Whether the gate let a read through. The origin has no state saved, and says so.
fn accepted(answer: &Answer) -> bool {
    match answer.ending().0.code {
        5 => true,
        16 => false,
        code => panic!("status {code}: {}", answer.text()),
    }
}

fn bound(answer: &Answer) -> &str {
    answer
        .header("postern-revocation-bound")
        .expect("every forwarded answer tells")
}

async fn ledger_was_asked(gateway: &Gateway, answer: &Answer) -> bool {
    let id = answer.header("x-request-id").expect("an id");
    !gateway.log_line(id).await["ledger_ms"].is_null()
}

async fn the_bound_is_told(suite: &Suite) {
    let ready = suite.gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(ready["revocation_bound_seconds"], 3);
    assert_eq!(ready["unheeded_variables"], json!([]));
}

async fn reads_repeat_the_word_and_writes_ask(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in ["opaque", "jwt"] {
        let organization = suite.organization().await;
        let token = organization.mint_for_release(gateway, format).await;
        let run = rpc::begin(gateway, &token.token, SHOP, RELEASE).await;
        let held = Held { token, run };
        let first = read(suite, 0, &held).await;
        assert_eq!(bound(&first), "0", "{format}: nothing was told yet");
        assert!(ledger_was_asked(gateway, &first).await);
        let second = read(suite, 0, &held).await;
        assert_eq!(bound(&second), "3", "{format}");
        assert!(!ledger_was_asked(gateway, &second).await);
        let message = rpc::names(SHOP, RELEASE);
        let call = rpc::call(gateway, rpc::FIND_OR_CREATE, &held.token.token, &message);
        let write = call.send().await;
        assert_eq!(bound(&write), "0", "{format}: a write");
        assert!(ledger_was_asked(gateway, &write).await);
        // Traffic keeps the copy young: no read has to ask again.
        let begun = Instant::now();
        while begun.elapsed() < BOUND * 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let again = read(suite, 0, &held).await;
            assert_eq!(bound(&again), "3", "{format}, after {:?}", begun.elapsed());
        }
        // Without traffic it grows old.
        tokio::time::sleep(BOUND + BOUND).await;
        let late = read(suite, 0, &held).await;
        assert_eq!(bound(&late), "0", "{format}: the copy is old");
        assert!(ledger_was_asked(gateway, &late).await);
    }
}

async fn a_revoke_ends_writes_at_once_and_reads_within_the_bound(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let held = hold(suite, &organization, format).await;
        let bystander = hold(suite, &organization, format).await;
        organization.revoke(&suite.gateway, &held.token.id).await;
        let answered = Instant::now();
        assert_dead(&suite.gateway, &held.token, "writes ask").await;
        reads_end(suite, &held, answered).await;
        let read = read(suite, 0, &bystander).await;
        assert!(accepted(&read), "{format}: the revoke's doing");
        assert_live(&suite.gateway, &bystander.token, "not revoked").await;
    }
}

async fn a_bulk_revoke_reaches_reads_within_the_bound(suite: &Suite) {
    let organization = suite.organization().await;
    let first = hold(suite, &organization, "jwt").await;
    let second = hold(suite, &organization, "opaque").await;
    let ids = json!({ "ids": [first.token.id, second.token.id] });
    let call = organization.revoking(&suite.gateway, &ids);
    call.send().await.json(200);
    let answered = Instant::now();
    reads_end(suite, &first, answered).await;
    assert!(!accepted(&read(suite, 1, &second).await));
}

async fn a_token_that_is_rotated_out_ends_within_the_bound(suite: &Suite) {
    let organization = suite.organization().await;
    let held = hold(suite, &organization, "opaque").await;
    let overlap = json!({ "overlap": "0s" });
    let new = organization.rotate(&suite.gateway, &held.token.id, &overlap);
    let successor = new.await;
    let answered = Instant::now();
    reads_end(suite, &held, answered).await;
    assert_live(&suite.gateway, &successor, "the successor").await;
}

async fn uses_are_counted_all_the_same(suite: &Suite) {
    const READS: u64 = 20;
    let organization = suite.organization().await;
    let held = hold(suite, &organization, "opaque").await;
    for _ in 0..READS {
        for isolate in 0..ISOLATES {
            assert!(accepted(&read(suite, isolate, &held).await));
        }
    }
    // Two to begin the run, and two reads of each isolate before.
    let uses = 2 + (READS + 2) * u64::from(ISOLATES);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let rows = organization.tokens(&suite.gateway, "status=all").await;
        let own = |row: &&Value| id(row) == held.token.id;
        let shown = rows.iter().find(own).expect("listed")["uses"].as_u64();
        if shown == Some(uses) {
            return;
        }
        assert!(shown <= Some(uses), "{shown:?} of {uses}: counted twice");
        assert!(Instant::now() < deadline, "{shown:?} of {uses} after 60 s");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
