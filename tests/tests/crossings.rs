//! How often a call on the way that is used most crosses between JavaScript and wasm, in either direction, how many
//! promises the module uses (to wait, or to queue a task), and how many objects of the runtime are made: pinned, so that
//! more of any is noticed. Fewer: lower the numbers.

use std::collections::BTreeMap;
use std::process::ExitCode;

use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, rpc, runner};
use prost::Message as _;

/// What was counted for one answer: calls out of wasm, calls into it, promises, and objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    out: u32,
    into: u32,
    promises: u32,
    made: u32,
}

/// Of a call whose token and run the isolate and the Ledger know, where the Ledger is asked each time; both ends of the
/// question are counted, as its object is in the same isolate.
const ASKS: Counts = Counts {
    out: 17,
    into: 7,
    promises: 1,
    made: 10,
};
/// Of a call that rests on a lease.
const LEASED: Counts = Counts {
    out: 3,
    into: 3,
    promises: 0,
    made: 6,
};

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

fn counted(answer: &Answer) -> (Counts, String) {
    let header = answer.header("x-crossings").expect("the calls").to_owned();
    let told: BTreeMap<String, BTreeMap<String, u32>> =
        serde_json::from_str(&header).expect("JSON");
    let sum = |kind: &str| told[kind].values().sum();
    let counts = Counts {
        out: sum("out"),
        into: sum("in"),
        promises: told["out"].get("__wbg_then").copied().unwrap_or(0),
        made: sum("made"),
    };
    (counts, header)
}

async fn crosses_at_most(setup: &Setup, lease_ms: &str, most: Counts) {
    let serve = setup.serve().set("REVOCATION_LEASE_MS", lease_ms);
    let gateway = serve.counting().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await;
    let run = rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
    let store = rpc::store(&run, b"bundle").encode_to_vec();
    let mut least: Option<(Counts, String)> = None;
    // The first ones learn; a background task may fall into one of the others.
    for _ in 0..6 {
        let call = rpc::call(&gateway, rpc::STORE, &token.token, &store);
        let counted = counted(&call.send().await);
        if least
            .as_ref()
            .is_none_or(|(least, _)| counted.0.out < least.out)
        {
            least = Some(counted);
        }
    }
    let (counts, told) = least.expect("six calls");
    println!("leases of {lease_ms} ms: {counts:?}");
    let Counts {
        out,
        into,
        promises,
        made,
    } = counts;
    assert!(
        out <= most.out && into <= most.into && promises <= most.promises && made <= most.made,
        "{counts:?} is more than {most:?}: {told}"
    );
    gateway.stop();
}
