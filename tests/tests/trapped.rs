//! A trap ends the instance of the module, and nothing else: who waits in it is told at once, in the protocol of the call
//! and with a status that clients try again; the next call is answered; nothing is half done.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::audit::verified;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, rpc, runner};
use serde_json::{Value, json};

/// UNAVAILABLE.
const UNAVAILABLE: i32 = 14;
/// Who waits for an instance that has ended is told at once: this is far below every deadline of the gateway.
const AT_ONCE: Duration = Duration::from_millis(1500);
/// Callers at the same time, and how many traps they live through.
const CALLERS: usize = 16;
const TRAPS: usize = 5;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            a_call_that_traps_is_unavailable_and_the_next_is_answered,
            a_request_that_traps_behind_a_wait_is_told_too,
            a_trap_in_a_turn_of_a_ledger_leaves_nothing_half_done,
            who_waits_in_the_instance_is_told_at_once,
        ],
    )
}

async fn started(setup: &Setup) -> (Gateway, Organization) {
    let gateway = setup.serve().trapped().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    (gateway, organization)
}

async fn token(gateway: &Gateway, organization: &Organization) -> Minted {
    let body = json!({ "project": SHOP, "workflow": RELEASE });
    organization.mint(gateway, &body).await
}

/// The next line of the log that names this will be the last of its instance.
async fn arm(gateway: &Gateway, name: &str) {
    let call = gateway.call("GET", &format!("/next/{name}"));
    call.send().await.problem(404, "not_found");
}

async fn a_call_that_traps_is_unavailable_and_the_next_is_answered(setup: &Setup) {
    let (gateway, organization) = started(setup).await;
    let token = token(&gateway, &organization).await;
    let run = rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
    let call = || rpc::call(&gateway, rpc::INITIALIZED, &token.token, &rpc::about(&run)).send();
    call().await.accepted();
    arm(&gateway, &token.id).await;
    let (ending, _) = call().await.ending();
    assert_eq!(ending.code, UNAVAILABLE, "{}", ending.message);
    // Whatever was learned is learned again.
    call().await.accepted();
    gateway.stop();
}

async fn a_request_that_traps_behind_a_wait_is_told_too(setup: &Setup) {
    let (gateway, organization) = started(setup).await;
    for path in [
        "/org/tokens/trap-a",
        "/healthz/trap-b",
        "/dashboard/trap-c.js",
    ] {
        let began = Instant::now();
        let answer = organization.call(&gateway, "GET", path).send().await;
        answer.problem(503, "unavailable");
        assert!(began.elapsed() < AT_ONCE, "{path}: {:?}", began.elapsed());
        organization
            .call(&gateway, "GET", "/org/tokens")
            .send()
            .await
            .json(200);
    }
    gateway.stop();
}

async fn a_trap_in_a_turn_of_a_ledger_leaves_nothing_half_done(setup: &Setup) {
    let (gateway, organization) = started(setup).await;
    let before = token(&gateway, &organization).await;
    let run = rpc::begin(&gateway, &before.token, SHOP, RELEASE).await;
    let mut expected = BTreeSet::from([before.id.clone()]);
    // Before the first write of the turn, and behind it: the name would be taken.
    for name in ["\u{e9} trap-ledger", "half-a"] {
        let body = json!({ "name": name });
        let refused = organization.minting(&gateway, &body).send().await;
        refused.problem(503, "unavailable");
        expected.insert(minted_soon(&gateway, &organization, &body).await.id);
    }
    assert_eq!(organization.token_ids(&gateway, "").await, expected);
    verified(&gateway, &organization, &setup.keys).await;
    // A Ledger that began anew knows what is active, and revokes as before.
    let call = || rpc::call(&gateway, rpc::INITIALIZED, &before.token, &rpc::about(&run)).send();
    call().await.accepted();
    let path = format!("/org/tokens/{}", before.id);
    organization
        .call(&gateway, "DELETE", &path)
        .send()
        .await
        .json(200);
    let (ending, _) = call().await.ending();
    assert_eq!(ending.code, 16, "{}", ending.message);
    gateway.stop();
}

/// Creates a token. The platform may take a moment to have another object in the place of one that was aborted.
async fn minted_soon(gateway: &Gateway, organization: &Organization, body: &Value) -> Minted {
    for _ in 0..20 {
        let answer = organization.minting(gateway, body).send().await;
        if answer.status != 503 {
            return Minted::of(answer.json(201));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the Ledger does not come back");
}

async fn who_waits_in_the_instance_is_told_at_once(setup: &Setup) {
    let (gateway, organization) = started(setup).await;
    let token = token(&gateway, &organization).await;
    let run = rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let call = rpc::call(&gateway, rpc::INITIALIZED, &token.token, &rpc::about(&run));
            tokio::spawn(async move {
                let until = Instant::now()
                    + Duration::from_millis(400) * u32::try_from(TRAPS + 1).expect("few");
                let (mut accepted, mut told, mut longest) = (0_usize, 0_usize, Duration::ZERO);
                while Instant::now() < until {
                    let began = Instant::now();
                    match code(&call.clone().send().await) {
                        0 => accepted += 1,
                        UNAVAILABLE => {
                            told += 1;
                            longest = longest.max(began.elapsed());
                        }
                        other => panic!("grpc-status {other}"),
                    }
                }
                (accepted, told, longest)
            })
        })
        .collect();
    for _ in 0..TRAPS {
        tokio::time::sleep(Duration::from_millis(400)).await;
        arm(&gateway, &token.id).await;
    }
    let (mut accepted, mut told, mut longest) = (0, 0, Duration::ZERO);
    for caller in callers {
        let (good, bad, most) = caller.await.expect("a caller");
        (accepted, told, longest) = (accepted + good, told + bad, longest.max(most));
    }
    println!(
        "{TRAPS} traps under {CALLERS} callers: {accepted} calls accepted, {told} told that the gateway is unavailable, \
         the longest after {longest:?}"
    );
    assert!(
        (TRAPS..=TRAPS * CALLERS).contains(&told),
        "{told} were told"
    );
    assert!(longest < AT_ONCE, "{longest:?}");
    assert!(accepted > CALLERS * TRAPS, "{accepted} accepted");
    gateway.stop();
}

fn code(answer: &Answer) -> i32 {
    answer.ending().0.code
}
