//! What the tests about CI jobs share: a job token that nobody has signed, and a runner as GitHub has it. Asserts that
//! the program prints no job token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Output, Reply, json, run};

/// The runner's own credential.
pub const CREDENTIAL: &str = "the-credential-of-the-runner-of-this-test";
/// What a gateway gives for a job token.
pub const GIVEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJnaXZlbi1ieS10aGUtZ2F0ZXdheSJ9.c2ln";

/// A job token with these claims.
pub fn job_token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(&json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" }));
    format!(
        "{header}.{}.{}",
        part(claims),
        URL_SAFE_NO_PAD.encode([7; 256])
    )
}

/// One of GitHub's for an audience.
pub fn of_github(audience: &str) -> String {
    job_token(&json!({
        "iss": "https://token.actions.githubusercontent.com", "aud": audience, "jti": "1",
        "repository": "acme/shop", "repository_id": "74", "repository_owner_id": "65",
        "repository_owner": "acme", "event_name": "push", "run_id": "9",
    }))
}

/// One of GitLab's.
pub fn of_gitlab(audience: &str) -> String {
    job_token(&json!({
        "iss": "https://gitlab.acme.dev", "aud": audience, "jti": "1",
        "project_path": "acme/tools/shop", "namespace_path": "acme/tools",
        "project_id": "20", "namespace_id": 72, "pipeline_source": "push", "pipeline_id": "9",
    }))
}

/// Where GitHub gives this job its token.
pub async fn runner(token: &str) -> Gateway {
    Gateway::start(vec![json(200, &json!({ "count": 1, "value": token }))]).await
}

/// A good answer of `/oauth/token`.
pub fn given() -> Reply {
    let body = json!({
        "access_token": GIVEN, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer", "expires_in": 600, "scope": "workflow_run:read",
    });
    json(200, &body)
}

/// Runs the program as a job does: with nothing but these variables.
pub async fn as_job(words: &[&str], variables: &[(&str, &str)], stdin: &str) -> Output {
    let output = run(words, variables, stdin).await;
    for (_, value) in variables.iter().chain([&("", CREDENTIAL), &("", stdin)]) {
        let is_secret =
            *value == CREDENTIAL || value.matches('.').count() == 2 && value.starts_with("ey");
        if is_secret {
            assert!(!output.stdout.contains(value) && !output.stderr.contains(value));
        }
    }
    output
}
