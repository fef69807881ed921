//! What the cases share: a gate, an origin behind it, and tokens of every scope.

use postern_origin::client::Wire;
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use serde_json::json;

use crate::calls::{on_a_run, send};
use crate::clients::Clients;

/// The call by which the gate asks what a run is.
pub const LOOK_UP: &str = "/controlplane.v1.WorkflowRunService/View";

/// The project that narrow tokens are not for.
pub const ELSEWHERE: &str = "elsewhere";

/// An origin and a gate in front of it.
pub struct World {
    keys: Keys,
    pub origin: Origin,
    pub gateway: Gateway,
}

impl World {
    /// Starts both.
    pub async fn start() -> Self {
        let (keys, origin) = (Keys::random(), Origin::start().await);
        let gateway = Serve::new(&origin.url, &keys).start().await;
        Self {
            keys,
            origin,
            gateway,
        }
    }

    /// An organization with projects `shop` and `elsewhere`.
    pub async fn organization(&self) -> Organization {
        let organization = Organization::new(&self.gateway, &self.keys.admin).await;
        organization.create_project(&self.gateway, ELSEWHERE).await;
        organization
    }

    /// Mints a token for the organization, for `shop`, or for `release` in `shop`.
    pub async fn mint(&self, organization: &Organization, scope: &str, format: &str) -> Minted {
        let mut body = json!({ "format": format });
        if scope != "organization" {
            body["project"] = json!(SHOP);
        }
        if scope == "workflow" {
            body["workflow"] = json!(RELEASE);
        }
        organization.mint(&self.gateway, &body).await
    }

    /// The stock client with this token.
    pub fn clients(&self, token: &Minted, wire: Wire) -> Clients {
        Clients::new(&self.gateway.url(0), &token.token, wire)
    }

    /// Asserts that every call on this run is refused so, that the origin sees no more of them than it is asked which
    /// run that is, and that the run is as it was.
    pub async fn assert_run_refused(
        &self,
        token: &Minted,
        run: &str,
        message: &str,
        looked_up: bool,
    ) {
        let before = self.origin.run(run).await;
        self.origin.reset().await;
        for (path, body) in on_a_run(run) {
            for wire in [Wire::Binary, Wire::Text] {
                let answer = send(&self.gateway, wire, path, &token.token, &body).await;
                answer.refused(7, message);
            }
        }
        let calls = self.origin.calls().await;
        assert!(
            calls
                .iter()
                .all(|call| call["path"] == LOOK_UP && call["body_len"] == 43),
            "these reached the origin: {calls:#?}"
        );
        assert_eq!(!calls.is_empty(), looked_up, "{calls:#?}");
        assert_eq!(self.origin.run(run).await, before);
    }

    /// Runs of `release` that other cases began before this one: the origin has it once for everybody.
    pub async fn runs_before(&self, run: &str) -> i32 {
        let runs = self.origin.runs().await;
        let before = runs
            .iter()
            .take_while(|before| before["id"] != run)
            .filter(|before| before["project"] == SHOP && before["workflow"] == RELEASE);
        i32::try_from(before.count()).expect("few")
    }
}
