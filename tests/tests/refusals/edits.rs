//! Refusals of edits, and of conditions that a creator does not have itself (R53).

use postern_system_tests::organization::SHOP;
use serde_json::{Value, json};

use crate::adoptions::upstream;
use crate::single::Drive;

/// Nobody who has this range has an address of the other one.
const ALL_V4: &str = "0.0.0.0/0";
const ALL_V6: &str = "::/0";

impl Drive<'_> {
    pub async fn edits(&mut self) {
        let past = "2001-01-01T00:00:00Z";
        self.minted(&json!({ "name": "of-another" })).await;
        let body = json!({ "calls_per_minute": 60, "address_ranges": [ALL_V4] });
        let token = self.minted(&body).await;
        let path = |id: &str| format!("/org/tokens/{id}");
        for (body, code) in [
            (json!({}), "edit_empty"),
            (json!({ "name": "" }), "name_invalid"),
            (json!({ "name": "of-another" }), "name_taken"),
            (
                json!({ "description": "x".repeat(501) }),
                "description_invalid",
            ),
            (json!({ "policies": ["x"] }), "policies_invalid"),
            (json!({ "policies": ["x:y"] }), "policy_unknown"),
            (json!({ "address_ranges": ["x"] }), "address_ranges_invalid"),
            (json!({ "calls_per_minute": 0 }), "calls_per_minute_invalid"),
            (json!({ "calls_per_minute": 61 }), "edit_widens"),
            (json!({ "expires_at": "x" }), "expires_at_invalid"),
            (json!({ "expires_in": "x" }), "expires_in_invalid"),
            (
                json!({ "expires_at": past, "expires_in": "1d" }),
                "expiry_ambiguous",
            ),
            (json!({ "expires_at": past }), "expiry_in_the_past"),
        ] {
            let call = self.admin("PATCH", &path(&token.id), &body);
            self.expect("editToken", call, code).await;
        }
        let ended = self.minted(&json!({})).await;
        let organization = self.cast.organization.clone();
        organization.revoke(&self.cast.gateway, &ended.id).await;
        let narrower = json!({ "calls_per_minute": 1 });
        let call = self.admin("PATCH", &path(&ended.id), &narrower);
        self.expect("editToken", call, "token_not_live").await;
        let manager = self.minted(&json!({})).await;
        let call = self.by(&manager, "PATCH", &path(&token.id), &narrower);
        self.expect("editToken", call, "organization_token").await;
        self.conditions().await;
    }

    async fn conditions(&mut self) {
        let upstreams = upstream(self.setup, &self.cast.organization, &json!({}));
        let with = |mut body: Value, (member, value): (&str, Value)| {
            body[member] = value;
            body
        };
        for (operation, path, body) in [
            ("mintToken", "/org/tokens", json!({})),
            (
                "adoptToken",
                "/org/tokens/adopt",
                json!({ "token": upstreams }),
            ),
        ] {
            for (member, value, code) in [
                ("address_ranges", json!(["x"]), "address_ranges_invalid"),
                ("calls_per_minute", json!(0), "calls_per_minute_invalid"),
            ] {
                let body = with(body.clone(), (member, value));
                let call = self.admin("POST", path, &body);
                self.expect(operation, call, code).await;
            }
            let minter = self.minted(&json!({ "address_ranges": [ALL_V4] })).await;
            let wider = with(body.clone(), ("project", json!(SHOP)));
            let wider = with(wider, ("address_ranges", json!([ALL_V6])));
            let call = self.by(&minter, "POST", path, &wider);
            self.expect(operation, call, "conditions_exceeded").await;
        }
        let minter = self.minted(&json!({ "address_ranges": [ALL_V4] })).await;
        let other = json!({ "project": SHOP, "policies": [], "address_ranges": [ALL_V6] });
        let other = self.minted(&other).await;
        for (operation, verb) in [("rotateToken", "rotate"), ("releaseToken", "release")] {
            let path = format!("/org/tokens/{}/{verb}", other.id);
            let call = self.by(&minter, "POST", &path, &json!({}));
            self.expect(operation, call, "conditions_exceeded").await;
        }
        let mortal = self.minted(&json!({ "expires_in": "1d" })).await;
        let endless = self
            .minted(&json!({ "project": SHOP, "policies": [] }))
            .await;
        let path = format!("/org/tokens/{}/release", endless.id);
        let call = self.by(&mortal, "POST", &path, &json!({}));
        self.expect("releaseToken", call, "lifetime_exceeded").await;
    }
}
