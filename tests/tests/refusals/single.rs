//! Refusals that only one or a few operations have.

use std::path::Path;

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Call;
use postern_system_tests::organization::{Minted, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{random_address, random_name};
use serde_json::{Value, json};

use crate::adoptions::upstream;
use crate::alike::Cast;
use crate::document::{Met, Operation};

/// One gateway, and who calls it.
pub struct Drive<'a> {
    pub setup: &'a Setup,
    operations: &'a [Operation],
    met: &'a mut Met,
    pub cast: Cast,
}

/// Everything above, on one gateway.
pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let gateway = setup.serve().start().await;
    let mut drive = Drive::on(setup, operations, met, gateway).await;
    drive.registry().await;
    drive.mints().await;
    drive.rotations().await;
    drive.searches().await;
    drive.revocations().await;
    drive.edits().await;
    drive.adoptions().await;
    drive.upstreams().await;
    drive.others().await;
    drive.cast.gateway.stop();
}

impl<'a> Drive<'a> {
    pub async fn on(
        setup: &'a Setup,
        operations: &'a [Operation],
        met: &'a mut Met,
        gateway: Gateway,
    ) -> Self {
        let cast = Cast::on(gateway, &setup.keys.admin).await;
        Self {
            setup,
            operations,
            met,
            cast,
        }
    }

    /// The same on a gateway that was stopped, so that its stores could be changed, and started again.
    pub async fn restarted(self, change: impl FnOnce(&Path)) -> Self {
        let serve = self.cast.gateway.serve().clone();
        self.cast.gateway.stop();
        change(&serve.state());
        let cast = Cast {
            gateway: serve.start().await,
            ..self.cast
        };
        Self { cast, ..self }
    }

    /// Sends a call of that operation and notes its answer, which has to be that refusal.
    pub async fn expect(&mut self, name: &str, call: Call, code: &str) {
        let operation = self
            .operations
            .iter()
            .find(|operation| operation.name == name);
        let operation = operation.unwrap_or_else(|| panic!("no operation {name}"));
        let answer = call.send().await;
        let document: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(document["code"], code, "{name}: {}", answer.text());
        self.met.note(operation, &answer);
    }

    /// Sends a call of an operation and notes its answer, whatever it is.
    pub async fn note(&mut self, operation: &Operation, call: Call) {
        self.met.note(operation, &call.send().await);
    }

    /// A call with the administrator key.
    pub fn admin(&self, method: &str, path: &str, body: &Value) -> Call {
        self.cast
            .organization
            .call(&self.cast.gateway, method, path)
            .json(body)
    }

    /// A call with a token.
    pub fn by(&self, token: &Minted, method: &str, path: &str, body: &Value) -> Call {
        self.cast
            .organization
            .call_as(&self.cast.gateway, token, method, path)
            .json(body)
    }

    pub async fn minted(&self, body: &Value) -> Minted {
        self.cast.organization.mint(&self.cast.gateway, body).await
    }

