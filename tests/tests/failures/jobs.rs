//! The issuer of job tokens, which only calls of CI jobs ask for anything: its keys are kept for an hour, and fetched at
//! most once a minute. Each fault has an issuer of its own.

use std::time::{Duration, Instant};

use postern_system_tests::audit::verified;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::issuer::Issuer;
use postern_system_tests::life;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use serde_json::json;

use crate::world::{Tried, called, listed, managed, set};

const AUDIENCE: &str = "https://gate.example";
/// A little more than the time between two fetches of an issuer's keys.
const BETWEEN_FETCHES: Duration = Duration::from_secs(62);

/// A gateway that trusts one issuer for each fault.
pub struct Jobs {
    issuer: Issuer,
    gateway: Gateway,
    organization: Organization,
    failed: Instant,
}

impl Jobs {
    /// Starts it, with rules about all issuers.
    pub async fn start(setup: &Setup, faults: &[&str]) -> Self {
        let issuer = Issuer::start().await;
        let urls: Vec<String> = faults.iter().map(|fault| issuer.url(fault)).collect();
        let serve = setup
            .serve()
            .set("CI_ISSUERS", &urls.join(","))
            .set("CI_AUDIENCES", AUDIENCE)
            .set("ORIGIN_AUTH", "upstream")
            .failing();
        let gateway = serve.start().await;
        let organization = Organization::new(&gateway, &setup.keys.admin).await;
        let upstream = organization.call(&gateway, "PUT", "/org/upstream");
        let body = json!({ "credential": "a-credential-for-the-origin" });
        upstream.json(&body).send().await.json(200);
        for url in urls {
            let rule = json!({
                "issuer": url, "subject": "job/demo/shop", "project": SHOP, "workflow": RELEASE,
                "policies": ["workflow:read", "workflow_run:read"],
            });
            let call = organization.call(&gateway, "POST", "/org/trust-rules");
            call.json(&rule).send().await.json(201);
        }
        Self {
            issuer,
            gateway,
            organization,
            failed: Instant::now(),
        }
    }

    async fn token(&self, issuer: &str) -> String {
        let audience = format!("{AUDIENCE}/{}", self.organization.name);
        let asked = json!({ "claims": { "aud": audience } });
        self.issuer.token(issuer, &asked).await
    }

    fn exchanging(&self, token: &str) -> Call {
        let call = self.gateway.call("POST", "/oauth/token");
        call.from("10.9.8.7").form(&[
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("subject_token", token),
        ])
    }

    async fn call(&self, token: &str) -> Result<Answer, String> {
        life::call(&self.gateway, 0, token).try_send().await
    }

    /// What is tried while an issuer fails that has not been asked yet: the first call with a token of its jobs, and an
    /// exchange of another, stand for what is first seen and for a creation.
    pub async fn under(&mut self, fault: &str) -> Tried {
        let (gateway, organization) = (&self.gateway, &self.organization);
        let part = format!("issuer-{fault}");
        let url = self.issuer.url(fault);
        let known = organization.mint_for_release(gateway, "opaque").await;
        let ended = organization.mint_for_release(gateway, "opaque").await;
        life::assert_live(gateway, &known, "before an issuer fails").await;
        set(gateway, &part, Some(fault), Some(&url)).await;
        let (one, other) = (self.token(fault).await, self.token(fault).await);
        let revoke = format!("/org/tokens/{}", ended.id);
        let manage = |method: &str, path: &str| organization.call(gateway, method, path).try_send();
        let (known, first, exchange, revoked, list, audit) = tokio::join!(
            self.call(&known.token),
            self.call(&one),
            self.exchanging(&other).try_send(),
            manage("DELETE", &revoke),
            manage("GET", "/org/tokens"),
            manage("GET", "/org/audit"),
        );
        life::assert_dead(gateway, &ended, "revoked while an issuer failed").await;
        set(gateway, &part, None, None).await;
        self.failed = Instant::now();
        [
            called(known),
            called(first),
            managed(exchange),
            managed(revoked),
            listed(list, "tokens"),
            listed(audit, "events"),
        ]
    }

    /// All issuers are back: their tokens count again, and a key that is known does not need them.
    pub async fn back(self, setup: &Setup, faults: &[&str]) {
        tokio::time::sleep(BETWEEN_FETCHES.saturating_sub(self.failed.elapsed())).await;
        for fault in faults {
            let (one, other) = (self.token(fault).await, self.token(fault).await);
            assert_eq!(called(self.call(&one).await), "yes", "{fault}");
            let exchanged = self.exchanging(&other).try_send().await;
            assert_eq!(managed(exchanged), "yes", "{fault}");
            let (part, url) = (format!("issuer-{fault}"), self.issuer.url(fault));
            set(&self.gateway, &part, Some(fault), Some(&url)).await;
            let third = self.token(fault).await;
            assert_eq!(called(self.call(&one).await), "yes", "{fault}, known token");
            assert_eq!(called(self.call(&third).await), "yes", "{fault}, known key");
        }
        verified(&self.gateway, &self.organization, &setup.keys).await;
        self.gateway.stop();
    }
}
