//! Who is calling, as far as a sample may believe it: the claims of a JWT are
//! read and NOT verified, which is the gateway's work. Keeps hashes of the
//! credential, never the credential.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tonic::{Code, Request};
use uuid::Uuid;

use crate::digest::sha256_hex;
use crate::failure::Failure;

/// The organization of callers whose credential names none. It is everybody's:
/// its callers see all runs, and everybody sees its runs.
const SAMPLE: &str = "sample";

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Organization {
    /// UUID, from the claims or made from the name.
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Organization {
    fn sample() -> Self {
        Self {
            id: Uuid::new_v5(&Uuid::NAMESPACE_URL, b"postern-origin/organization").to_string(),
            name: SAMPLE.to_owned(),
        }
    }
}

/// The caller of one call.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Of the whole Authorization value.
    pub(crate) authorization_sha256: String,
    /// Of the token alone: the control plane derives the key of an attestation
    /// state from it.
    pub(crate) token_sha256: String,
    /// `jti` of a JWT; for other tokens made from the hash.
    pub(crate) token_id: String,
    pub(crate) organization: Organization,
}

/// The claims of an API token that matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    jti: String,
    org_id: String,
    org_name: String,
}

/// The claims of an assertion that matter here.
#[derive(Deserialize)]
struct Asserted {
    sub: String,
    org: AssertedOrganization,
}

#[derive(Deserialize)]
struct AssertedOrganization {
    id: String,
    name: String,
}

impl Caller {
    /// The caller of a gRPC call: whom strict mode has found, else whom the
    /// credential names. The first of several credentials wins, as upstream.
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Failure> {
        if let Some(known) = request.extensions().get::<Self>() {
            return Ok(known.clone());
        }
        let metadata = request.metadata();
        let authorization = metadata.get("authorization");
        let assertion = metadata.get(crate::assertion::HEADER);
        match (
            authorization,
            assertion.and_then(|value| value.to_str().ok()),
        ) {
            (None, Some(assertion)) => Self::asserted(assertion),
            (authorization, _) => {
                Self::from_authorization(authorization.map(|value| value.as_bytes()))
            }
        }
    }

    /// The caller that an assertion names: the gateway sends one alone where the caller has shown what is not
    /// for the origin.
    fn asserted(assertion: &str) -> Result<Self, Failure> {
        let missing = || {
            Failure::new(
                Code::Unauthenticated,
                "UNAUTHORIZED",
                "JWT token is missing",
            )
        };
        let asserted: Asserted = payload(assertion).ok_or_else(missing)?;
        Ok(Self {
            authorization_sha256: sha256_hex(b""),
            token_sha256: sha256_hex(asserted.sub.as_bytes()),
            token_id: asserted.sub,
            organization: Organization {
                id: asserted.org.id,
                name: asserted.org.name,
            },
        })
    }

    /// The caller with this Authorization value; fails unless it is a bearer.
    pub(crate) fn from_authorization(value: Option<&[u8]>) -> Result<Self, Failure> {
        let bearer = value
            .and_then(|value| std::str::from_utf8(value).ok())
            .and_then(|value| value.split_once(' '));
        let (value, token) = match (value, bearer) {
            (Some(value), Some((scheme, token)))
                if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() =>
            {
                (value, token)
            }
            _ => {
                return Err(Failure::new(
                    Code::Unauthenticated,
                    "UNAUTHORIZED",
                    "JWT token is missing",
                ));
            }
        };
        let claims = payload::<Claims>(token).unwrap_or_default();
        let organization = if claims.org_id.is_empty() || claims.org_name.is_empty() {
            Organization::sample()
        } else {
            Organization {
                id: claims.org_id,
                name: claims.org_name,
            }
        };
        let token_sha256 = sha256_hex(token.as_bytes());
        let token_id = if claims.jti.is_empty() {
            Uuid::new_v5(&Uuid::NAMESPACE_URL, token_sha256.as_bytes()).to_string()
        } else {
            claims.jti
        };
        Ok(Self {
            authorization_sha256: sha256_hex(value),
            token_sha256,
            token_id,
            organization,
        })
    }

    /// Whether what belongs to `owner` exists for this caller.
    pub(crate) fn sees(&self, owner: &Organization) -> bool {
        self.organization.name == SAMPLE || owner.name == SAMPLE || self.organization.id == owner.id
    }
}

/// The claims inside a JWT, believed as they stand.
fn payload<T: DeserializeOwned>(token: &str) -> Option<T> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice(&claims).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("Bearer e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn caller(authorization: &str) -> Caller {
        Caller::from_authorization(Some(authorization.as_bytes())).unwrap()
    }

    #[test]
    fn the_organization_is_claimed_or_the_sample() {
        let check = |authorization: &str, name: &str| {
            assert_eq!(
                caller(authorization).organization.name,
                name,
                "{authorization}"
            );
        };
        check(&jwt(r#"{"org_id":"1","org_name":"acme"}"#), "acme");
        check(&jwt(r#"{"org_id":"","org_name":""}"#), "sample");
        check(&jwt(r#"{"org_name":"acme"}"#), "sample");
        check(&jwt("[]"), "sample");
        check("Bearer a.b.c", "sample");
        check("Bearer e30.e30", "sample");
        check("Bearer pst_opaque", "sample");
    }

    #[test]
    fn organizations_do_not_see_each_other() {
        let acme = caller(&jwt(r#"{"org_id":"1","org_name":"acme"}"#));
        let rival = caller(&jwt(r#"{"org_id":"2","org_name":"acme"}"#));
        let opaque = caller("Bearer pst_opaque");
        assert!(acme.sees(&acme.organization));
        assert!(!acme.sees(&rival.organization), "the id counts");
        assert!(opaque.sees(&acme.organization) && acme.sees(&opaque.organization));
    }

    #[test]
    fn ids_and_hashes() {
        assert_eq!(caller(&jwt(r#"{"jti":"t-1"}"#)).token_id, "t-1");
        let (upper, lower) = (caller("Bearer x"), caller("bearer x"));
        assert_eq!(upper.token_sha256, lower.token_sha256);
        assert_eq!(upper.token_id, lower.token_id);
        assert_ne!(upper.authorization_sha256, lower.authorization_sha256);
    }
}
