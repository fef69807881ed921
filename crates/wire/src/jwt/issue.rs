//! Issues the JWT of a token. Every claim comes from the token's facts.

use chrono::DateTime;
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt as _, Header};
use serde::Serialize;

use super::{API_TOKEN_AUDIENCE, ISSUER};
use postern_domain::keys::KeyRing;
use postern_domain::secret::Secret;
use postern_domain::token::{TokenFacts, Verifier};

/// The claims could not be serialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueError;

/// The private claims in the origin's order (R3). An id stands or falls with its name, because
/// the scope holds both or neither.
#[derive(Serialize)]
struct IssuedClaims<'a> {
    jti: String,
    iss: &'a str,
    aud: [&'a str; 1],
    token_name: &'a str,
    org_id: String,
    org_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_name: Option<&'a str>,
}

/// A token, and what is kept of it.
pub struct Issued {
    /// The token.
    pub token: Secret,
    /// What to store for it.
    pub verifier: Verifier,
}

/// Signs the token with the ring's first key.
///
/// # Errors
/// [`IssueError`] if the claims cannot be written as JSON.
pub fn issue(facts: &TokenFacts, ring: &KeyRing) -> Result<Issued, IssueError> {
    let project = facts.scope.project();
    let workflow = facts.scope.workflow();
    let custom = IssuedClaims {
        jti: facts.id.to_string(),
        iss: ISSUER,
        aud: [API_TOKEN_AUDIENCE],
        token_name: facts.name.as_str(),
        org_id: facts.organization.id.to_string(),
        org_name: &facts.organization.name,
        project_id: project.map(|project| project.id.to_string()),
        project_name: project.map(|project| project.name.as_str()),
        workflow_id: workflow.map(|workflow| workflow.id.to_string()),
        workflow_name: workflow.map(|workflow| workflow.name.as_str()),
    };
    let mut claims = jwt_compact::Claims::new(custom);
    claims.expiration = match facts.expires_at {
        Some(end) => Some(DateTime::from_timestamp_millis(end.as_millis()).ok_or(IssueError)?),
        None => None,
    };
    let key = ring.signing();
    let header = Header::empty()
        .with_token_type("JWT")
        .with_key_id(key.kid());
    let token = Hs256
        .token(&header, &claims, &Hs256Key::new(key.expose()))
        .map_err(|_| IssueError)?;
    let signed = super::signed(&token, key.kid()).ok_or(IssueError)?;
    Ok(Issued {
        token: Secret::new(token),
        verifier: Verifier::Jwt {
            signed: Some(signed),
        },
    })
}
