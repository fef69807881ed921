//! What is wrong in the same way for every operation: credentials, sessions, bodies, queries, names. Every operation
//! gets all of it, whether it lists the refusal or not.

use postern_system_tests::forge::{self, header};
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Call;
use postern_system_tests::life::now;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{random_address, random_id, random_name};
use serde_json::{Value, json};

use crate::document::{Met, Operation};

/// A session of somebody who is a member elsewhere.
const STRANGER: &str = "session=stranger";

/// One organization with a token for everything that tokens may do.
pub struct Cast {
    pub gateway: Gateway,
    pub organization: Organization,
    pub everything: Minted,
    pub admin: String,
}

impl Cast {
    pub async fn on(gateway: Gateway, admin: &str) -> Self {
        let organization = Organization::new(&gateway, admin).await;
        let policies = [
            "org_api_token:*",
            "project_api_token:*",
            "audit:read",
            "upstream_credential:*",
            "trust_rule:*",
        ];
        let everything = organization
            .mint(&gateway, &json!({ "policies": policies }))
            .await;
        Self {
            gateway,
            organization,
            everything,
            admin: admin.to_owned(),
        }
    }

    /// A call of the operation that has nothing wrong, but no credential yet. Ids are of nobody.
    pub fn call(&self, operation: &Operation) -> Call {
        self.call_on(&self.gateway, operation)
    }

    /// The same to another gateway.
    pub fn call_on(&self, gateway: &Gateway, operation: &Operation) -> Call {
        let path = operation
            .path
            .replace("{name}", &self.organization.name)
            .replace("{project}", SHOP)
            .replace("{workflow}", RELEASE)
            .replace("{sequence}", "1")
            .replace("{id}", &random_id());
        // It needs one; what is asked for besides brings its own.
        let path = match operation.name == "auditConsistency" && !path.contains('?') {
            true => format!("{path}?from=1"),
            false => path,
        };
        let call = gateway
            .call(&operation.method, &path)
            .from(&random_address());
        match (operation.media.as_deref(), body(&operation.name)) {
            (Some("application/json"), Some(body)) => call.json(&body),
            (Some(_), None) => call.form(&[("token", "nobody's")]),
            (None, None) => call,
            other => panic!("{}: {other:?}", operation.name),
        }
    }

    /// With the administrator key, about the organization.
    pub fn admin(&self, operation: &Operation) -> Call {
        self.call(operation)
            .bearer(&self.admin)
            .organization(&self.organization.name)
    }

    /// With the token that may do everything.
    pub fn token(&self, operation: &Operation) -> Call {
        self.call(operation).bearer(&self.everything.token)
    }
}

/// The smallest good body of the operations that take JSON.
fn body(operation: &str) -> Option<Value> {
    Some(match operation {
        "createOrganization" | "createProject" | "createWorkflow" => {
            json!({ "name": random_name("x") })
        }
        "updateOrganization" | "rebuildLedger" | "mintToken" | "rotateToken" => json!({}),
        "pauseOrganization" => json!({}),
        "editToken" => json!({ "calls_per_minute": 60 }),
        "searchTokens" => json!({ "text": "nobody" }),
        "revokeTokens" => json!({ "ids": [random_id()] }),
        "adoptToken" => json!({ "token": "x" }),
        "setUpstream" | "setUpstreamOfProject" | "setUpstreamOfWorkflow" => {
            json!({ "credential": "x" })
        }
        "addTrustRule" => json!({
            "issuer": "github",
            "repository_id": 7,
            "repository_owner_id": 6,
            "project": SHOP,
            "policies": ["workflow_run:read"],
        }),
        "findRepository" => json!({ "issuer": "github", "repository": "acme/shop" }),
        "testJobToken" => json!({ "token": "x" }),
        "explain" => json!({ "operation": "token.list" }),
        "reportLeaks" => json!({ "tokens": ["x"] }),
        _ => return None,
    })
}

