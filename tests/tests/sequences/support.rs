//! What the cases share: a gate, an origin behind it, and tokens of every scope.

use postern_origin::client::Wire;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::suite::Suite;
use serde_json::json;

use crate::calls::{on_a_run, send};
use crate::clients::Clients;

/// The call by which the gate asks what a run is.
pub const LOOK_UP: &str = "/controlplane.v1.WorkflowRunService/View";

/// The project that narrow tokens are not for.
pub const ELSEWHERE: &str = "elsewhere";

/// An organization with projects `shop` and `elsewhere`.
pub async fn organization(suite: &Suite) -> Organization {
    let organization = suite.organization().await;
    organization.create_project(&suite.gateway, ELSEWHERE).await;
    organization
}

/// Mints a token for the organization, for `shop`, or for `release` in `shop`.
pub async fn mint(suite: &Suite, organization: &Organization, scope: &str, format: &str) -> Minted {
    let mut body = json!({ "format": format });
    if scope != "organization" {
        body["project"] = json!(SHOP);
    }
    if scope == "workflow" {
        body["workflow"] = json!(RELEASE);
    }
    organization.mint(&suite.gateway, &body).await
}

/// The stock client with this token.
pub fn connect(suite: &Suite, token: &Minted, wire: Wire) -> Clients {
    Clients::new(&suite.gateway.url(0), &token.token, wire)
}

/// Asserts that every call on this run is refused so, that the origin sees no more of them than it is asked which
/// run that is, and that the run is as it was.
pub async fn assert_run_refused(
    suite: &Suite,
    token: &Minted,
    run: &str,
    message: &str,
    looked_up: bool,
) {
    let before = suite.origin.run(run).await;
    suite.origin.reset().await;
    for (path, body) in on_a_run(run) {
        for wire in [Wire::Binary, Wire::Text] {
            let answer = send(&suite.gateway, wire, path, &token.token, &body).await;
            answer.refused(7, message);
        }
    }
    let calls = suite.origin.calls().await;
    assert!(
        calls
            .iter()
            .all(|call| call["path"] == LOOK_UP && call["body_len"] == 43),
        "these reached the origin: {calls:#?}"
    );
    assert_eq!(!calls.is_empty(), looked_up, "{calls:#?}");
    assert_eq!(suite.origin.run(run).await, before);
}

/// Runs of `release` that other cases began before this one: the origin has it once for everybody.
pub async fn runs_before(suite: &Suite, run: &str) -> i32 {
    let runs = suite.origin.runs().await;
    let before = runs
        .iter()
        .take_while(|before| before["id"] != run)
        .filter(|before| before["project"] == SHOP && before["workflow"] == RELEASE);
    i32::try_from(before.count()).expect("few")
}
