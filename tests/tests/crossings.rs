//! How often the module calls out of wasm, and how many promises it uses (to wait, or to queue a task), for one call on
//! the way that is used most: pinned, so that more of either is noticed. Fewer: lower the numbers.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::{cases, rpc, runner};
use prost::Message as _;

const READ: &str = "/controlplane.v1.AttestationStateService/Read";

/// Calls out of wasm, and of these promises used, of a strict call whose token and run the isolate and the Ledger know; both
/// ends of the question to the Ledger are counted, as its object is in the same isolate.
const STRICT: (u32, u32) = (112, 8);
/// The same of a read within the bound.
const BOUNDED: (u32, u32) = (82, 5);

struct World {
    #[expect(dead_code, reason = "kept running for the gateway in front of it")]
    origin: Origin,
    keys: Keys,
    gateway: Gateway,
}

fn main() -> ExitCode {
    runner::run(
        || async {
            let (keys, origin) = (Keys::random(), Origin::start().await);
            let serve = Serve::new(&origin.url, &keys).set("REVOCATION_BOUND_SECONDS", "60");
            let gateway = serve.counting().start().await;
            World {
                origin,
                keys,
                gateway,
            }
        },
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

async fn crossings_and_awaits_are_as_many_as_they_were(world: Arc<World>) {
    let organization = Organization::new(&world.gateway, &world.keys.admin).await;
    let token = organization.mint_for_release(&world.gateway, "jwt").await;
    let run = rpc::begin(&world.gateway, &token.token, SHOP, RELEASE).await;
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
            let call = rpc::call(&world.gateway, path, &token.token, &message);
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
