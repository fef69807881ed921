//! JWTs as the origin signs them, for tests: without `kid`, with the claims that a test wants.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "made for tests, which may fail"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

use crate::credential::{Presented, present};
use crate::testing;
use postern_domain::claims::Claims;
use postern_domain::id::{Id, TokenId};
use postern_domain::keys::KeyRing;
use postern_domain::name::TokenName;
use postern_domain::scope::{Named, Scope};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};

/// The id of [`claims`].
pub fn id() -> TokenId {
    Id::from_u128(0x77)
}

/// The claims of a token of the whole organization of [`testing`].
pub fn claims() -> Value {
    json!({
        "jti": id().to_string(),
        "iss": "cp.chainloop",
        "aud": ["api-token-auth.chainloop"],
        "token_name": "upstream",
        "org_id": Id::<postern_domain::id::Organization>::from_u128(1).to_string(),
        "org_name": "acme",
    })
}

/// The same with members replaced; `null` takes one away.
pub fn claims_with(changes: &Value) -> Value {
    changed(claims(), changes)
}

/// Claims with members replaced; `null` takes one away.
pub fn changed(mut claims: Value, changes: &Value) -> Value {
    let object = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// The members of a token for the project of [`testing`].
pub fn in_project() -> Value {
    let project = testing::project();
    json!({ "project_id": project.id.to_string(), "project_name": project.name })
}

/// The members of a token for the workflow of [`testing`].
pub fn in_workflow() -> Value {
    let (mut members, workflow) = (in_project(), testing::workflow());
    members["workflow_id"] = json!(workflow.id.to_string());
    members["workflow_name"] = json!(workflow.name);
    members
}

/// Signs header and claims under the first key of a ring.
pub fn sign(header: &Value, claims: &Value, ring: &KeyRing) -> String {
    let part = |value: &Value| B64.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mac = ring.signing().mac(&[signed.as_bytes()]);
    format!("{signed}.{}", B64.encode(mac))
}

/// The JWT of the claims, as the origin makes it under its own key.
pub fn jwt(claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let keys = testing::config().adopt_keys.expect("the origin's");
    sign(&header, claims, &keys)
}

/// The claims as the verifier reads them.
pub fn read(claims: &Value) -> Claims {
    let header = format!("Bearer {}", jwt(claims));
    let now = Timestamp::from_millis(0);
    match present(Some(&header), &testing::config(), now) {
        Ok(Presented::Jwt(verified)) => verified.claims.clone(),
        other => panic!("no JWT of the origin: {other:?}"),
    }
}

/// The facts of a token that was registered with these claims and this effective scope.
pub fn adopted(claims: &Value, scope: Scope) -> TokenFacts {
    let claims = read(claims);
    TokenFacts {
        id: id(),
        name: TokenName::parse("upstream").expect("a name"),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope,
        policies: Vec::new(),
        is_system: false,
        expires_at: claims
            .exp
            .map(|exp| Timestamp::from_millis(exp.saturating_mul(1000))),
        verifier: Verifier::Adopted {
            claims: Box::new(claims),
        },
        ci_job: None,
        conditions: None,
        revision: 0,
    }
}
