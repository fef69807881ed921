//! Tokens as the origin signs them, and how they are adopted, presented and refused.

use postern_system_tests::forge;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::life::{REFUSED, accepted, now};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{random_id, random_name};
use serde_json::{Value, json};

pub const ISOLATES: u16 = 2;

/// Claims of a token of the whole organization, as the origin makes them.
pub fn claims(organization: &Organization) -> Value {
    json!({
        "jti": random_id(),
        "iss": "cp.chainloop",
        "aud": ["api-token-auth.chainloop"],
        "token_name": random_name("upstream"),
        "org_id": organization.id,
        "org_name": organization.name,
    })
}

/// The same with members replaced; `null` takes one away.
pub fn changed(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// The members of a token for `release` of `shop`.
pub fn for_release(organization: &Organization) -> Value {
    json!({
        "project_id": organization.shop, "project_name": SHOP,
        "workflow_id": organization.release, "workflow_name": RELEASE,
    })
}

pub fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

pub fn seconds_from_now(seconds: i64) -> i64 {
    now() / 1000 + seconds
}

/// The JWT of these claims, as the origin signs it.
pub fn jwt(suite: &Suite, claims: &Value) -> String {
    forge::jwt(&header(), &claims.to_string(), &suite.keys.origin)
}

pub fn adopting_here(
    suite: &Suite,
    organization: &Organization,
    token: &str,
    more: &Value,
) -> Call {
    adopting(&suite.gateway, organization, 0, token, more)
}

/// Adopts a token of these claims.
pub async fn adopt(
    suite: &Suite,
    organization: &Organization,
    claims: &Value,
    more: &Value,
) -> Minted {
    let token = jwt(suite, claims);
    let answer = adopting_here(suite, organization, &token, more)
        .send()
        .await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(!answer.text().contains(&token), "the token is not echoed");
    adopted(token, answer.json(201))
}

pub async fn find_or_create(suite: &Suite, token: &str, project: &str, workflow: &str) -> Answer {
    let message = rpc::names(project, workflow);
    rpc::call(&suite.gateway, FIND_OR_CREATE, token, &message)
        .send()
        .await
}

pub async fn assert_live(suite: &Suite, token: &str) {
    for isolate in 0..ISOLATES {
        assert!(
            accepted(&suite.gateway, isolate, token).await,
            "isolate {isolate}"
        );
    }
}

/// Asserts that no isolate takes a token, and why.
pub async fn assert_refused(suite: &Suite, token: &str, cause: &str) {
    for isolate in 0..ISOLATES {
        let message = rpc::names(SHOP, RELEASE);
        let call = rpc::call_on(&suite.gateway, isolate, FIND_OR_CREATE, token, &message);
        let answer = call.send().await;
        answer.refused(16, REFUSED);
        let id = answer.header("x-request-id").expect("a request id");
        let line = suite.gateway.log_line(id).await;
        assert_eq!(line["cause"], cause, "{line}");
    }
}

pub fn adopting(
    gateway: &Gateway,
    organization: &Organization,
    isolate: u16,
    token: &str,
    more: &Value,
) -> Call {
    let mut body = more.clone();
    body["token"] = json!(token);
    organization
        .call_on(gateway, isolate, "POST", "/org/tokens/adopt")
        .json(&body)
}

pub fn adopted(token: String, answer: Value) -> Minted {
    let id = forge::part(&token, 1)["jti"].clone();
    assert_eq!(answer["id"], id, "the id is the claimed one");
    Minted {
        id: id.as_str().expect("an id").to_owned(),
        token,
        answer,
    }
}
