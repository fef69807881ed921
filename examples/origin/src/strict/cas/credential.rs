//! The credential for the artifact store: an ES512 JWT that holds for 30 s and says whose it is, for
//! which store and to do what (`internal/robotaccount/cas/robotaccount.go` of the control plane).
//! It names neither a project, nor a workflow, nor a digest.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p521::ecdsa::signature::{Signer as _, Verifier as _};
use p521::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::Deserialize;
use serde_json::json;

use super::MAX_ARTIFACT;
use crate::strict::tokens::{ISSUER, seconds};
use crate::strict::{NotMade, random};

/// How long a credential holds.
pub(crate) const LASTS: Duration = Duration::from_secs(30);

const AUDIENCE: &str = "artifact-cas.chainloop";
const HEADER: &str = r#"{"alg":"ES512","typ":"JWT"}"#;

/// The one kind of store.
const BACKEND: &str = "SAMPLE";

/// What a credential is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Credential {
    /// `downloader` or `uploader`.
    #[serde(default)]
    pub role: String,
    /// Where the store's own secret lies.
    #[serde(rename = "secret-id", default)]
    pub secret: String,
    /// Kind of store.
    #[serde(default)]
    pub backend: String,
    /// Longest upload, in bytes; 0: any.
    #[serde(rename = "maxbytes", default)]
    pub max_bytes: u64,
    /// Id of the organization.
    #[serde(rename = "org-id", default)]
    pub organization: String,
}

impl Credential {
    /// To put artifacts of an organization.
    pub(crate) fn uploader(organization: &str) -> Self {
        Self::new("uploader", organization)
    }

    /// To get them.
    pub(crate) fn downloader(organization: &str) -> Self {
        Self::new("downloader", organization)
    }

    fn new(role: &str, organization: &str) -> Self {
        Self {
            role: role.to_owned(),
            secret: format!("sample/{organization}"),
            backend: BACKEND.to_owned(),
            max_bytes: MAX_ARTIFACT,
            organization: organization.to_owned(),
        }
    }
}

/// Makes credentials; knows where the store is.
pub(crate) struct Mint {
    key: SigningKey,
    store: String,
}

impl Mint {
    pub(crate) fn new() -> Result<Self, NotMade> {
        // Nearly every text of 66 bytes below 2^521 is a key.
        let mut seed = random::<66>()?;
        seed[0] = 0;
        let key = SigningKey::from_slice(&seed);
        let key = key.map_err(|_| NotMade("no signing key could be made".to_owned()))?;
        Ok(Self {
            key,
            store: String::new(),
        })
    }

    /// Where the store is, for links.
    pub(crate) fn store(&self) -> String {
        self.store.clone()
    }

    pub(crate) fn set_store(&mut self, url: String) {
        self.store = url;
    }

    /// What verifies the credentials.
    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from(&self.key)
    }

    /// The credential as a JWT.
    pub(crate) fn sign(&self, credential: &Credential, now: SystemTime) -> String {
        let claims = json!({
            "iss": ISSUER,
            "aud": [AUDIENCE],
            "exp": seconds(now).saturating_add(LASTS.as_secs()),
            "role": credential.role,
            "secret-id": credential.secret,
            "backend": credential.backend,
            "maxbytes": credential.max_bytes,
            "org-id": credential.organization,
        });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(HEADER),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature: Signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// Why a credential is refused, in the words of `internal/server/grpc.go` of the store; all of them
/// are code 16, UNAUTHENTICATED, with the reason `UNAUTHORIZED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadCredential {
    Malformed,
    Expired,
    Method,
    Signature,
    Audience,
    NoSecret,
    NoBackend,
    Role,
}

impl BadCredential {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Malformed => "Token is invalid",
            Self::Expired => "JWT token has expired",
            // Of an HMAC; ours for other methods.
            Self::Method => {
                "token signature is invalid: key is of invalid type: HMAC verify expects []byte"
            }
            Self::Signature => "token signature is invalid: crypto/ecdsa: verification error",
            Self::Audience => "token has invalid claims: token has invalid audience",
            Self::NoSecret => "missing secret reference",
            Self::NoBackend => "missing backend type",
            Self::Role => "invalid role",
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    aud: Vec<String>,
    exp: Option<u64>,
    #[serde(flatten)]
    credential: Credential,
}

/// What a JWT of the control plane is for, if it holds now.
pub(crate) fn verify(
    key: &VerifyingKey,
    token: &str,
    now: u64,
) -> Result<Credential, BadCredential> {
    use BadCredential as Bad;
    let (signed, signature) = token.rsplit_once('.').ok_or(Bad::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Bad::Malformed)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Bad::Malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Bad::Malformed)?;
    let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Bad::Malformed)?;
    if header.alg != "ES512" {
        return Err(Bad::Method);
    }
    let signature = Signature::from_slice(&decode(signature)?).map_err(|_| Bad::Signature)?;
    key.verify(signed.as_bytes(), &signature)
        .map_err(|_| Bad::Signature)?;
    if claims.exp.is_some_and(|exp| now >= exp) {
        return Err(Bad::Expired);
    }
    if !claims.aud.iter().any(|one| one == AUDIENCE) {
        return Err(Bad::Audience);
    }
    let credential = claims.credential;
    if credential.secret.is_empty() {
        return Err(Bad::NoSecret);
    }
    if credential.backend.is_empty() {
        return Err(Bad::NoBackend);
    }
    if credential.role != "uploader" && credential.role != "downloader" {
        return Err(Bad::Role);
    }
    Ok(credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn a_credential_holds_for_30_s() {
        let mint = Mint::new().unwrap();
        let key = mint.verifying_key();
        let made = Credential::uploader("o");
        let token = mint.sign(&made, NOW);
        assert_eq!(verify(&key, &token, 29), Ok(made));
        assert_eq!(verify(&key, &token, 30), Err(BadCredential::Expired));
    }

    #[test]
    fn why_a_credential_is_refused() {
        let (mint, other) = (Mint::new().unwrap(), Mint::new().unwrap());
        let key = mint.verifying_key();
        let made = Credential::uploader("o");
        let with = |change: fn(&mut Credential)| {
            let mut changed = made.clone();
            change(&mut changed);
            mint.sign(&changed, NOW)
        };
        let token = mint.sign(&made, NOW);
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let rest = token.split_once('.').unwrap().1;
        let rows = [
            ("".to_owned(), BadCredential::Malformed),
            ("a.b.c".to_owned(), BadCredential::Malformed),
            (format!("{header}.{rest}"), BadCredential::Method),
            (other.sign(&made, NOW), BadCredential::Signature),
            (format!("{token}AAAA"), BadCredential::Signature),
            (with(|c| c.secret.clear()), BadCredential::NoSecret),
            (with(|c| c.backend.clear()), BadCredential::NoBackend),
            (with(|c| c.role = "owner".to_owned()), BadCredential::Role),
        ];
        for (token, why) in rows {
            assert_eq!(verify(&key, &token, 0), Err(why), "{token}");
        }
    }
}
