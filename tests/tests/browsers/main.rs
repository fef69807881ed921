//! What a browser could make of the gate's own origin (R45): whatever the origin behind it answers, on every way there
//! is, no page of it acts, and no cookie, report or worker stays. With the dashboard under a host of its own, and without.

mod answers;
mod dashboard;
mod support;

use std::process::ExitCode;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Serve;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner;
use postern_system_tests::scripted::Scripted;
use serde_json::json;

use crate::support::Browsing;

fn main() -> ExitCode {
    runner::run(
        async {
            let (keys, origin) = (Keys::random(), Scripted::start().await);
            let sessions = Scripted::start().await;
            let gateway = Serve::new(&origin.url, &keys)
                .set("REST_ROUTES", "open")
                .set("SESSION_VERIFY_URL", &sessions.url)
                .start()
                .await;
            let organization = Organization::new(&gateway, &keys.admin).await;
            let token = organization.mint(&gateway, &json!({})).await;
            Browsing {
                keys,
                origin,
                sessions,
                gateway,
                token,
            }
        },
        [answers::cases(), dashboard::cases()].into_iter().flatten(),
    )
}
