//! Assertions on the whole way: an origin that demands them believes the gate's and nothing else. What is presented
//! to it directly was made by a gate for another origin of the same audience, so that it is real and unspent.

mod belief;
mod claims;
mod support;

use std::process::ExitCode;

use postern_system_tests::forge::Keys;
use postern_system_tests::origin::Origin;
use postern_system_tests::runner;

use crate::support::{Signing, asserting, seed};

fn main() -> ExitCode {
    runner::run(
        async {
            let (keys, open) = (Keys::random(), Origin::start().await);
            let seeds = seed("a1");
            let gateway = asserting(&open, &keys, &seeds).start().await;
            Signing {
                keys,
                seeds,
                open,
                gateway,
            }
        },
        [claims::cases(), belief::cases()].into_iter().flatten(),
    )
}
