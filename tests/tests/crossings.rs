//! How often the module calls out of wasm, and how many promises it uses (to wait, or to queue a task), for one call on
//! the way that is used most: pinned, so that more of either is noticed. Fewer: lower the numbers.

use std::collections::BTreeMap;
use std::process::ExitCode;

use postern_system_tests::http::Answer;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, rpc, runner};
use prost::Message as _;

const READ: &str = "/controlplane.v1.AttestationStateService/Read";

/// Calls out of wasm, and of these promises used, of a strict call whose token and run the isolate and the Ledger know; both
/// ends of the question to the Ledger are counted, as its object is in the same isolate.
const STRICT: (u32, u32) = (109, 8);
/// The same of a call that rests on a lease.
const LEASED: (u32, u32) = (77, 5);

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.set("REVOCATION_LEASE_MS", "5000").counting()),
        cases![crossings_and_awaits_are_as_many_as_they_were],
    )
}

/// How many calls out of wasm an answer tells of, and how many promises were used.
fn counted(answer: &Answer) -> (u32, u32, String) {
    let header = answer.header("x-crossings").expect("the calls").to_owned();
    let calls: BTreeMap<String, u32> = serde_json::from_str(&header).expect("JSON");
    let waits = calls.get("__wbg_then").copied().unwrap_or(0);
    (calls.values().sum(), waits, header)
}

async fn crossings_and_awaits_are_as_many_as_they_were(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    let (store, read) = (rpc::store(&run, b"bundle"), rpc::cancel(&run));
    let rows = [
        ("strict", rpc::STORE, store.encode_to_vec(), STRICT),
        ("bounded", READ, read.encode_to_vec(), BOUNDED),
    ];
    for (name, path, message, (calls, waits)) in rows {
        let mut least = (u32::MAX, u32::MAX);
        let mut told = String::new();
        // The first ones learn; a background task may fall into one of the others.
        for _ in 0..6 {
            let call = rpc::call(&suite.gateway, path, &token.token, &message);
            let (made, waited, header) = counted(&call.send().await);
            if (made, waited) < least {
                (least, told) = ((made, waited), header);
            }
        }
        println!(
            "{name}: {} calls out of wasm, {} promises",
            least.0, least.1
        );
        assert!(
            least.0 <= calls && least.1 <= waits,
            "{name}: {least:?} are more than {calls} and {waits}: {told}"
        );
    }
}
