//! Requests whose ends two HTTP readers would see in two places, over bare sockets: lengths that differ, lengths beside
//! chunks, odd line ends, odd targets, bodies that break off. Each has one reading here or none; what follows on the
//! connection is answered as a request of its own or not at all, and the origin never gets the doubt.

mod framing;
mod heads;
mod support;

use std::process::ExitCode;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Serve;
use postern_system_tests::organization::Organization;
use postern_system_tests::origin::Origin;
use postern_system_tests::runner;

use crate::support::Fixture;

fn main() -> ExitCode {
    runner::run(
        async {
            let (keys, origin) = (Keys::random(), Origin::start().await);
            let gateway = Serve::new(&origin.url, &keys).start().await;
            let organization = Organization::new(&gateway, &keys.admin).await;
            let token = organization.mint_for_release(&gateway, "opaque").await;
            Fixture {
                origin,
                gateway,
                token: token.token,
            }
        },
        [framing::cases(), heads::cases()].into_iter().flatten(),
    )
}
