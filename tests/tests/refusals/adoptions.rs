//! Refusals of tokens that the origin minted and that are to be adopted.

use postern_system_tests::forge;
use postern_system_tests::life::now;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{random_id, random_name};
use serde_json::{Value, json};

use crate::single::Drive;

/// A JWT as the origin would have signed it for the organization, with these claims besides; `null` takes one away.
pub fn upstream(setup: &Setup, organization: &Organization, changes: &Value) -> String {
    let mut claims = json!({
        "jti": random_id(),
        "iss": "cp.chainloop",
        "aud": ["api-token-auth.chainloop"],
        "token_name": random_name("upstream"),
        "org_id": organization.id,
        "org_name": organization.name,
    });
    let object = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    forge::jwt(&header, &claims.to_string(), &setup.keys.origin)
}

impl Drive<'_> {
    /// Every code of `adoptToken` that no other operation has in the same way.
    pub async fn adoptions(&mut self) {
        let (setup, organization) = (self.setup, self.cast.organization.clone());
        let token = |changes: Value| upstream(setup, &organization, &changes);
        let path = "/org/tokens/adopt";
        let body = |token: &str| json!({ "token": token });
        let hour_ago = now() / 1000 - 3600;
        let shop = json!({ "project_id": organization.shop, "project_name": SHOP });
        let nowhere = json!({ "project_id": random_id(), "project_name": "nowhere" });
        let elsewhere = json!({ "project_id": random_id(), "project_name": SHOP });
        let foreign = forge::jwt(&json!({ "alg": "HS256", "typ": "JWT" }), &json!({ "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"], "jti": random_id() }).to_string(), &setup.keys.k0);
        let named = json!({ "project": "nowhere" });
        for (body, code) in [
            (body("x"), "jwt_invalid"),
            (body(&foreign), "jwt_key_unknown"),
            (
                body(&token(json!({ "aud": ["user-auth.chainloop"] }))),
                "jwt_not_adoptable",
            ),
            (
                body(&token(json!({ "exp": hour_ago }))),
                "token_expired_already",
            ),
            (
                body(&token(json!({ "org_id": random_id() }))),
                "organization_conflict",
            ),
            (
                merged(&body(&token(shop.clone())), &named),
                "scope_conflict",
            ),
            (
                merged(&body(&token(json!({}))), &json!({ "name": "" })),
                "name_invalid",
            ),
            (
                merged(&body(&token(json!({}))), &json!({ "workflow": RELEASE })),
                "workflow_without_project",
            ),
            (
                merged(
                    &body(&token(json!({}))),
                    &json!({ "project": "elsewhere", "workflow": RELEASE }),
                ),
                "workflow_of_other_project",
            ),
            (
                merged(&body(&token(json!({}))), &json!({ "policies": ["x"] })),
                "policies_invalid",
            ),
            (
                merged(&body(&token(json!({}))), &json!({ "policies": ["x:y"] })),
                "policy_unknown",
            ),
            (body(&token(nowhere)), "not_registered"),
            (body(&token(elsewhere)), "claims_conflict"),
            (
                merged(&body(&token(json!({}))), &json!({ "name": "taken" })),
                "name_taken",
            ),
            (merged(&body(&token(json!({}))), &named), "not_found"),
        ] {
            self.expect("adoptToken", self.admin("POST", path, &body), code)
                .await;
        }
        let once = token(json!({}));
        let adopted = self
            .admin("POST", path, &body(&once))
            .send()
            .await
            .json(201);
        self.expect(
            "adoptToken",
            self.admin("POST", path, &body(&once)),
            "already_adopted",
        )
        .await;
        organization
            .revoke(&self.cast.gateway, adopted["id"].as_str().expect("an id"))
            .await;
        self.expect(
            "adoptToken",
            self.admin("POST", path, &body(&once)),
            "token_revoked",
        )
        .await;
        let minter = self.minted(&json!({ "expires_in": "1d" })).await;
        let later = token(merged(&shop, &json!({ "exp": now() / 1000 + 172_800 })));
        for (minted, code) in [
            (
                token(json!({ "org_id": null, "org_name": null })),
                "organization_unclaimed",
            ),
            (token(json!({})), "project_required"),
            (later, "lifetime_exceeded"),
        ] {
            self.expect(
                "adoptToken",
                self.by(&minter, "POST", path, &body(&minted)),
                code,
            )
            .await;
        }
    }
}

/// Both objects in one.
pub fn merged(one: &Value, other: &Value) -> Value {
    let mut one = one.clone();
    for (name, value) in other.as_object().expect("an object") {
        one[name] = value.clone();
    }
    one
}