    async fn registry(&mut self) {
        let taken = self.cast.organization.clone();
        let routes = [
            (
                "createOrganization",
                "/orgs".to_owned(),
                taken.name.clone(),
                taken.id.clone(),
            ),
            (
                "createProject",
                "/org/projects".to_owned(),
                SHOP.to_owned(),
                taken.shop.clone(),
            ),
            (
                "createWorkflow",
                format!("/org/projects/{SHOP}/workflows"),
                RELEASE.to_owned(),
                taken.release.clone(),
            ),
        ];
        for (operation, path, name, id) in routes {
            for (body, code) in [
                (json!({ "name": name }), "name_taken"),
                (json!({ "name": random_name("x"), "id": id }), "id_taken"),
                (json!({ "name": "Not a label" }), "name_invalid"),
                (json!({ "name": random_name("x"), "id": "x" }), "id_invalid"),
            ] {
                self.expect(operation, self.admin("POST", &path, &body), code)
                    .await;
            }
        }
        let placed = json!({ "name": random_name("x"), "jurisdiction": "eu" });
        self.expect(
            "createOrganization",
            self.admin("POST", "/orgs", &placed),
            "jurisdiction_unsupported",
        )
        .await;
        for (body, code) in [
            (
                json!({ "mint_ceiling": 10_000_001 }),
                "mint_ceiling_invalid",
            ),
            (json!({ "max_idle_days": 366 }), "max_idle_days_invalid"),
        ] {
            let mut named = body.clone();
            named["name"] = json!(random_name("x"));
            self.expect(
                "createOrganization",
                self.admin("POST", "/orgs", &named),
                code,
            )
            .await;
            let path = format!("/orgs/{}", taken.name);
            self.expect(
                "updateOrganization",
                self.admin("PATCH", &path, &body),
                code,
            )
            .await;
        }
        self.expect(
            "updateOrganization",
            self.admin("PATCH", "/orgs/nowhere", &json!({})),
            "not_found",
        )
        .await;
    }

    async fn mints(&mut self) {
        self.cast
            .organization
            .create_project(&self.cast.gateway, "elsewhere")
            .await;
        self.minted(&json!({ "name": "taken" })).await;
        let past = "2001-01-01T00:00:00Z";
        for (body, code) in [
            (json!({ "name": "" }), "name_invalid"),
            (json!({ "name": "taken" }), "name_taken"),
            (
                json!({ "description": "x".repeat(501) }),
                "description_invalid",
            ),
            (json!({ "policies": ["x"] }), "policies_invalid"),
            (json!({ "policies": ["x:y"] }), "policy_unknown"),
            (json!({ "workflow": RELEASE }), "workflow_without_project"),
            (
                json!({ "project": "elsewhere", "workflow": RELEASE }),
                "workflow_of_other_project",
            ),
            (json!({ "expires_at": "x" }), "expires_at_invalid"),
            (json!({ "expires_in": "x" }), "expires_in_invalid"),
            (
                json!({ "expires_at": past, "expires_in": "1d" }),
                "expiry_ambiguous",
            ),
            (json!({ "expires_at": past }), "expiry_in_the_past"),
        ] {
            self.expect("mintToken", self.admin("POST", "/org/tokens", &body), code)
                .await;
        }
        let minter = self.minted(&json!({ "expires_in": "1d" })).await;
        let everything = self.cast.everything.clone();
        for (minter, body, code) in [
            (&minter, json!({}), "project_required"),
            (&everything, json!({ "system": true }), "system_token"),
            (
                &minter,
                json!({ "project": SHOP, "policies": ["audit:read"] }),
                "policy_not_held",
            ),
            (
                &minter,
                json!({ "project": SHOP, "expires_in": "2d" }),
                "lifetime_exceeded",
            ),
        ] {
            self.expect(
                "mintToken",
                self.by(minter, "POST", "/org/tokens", &body),
                code,
            )
            .await;
        }
    }

