//! Whether tokens live, asked as their holders would: by an attestation call, in every isolate.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::gateway::Gateway;
use crate::http::Call;
use crate::organization::{Minted, RELEASE, SHOP};
use crate::rpc::{self, Ending, FIND_OR_CREATE};

/// What a holder of a token that is not live is told, whatever the reason (R12).
pub const REFUSED: &str = "the credential was refused";

/// A call that every live token for `shop` or its workflow `release`, and every organization-level one, may make.
pub fn call(gateway: &Gateway, isolate: u16, token: &str) -> Call {
    rpc::call_on(
        gateway,
        isolate,
        FIND_OR_CREATE,
        token,
        &rpc::names(SHOP, RELEASE),
    )
}

/// Whether that call is accepted; anything but a yes or the one refusal proves nothing and fails the case.
pub async fn accepted(gateway: &Gateway, isolate: u16, token: &str) -> bool {
    match call(gateway, isolate, token).send().await.ending().0 {
        Ending { code: 0, .. } => true,
        Ending { code: 16, message } if message == REFUSED => false,
        other => panic!("isolate {isolate} answered {other:?}"),
    }
}

/// Asserts that every isolate accepts a token.
pub async fn assert_live(gateway: &Gateway, token: &Minted, why: &str) {
    for isolate in 0..gateway.isolates() {
        assert!(
            accepted(gateway, isolate, &token.token).await,
            "isolate {isolate} refuses {}: {why}",
            token.id
        );
    }
}

/// Asserts that every isolate refuses a token.
pub async fn assert_dead(gateway: &Gateway, token: &Minted, why: &str) {
    for isolate in 0..gateway.isolates() {
        assert!(
            !accepted(gateway, isolate, &token.token).await,
            "isolate {isolate} accepts {}: {why}",
            token.id
        );
    }
}

/// Milliseconds since the epoch of an RFC 3339 moment in UTC.
#[track_caller]
pub fn millis(moment: &Value) -> i64 {
    let text = moment
        .as_str()
        .unwrap_or_else(|| panic!("{moment} is no moment"));
    assert!(text.ends_with('Z'), "{text} is not in UTC");
    postern_wire::rfc3339::parse(text)
        .unwrap_or_else(|| panic!("{text} is no moment"))
        .as_millis()
}

/// Milliseconds since the epoch.
pub fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(now.as_millis()).expect("before the year 292 million")
}