/// Credentials that are refused, with the word for each.
async fn refused(cast: &Cast, setup: &Setup) -> Vec<String> {
    let (gateway, organization) = (&cast.gateway, &cast.organization);
    let revoked = organization.mint(gateway, &json!({})).await;
    organization.revoke(gateway, &revoked.id).await;
    let expired = json!({ "jti": random_id(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"], "exp": now() / 1000 - 60 });
    let stale =
        json!({ "jti": random_id(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"] });
    vec![
        "not a token".to_owned(),
        forge::jwt(&header(), &expired.to_string(), &setup.keys.k2),
        forge::jwt(&header(), &stale.to_string(), &setup.keys.k0),
        revoked.token,
        users(setup),
    ]
}

/// A token that can be used from one address alone, which nobody has, and one that can make one call a minute.
async fn conditioned(cast: &Cast) -> (String, String) {
    let (gateway, organization) = (&cast.gateway, &cast.organization);
    let narrow = json!({ "address_ranges": ["203.0.113.255"] });
    let narrow = organization.mint(gateway, &narrow).await;
    let once = organization
        .mint(gateway, &json!({ "calls_per_minute": 1 }))
        .await;
    (narrow.token, once.token)
}

/// A user token of the control plane.
pub fn users(setup: &Setup) -> String {
    let claims = json!({ "user_id": random_id(), "iss": "cp.chainloop", "aud": ["user-auth.chainloop"], "exp": now() / 1000 + 3600 });
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    forge::jwt(&header, &claims.to_string(), &setup.keys.origin)
}

/// Everything above, on one gateway.
pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let session_url = format!("{}/session", setup.origin.url);
    let serve = setup.serve().set("SESSION_VERIFY_URL", &session_url);
    let cast = Cast::on(serve.start().await, &setup.keys.admin).await;
    let elsewhere = Organization::new(&cast.gateway, &cast.admin).await;
    let memberships = [(elsewhere.name.as_str(), "admin"), ("second", "admin")];
    setup.origin.sign_in(STRANGER, "kim", &memberships).await;
    let narrow = cast
        .organization
        .mint_for_release(&cast.gateway, "opaque")
        .await;
    let (elsewhere_only, exhausted) = conditioned(&cast).await;
    let refused = refused(&cast, setup).await;
    let big = " ".repeat(2 * 1024 * 1024);

    for operation in operations {
        let own = &cast.organization.name;
        let session = |call: Call| {
            let call = call
                .header("cookie", STRANGER)
                .header("sec-fetch-site", "same-origin");
            call.without("content-type")
                .header("content-type", "application/json")
        };
        let mut calls = vec![
            cast.call(operation).organization(own),
            cast.call(operation).bearer(&narrow.token),
            cast.call(operation).bearer(&elsewhere_only),
            // A minute after the last one there is one call again.
            cast.call(operation).bearer(&exhausted),
            cast.call(operation).bearer(&exhausted),
            cast.token(operation),
            cast.admin(operation),
            cast.call(operation).bearer(&cast.admin),
            cast.call(operation)
                .bearer(&cast.admin)
                .organization("nowhere"),
            session(cast.call(operation).organization(own)),
            session(cast.call(operation)),
        ];
        calls.extend(
            refused
                .iter()
                .map(|credential| cast.call(operation).organization(own).bearer(credential)),
        );
        if operation.writes() {
            let foreign = cast
                .call(operation)
                .header("cookie", STRANGER)
                .header("sec-fetch-site", "cross-site");
            calls.push(foreign.organization(own));
        }
        for call in calls {
            met.note(operation, &call.send().await);
        }
        if matches!(operation.method.as_str(), "POST" | "PATCH" | "PUT") {
            for (media, body) in [
                ("text/plain", "x"),
                ("application/json", "["),
                ("application/x-www-form-urlencoded", "x=1"),
            ] {
                let call = cast
                    .admin(operation)
                    .without("content-type")
                    .header("content-type", media);
                met.note(operation, &call.body(body).send().await);
            }
            let call = match operation.media {
                Some(_) => cast.admin(operation),
                None => cast.admin(operation).json(&json!({})),
            };
            let packed = call.header("content-encoding", "gzip");
            met.note(operation, &packed.send().await);
            let call = cast.admin(operation).body(big.clone());
            let call = if operation.media.is_none() {
                call.header("content-type", "application/json")
            } else {
                call
            };
            met.note(operation, &call.send_while_reading().await);
        }
        for query in [
            "page=1",
            "limit=0",
            "cursor=x",
            "status=x",
            "scope=x",
            "include_system=x",
            "uses_days=x",
            "minted_by=x",
            "q=-",
            "q=eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            "never_expires=x",
            "unused_since=x",
        ] {
            met.note(operation, &with_query(&cast, operation, query).send().await);
        }
        for query in [
            "action=x",
            "token=x",
            "since=x",
            "until=x",
            "address=x",
            "token=eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            &format!("token={}", "x".repeat(101)),
            &format!("request_id={}", "x".repeat(201)),
            &format!("actor={}", "x".repeat(201)),
        ] {
            met.note(operation, &with_query(&cast, operation, query).send().await);
        }
        if operation.name == "pauseOrganization" {
            // What comes next is refused for its own reasons.
            let call = cast.gateway.call("POST", "/org/resume").bearer(&cast.admin);
            let resumed = call.organization(&cast.organization.name).send().await;
            assert_eq!(resumed.status, 200, "{}", resumed.text());
        }
        if operation.path.contains("{id}") {
            let call = Operation {
                path: operation.path.replace("{id}", "x"),
                ..operation.clone()
            };
            met.note(operation, &cast.admin(&call).send().await);
        }
    }
    cast.gateway.stop();
}

fn with_query(cast: &Cast, operation: &Operation, query: &str) -> Call {
    let asked = Operation {
        path: format!("{}?{query}", operation.path),
        ..operation.clone()
    };
    cast.admin(&asked)
}
