//! HTTP as proxies, probes and ordinary clients speak it: HEAD, OPTIONS, conditional requests, a GET that says that it is
//! empty, addresses with ports, and names of headers in the spellings that servers read as one.

mod headers;
mod methods;
mod support;

use std::process::ExitCode;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Serve;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner;
use postern_system_tests::scripted::Scripted;
use serde_json::json;

use crate::support::Rest;

fn main() -> ExitCode {
    runner::run(
        async {
            let (keys, origin) = (Keys::random(), Scripted::start().await);
            let gateway = Serve::new(&origin.url, &keys)
                .set("REST_ROUTES", "open")
                .set("TRUSTED_IP_HEADER", "X-Edge-Address")
                .set("ORIGIN_AUTH", "assertion")
                .set("ASSERTION_KEYS", &format!("a1:{}", "A".repeat(43)))
                .start()
                .await;
            let organization = Organization::new(&gateway, &keys.admin).await;
            let token = organization.mint(&gateway, &json!({})).await;
            Rest {
                origin,
                gateway,
                token,
            }
        },
        [methods::cases(), headers::cases()].into_iter().flatten(),
    )
}
