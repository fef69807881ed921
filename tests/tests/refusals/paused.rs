//! Refusals of a paused organization, and of tokens that it does not allow.

use postern_system_tests::gateway::Serve;
use postern_system_tests::ledgers::on_record;
use postern_system_tests::life::now;
use postern_system_tests::organization::{Organization, SHOP};
use postern_system_tests::random_name;
use postern_system_tests::suite::Setup;
use serde_json::json;

use crate::adoptions::{merged, upstream};
use crate::document::{Met, Operation};
use crate::single::Drive;

/// An issuer that nobody asks for anything.
const ISSUER: &str = "github=http://127.0.0.1:1/github";

fn serve(setup: &Setup) -> Serve {
    setup
        .serve()
        .set("CI_ISSUERS", ISSUER)
        .set("CI_AUDIENCES", "https://gate.example")
}

/// Everything below, on one gateway.
pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let gateway = serve(setup).start().await;
    let mut drive = Drive::on(setup, operations, met, gateway).await;
    drive.policies().await;
    let rotate = drive.ends_of_tokens().await;
    let behind = "update organizations set max_lifetime_days = 0";
    let mut drive = drive
        .restarted(|state| assert_eq!(on_record(state, behind), Ok(())))
        .await;
    drive.ends_that_the_ledger_asks_for(&rotate).await;
    drive.paused(operations).await;
    drive.cast.gateway.stop();
}

impl Drive<'_> {
    /// What is no policy of an organization, and an issuer that it does not trust.
    async fn policies(&mut self) {
        let organization = self.cast.organization.clone();
        let path = format!("/orgs/{}", organization.name);
        for (member, value, code) in [
            (
                "max_lifetime_days",
                json!(3_651),
                "max_lifetime_days_invalid",
            ),
            (
                "default_expires_in",
                json!("soon"),
                "default_expires_in_invalid",
            ),
            (
                "trusted_issuers",
                json!(["https://nobody.example"]),
                "trusted_issuers_invalid",
            ),
        ] {
            let call = self.admin("PATCH", &path, &json!({ member: value }));
            self.expect("updateOrganization", call, code).await;
            let body = merged(
                &json!({ "name": random_name("x") }),
                &json!({ member: value }),
            );
            let call = self.admin("POST", "/orgs", &body);
            self.expect("createOrganization", call, code).await;
        }
        let none = self.admin("PATCH", &path, &json!({ "trusted_issuers": [] }));
        assert_eq!(none.send().await.status, 200);
        let rule = json!({
            "issuer": "github",
            "repository_id": 7,
            "repository_owner_id": 6,
            "project": SHOP,
            "policies": ["workflow_run:read"],
        });
        let call = self.admin("POST", "/org/trust-rules", &rule);
        self.expect("addTrustRule", call, "issuer_not_trusted")
            .await;
        let long = json!({ "reason": "x".repeat(1_000) });
        let call = self.admin("POST", "/org/pause", &long);
        self.expect("pauseOrganization", call, "reason_invalid")
            .await;
    }

    /// Tokens that would live longer than the organization allows, and one of the origin that lives for ever.
    async fn ends_of_tokens(&mut self) -> String {
        let organization = self.cast.organization.clone();
        let endless = self.minted(&json!({})).await;
        self.allow(30).await;
        let rotate = format!("/org/tokens/{}/rotate", endless.id);
        let adopted = json!({ "token": upstream(self.setup, &organization, &json!({})) });
        let late = json!({ "exp": now() / 1000 + 31 * 86_400 });
        let late = json!({ "token": upstream(self.setup, &organization, &late) });
        for (body, code) in [(adopted, "expiry_required"), (late, "lifetime_too_long")] {
            let call = self.admin("POST", "/org/tokens/adopt", &body);
            self.expect("adoptToken", call, code).await;
        }
        for (operation, path, body) in [
            ("mintToken", "/org/tokens", json!({})),
            ("rotateToken", rotate.as_str(), json!({})),
        ] {
            let late = merged(&body, &json!({ "expires_in": "31d" }));
            let call = self.admin("POST", path, &late);
            self.expect(operation, call, "lifetime_too_long").await;
        }
        rotate
    }

    /// What D1 does not have yet, the Ledger holds to in its own step.
    async fn ends_that_the_ledger_asks_for(&mut self, rotate: &str) {
        for (operation, path) in [("mintToken", "/org/tokens"), ("rotateToken", rotate)] {
            let call = self.admin("POST", path, &json!({}));
            self.expect(operation, call, "expiry_required").await;
        }
        self.allow(0).await;
    }

    /// Has new tokens live so many days at most.
    async fn allow(&mut self, days: u32) {
        let path = format!("/orgs/{}", self.cast.organization.name);
        let call = self.admin("PATCH", &path, &json!({ "max_lifetime_days": days }));
        assert_eq!(call.send().await.status, 200);
    }

    /// `organization_paused` of every operation that a token may call, and of those that give tokens.
    async fn paused(&mut self, operations: &[Operation]) {
        let policies = [
            "organization_pause:create",
            "organization_pause:delete",
            "org_api_token:*",
        ];
        let pauser = self.minted(&json!({ "policies": policies })).await;
        let elsewhere = Organization::new(&self.cast.gateway, &self.cast.admin).await;
        for (operation, path) in [
            ("pauseOrganization", "/org/pause"),
            ("resumeOrganization", "/org/resume"),
        ] {
            let call = self.by(&pauser, "POST", path, &json!({}));
            let call = call.organization(&elsewhere.name);
            self.expect(operation, call, "other_organization").await;
        }
        let old = self.minted(&json!({ "expires_in": "1d" })).await;
        let pause = self.admin("POST", "/org/pause", &json!({}));
        assert_eq!(pause.send().await.status, 200);
        for operation in operations {
            if operation.path.starts_with("/org") {
                let call = self.cast.token(operation);
                self.note(operation, call).await;
            }
        }
        for (operation, path) in [
            ("pauseOrganization", "/org/pause"),
            ("resumeOrganization", "/org/resume"),
        ] {
            let call = self.by(&pauser, "POST", path, &json!({}));
            self.expect(operation, call, "organization_paused").await;
        }
        // Nobody creates tokens meanwhile.
        let rotate = format!("/org/tokens/{}/rotate", old.id);
        let adopted = upstream(self.setup, &self.cast.organization, &json!({}));
        let adopted = json!({ "token": adopted });
        for (operation, path, body) in [
            ("mintToken", "/org/tokens", json!({})),
            ("rotateToken", rotate.as_str(), json!({})),
            ("adoptToken", "/org/tokens/adopt", adopted),
        ] {
            self.expect(
                operation,
                self.admin("POST", path, &body),
                "organization_paused",
            )
            .await;
        }
    }
}
