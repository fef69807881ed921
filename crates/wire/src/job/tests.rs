//! Job tokens of issuers of our own, from their text to the rule that they meet.

mod forged;
mod gitlab;
mod headers;
mod issuer;
mod key_sets;
mod lookup;
mod malformed;
mod presenting;
mod properties;
mod shapes;
mod wrong_claims;

use serde_json::{Value, json};

use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::trust::{Audiences, Issuer, Issuers, Loopback};

use super::*;
use issuer::{RSA, holds, key_set, signed};

pub(super) const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub(super) const GITLAB: &str = "https://gitlab.com";
pub(super) const OTHER: &str = "https://ci.example/oidc";
pub(super) const GATE: &str = "https://gate.example";
/// Seconds since 1970 at which tests look.
pub(super) const NOW: i64 = 1_900_000_000;

pub(super) fn issuers() -> Issuers {
    let text = format!("github, gitlab, {OTHER}");
    Issuers::parse(&text, Loopback::Refused).expect("issuers")
}

pub(super) fn known(url: &str) -> Issuer {
    issuers().of_url(url).expect("a known one").clone()
}

pub(super) fn audiences() -> Audiences {
    Audiences::new([GATE.to_owned()], false).expect("audiences")
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1000)
}

/// What the gateway does with a token: each issuer has the same key set here.
pub(super) fn present(token: &str) -> Result<VerifiedJob, JobRefusal> {
    present_with(token, &key_set().to_string())
}

/// The same, where issuers have another key set.
pub(super) fn present_with(token: &str, keys: &str) -> Result<VerifiedJob, JobRefusal> {
    let token = JobToken::parse(&Secret::new(token.to_owned()))?;
    let issuers = issuers();
    let issuer = issuers.of_url(token.claimed_issuer());
    let issuer = issuer.ok_or(JobRefusal::UnknownIssuer)?;
    let keys = KeySet::parse(issuer, keys.as_bytes()).expect("a key set");
    let question = token.ask(&keys).map_err(|unkeyed| unkeyed.fault)?;
    let holds = holds(&question);
    let signed = question.answer(holds).ok_or(JobRefusal::Signature)?;
    Ok(signed.verified(&audiences(), now())?)
}

pub(super) fn header() -> Value {
    json!({"typ": "JWT", "alg": "RS256", "x5t": "eBZ_cn3sXYAd0ch4THBKHIgOwOE", "kid": RSA})
}

/// The claims of a job of GitHub Actions, with a `sub` of the form before 2026-07-15.
pub(super) fn github() -> Value {
    json!({
        "jti": "6f4762ed-0758-4ccb-808d-ee3af5d723a8",
        "sub": "repo:acme/shop:environment:Production",
        "aud": format!("{GATE}/acme"),
        "ref": "refs/heads/main",
        "sha": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
        "repository": "acme/shop",
        "repository_owner": "acme",
        "repository_owner_id": "65",
        "run_id": "16001234567",
        "run_number": "10",
        "run_attempt": "2",
        "repository_visibility": "private",
        "repository_id": "74",
        "actor_id": "12",
        "actor": "octocat",
        "workflow": "release",
        "head_ref": "",
        "base_ref": "",
        "event_name": "push",
        "ref_protected": "true",
        "ref_type": "branch",
        "workflow_ref": "acme/shop/.github/workflows/release.yml@refs/heads/main",
        "workflow_sha": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
        "job_workflow_ref": "acme/shop/.github/workflows/release.yml@refs/heads/main",
        "job_workflow_sha": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
        "runner_environment": "github-hosted",
        "environment": "Production",
        "enterprise": "acme-inc",
        "iss": GITHUB,
        "nbf": NOW - 600,
        "exp": NOW + 300,
        "iat": NOW - 5,
    })
}

/// These claims with some changed; `null` takes one out.
pub(super) fn changed(mut claims: Value, changes: &Value) -> Value {
    let (Some(claims_map), Some(changes)) = (claims.as_object_mut(), changes.as_object()) else {
        panic!("objects")
    };
    for (name, value) in changes {
        if value.is_null() {
            claims_map.remove(name);
        } else {
            claims_map.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// A token of GitHub's with changed claims, signed by its key.
pub(super) fn github_with(changes: &Value) -> String {
    signed(
        &header().to_string(),
        &changed(github(), changes).to_string(),
    )
}

/// A token with a changed header, signed by the key that the header's algorithm is for.
pub(super) fn header_with(changes: &Value) -> String {
    signed(
        &changed(header(), changes).to_string(),
        &github().to_string(),
    )
}
