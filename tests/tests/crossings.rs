//! How often the module calls out of wasm, and how many promises it uses (to wait, or to queue a task), for one call on
//! the way that is used most: pinned, so that more of either is noticed. Fewer: lower the numbers.

use std::collections::BTreeMap;
use std::process::ExitCode;

use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, rpc, runner};
use prost::Message as _;

/// Calls out of wasm, and of these promises used, of a call whose token and run the isolate and the Ledger know, where
/// the Ledger is asked each time; both ends of the question are counted, as its object is in the same isolate.
const ASKS: (u32, u32) = (107, 8);
/// The same of a call that rests on a lease.
const LEASED: (u32, u32) = (76, 5);

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            a_call_without_leases_crosses_as_often_as_it_did,
            a_call_that_rests_on_a_lease_crosses_as_often_as_it_did,
        ],
    )
}

async fn a_call_without_leases_crosses_as_often_as_it_did(setup: &Setup) {
    crosses_at_most(setup, "0", ASKS).await;
}

async fn a_call_that_rests_on_a_lease_crosses_as_often_as_it_did(setup: &Setup) {
    crosses_at_most(setup, "5000", LEASED).await;
}

/// How many calls out of wasm an answer tells of, and how many promises were used.
fn counted(answer: &Answer) -> (u32, u32, String) {
    let header = answer.header("x-crossings").expect("the calls").to_owned();
    let calls: BTreeMap<String, u32> = serde_json::from_str(&header).expect("JSON");
    let waits = calls.get("__wbg_then").copied().unwrap_or(0);
    (calls.values().sum(), waits, header)
}

async fn crosses_at_most(setup: &Setup, lease_ms: &str, (calls, waits): (u32, u32)) {
    let serve = setup.serve().set("REVOCATION_LEASE_MS", lease_ms);
    let gateway = serve.counting().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await;
    let run = rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
    let store = rpc::store(&run, b"bundle").encode_to_vec();
    let mut least = (u32::MAX, u32::MAX);
    let mut told = String::new();
    // The first ones learn; a background task may fall into one of the others.
    for _ in 0..6 {
        let call = rpc::call(&gateway, rpc::STORE, &token.token, &store);
        let (made, waited, header) = counted(&call.send().await);
        if (made, waited) < least {
            (least, told) = ((made, waited), header);
        }
    }
    let (made, waited) = least;
    println!("leases of {lease_ms} ms: {made} calls out of wasm, {waited} promises");
    assert!(
        made <= calls && waited <= waits,
        "{least:?} are more than {calls} and {waits}: {told}"
    );
    gateway.stop();
}