    async fn rotations(&mut self) {
        let past = "2001-01-01T00:00:00Z";
        let live = self.minted(&json!({ "expires_in": "1d" })).await;
        let path = |id: &str| format!("/org/tokens/{id}/rotate");
        for (body, code) in [
            (json!({ "expires_at": "x" }), "expires_at_invalid"),
            (json!({ "expires_in": "x" }), "expires_in_invalid"),
            (
                json!({ "expires_at": past, "expires_in": "1d" }),
                "expiry_ambiguous",
            ),
            (json!({ "expires_at": past }), "expiry_in_the_past"),
            (json!({ "overlap": "x" }), "overlap_invalid"),
            (json!({ "overlap": "2d" }), "overlap_too_long"),
        ] {
            self.expect(
                "rotateToken",
                self.admin("POST", &path(&live.id), &body),
                code,
            )
            .await;
        }
        // The old token has given its name away, and somebody else has taken it.
        let ended = self.minted(&json!({})).await;
        self.cast
            .organization
            .revoke(&self.cast.gateway, &ended.id)
            .await;
        self.expect(
            "rotateToken",
            self.admin("POST", &path(&ended.id), &json!({})),
            "token_not_live",
        )
        .await;
        let rich = self
            .minted(&json!({ "project": SHOP, "policies": ["audit:read"] }))
            .await;
        let poor = self.minted(&json!({ "expires_in": "1h" })).await;
        let wide = self.minted(&json!({})).await;
        let plain = self
            .minted(&json!({ "project": SHOP, "policies": [] }))
            .await;
        for (token, body, code) in [
            (&rich, json!({}), "policy_not_held"),
            (&wide, json!({}), "organization_token"),
            (&plain, json!({ "expires_in": "1d" }), "lifetime_exceeded"),
        ] {
            self.expect(
                "rotateToken",
                self.by(&poor, "POST", &path(&token.id), &body),
                code,
            )
            .await;
        }
        let adopted = upstream(self.setup, &self.cast.organization, &json!({}));
        let adopted = self
            .admin("POST", "/org/tokens/adopt", &json!({ "token": adopted }))
            .send()
            .await
            .json(201);
        let id = adopted["id"].as_str().expect("an id");
        self.expect(
            "rotateToken",
            self.admin("POST", &path(id), &json!({})),
            "adopted_token",
        )
        .await;
        for (operation, method) in [("readToken", "GET"), ("revokeToken", "DELETE")] {
            let call = self.cast.organization.call_as(
                &self.cast.gateway,
                &poor,
                method,
                &format!("/org/tokens/{}", wide.id),
            );
            self.expect(operation, call, "organization_token").await;
        }
    }

    async fn revocations(&mut self) {
        let many = "/org/tokens/revoke";
        for (body, code) in [
            (json!({}), "selector_empty"),
            (json!({ "ids": [] }), "ids_invalid"),
            (json!({ "ids": ["x"] }), "token_id_invalid"),
            (json!({ "created_after": "x" }), "moment_invalid"),
            (json!({ "created_from": "x" }), "address_invalid"),
        ] {
            self.expect("revokeTokens", self.admin("POST", many, &body), code)
                .await;
        }
        let live = self
            .minted(&json!({ "project": SHOP, "policies": ["audit:read"] }))
            .await;
        let wide = self.minted(&json!({})).await;
        let release = |id: &str| format!("/org/tokens/{id}/release");
        self.expect(
            "releaseToken",
            self.admin("POST", &release(&live.id), &json!({})),
            "token_not_held",
        )
        .await;
        let other = self.minted(&json!({})).await;
        for (token, code) in [(&wide, "organization_token"), (&live, "policy_not_held")] {
            self.expect(
                "releaseToken",
                self.by(&other, "POST", &release(&token.id), &json!({})),
                code,
            )
            .await;
        }
    }

    async fn others(&mut self) {
        let run = json!({ "operation": "AttestationService/Store" });
        self.expect(
            "explain",
            self.admin("POST", "/explain", &run),
            "run_id_invalid",
        )
        .await;
        let call = self
            .cast
            .gateway
            .call("POST", "/leaks")
            .from(&random_address())
            .json(&json!({ "tokens": [] }));
        self.expect("reportLeaks", call, "tokens_invalid").await;
        for (operation, path) in [
            ("introspect", "/oauth/introspect"),
            ("revokeOwn", "/oauth/revoke"),
        ] {
            let call = self
                .cast
                .gateway
                .call("POST", path)
                .bearer(&self.cast.admin)
                .form(&[("tokens", "x")]);
            self.expect(operation, call, "token_parameter").await;
        }
        let system = self.minted(&json!({ "system": true })).await;
        let call = self
            .cast
            .gateway
            .call("POST", "/oauth/revoke")
            .form(&[("token", &system.token)]);
        self.expect("revokeOwn", call, "unsupported_token_type")
            .await;
    }
}
