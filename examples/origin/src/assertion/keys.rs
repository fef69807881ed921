//! The gateway's public keys: fetched when first needed, again after five minutes
//! or at a key that is not known, and not more often than every ten seconds,
//! whatever callers write into their headers.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::http::uri::Scheme;
use axum::http::{StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use http_body_util::{BodyExt as _, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{ALGORITHMS, Refusal};

/// How long a key set is believed, in seconds: what its `cache-control` says.
/// Then a key that was taken out of it is worth nothing any more.
pub(super) const MAX_AGE: u64 = 300;
/// Least time between two fetches, in seconds.
pub(super) const PAUSE: u64 = 10;
/// Longest key set that is read, in bytes.
const MAX_SET: usize = 64 * 1024;
/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySetError {
    /// The URL is not `http://host…`.
    Url(String),
    /// The gateway does not answer with a key set; or did not some seconds ago.
    Fetch(String),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "`{url}` is not of the form `http://host/path`"),
            Self::Fetch(why) => write!(f, "the key set cannot be had: {why}"),
        }
    }
}

impl std::error::Error for KeySetError {}

/// The key set behind a URL.
pub(super) struct Keys {
    url: Uri,
    client: Client<HttpConnector, Body>,
    /// Held while fetching, so that many calls cause one fetch.
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    keys: HashMap<String, VerifyingKey>,
    fetched_at: Option<u64>,
    tried_at: Option<u64>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: Option<String>,
    x: Option<String>,
}

impl Keys {
    pub(super) fn at(url: &str) -> Result<Self, KeySetError> {
        let bad = || KeySetError::Url(url.to_owned());
        let parsed: Uri = url.parse().map_err(|_| bad())?;
        let host = parsed.authority().map(|host| host.as_str());
        if parsed.scheme() != Some(&Scheme::HTTP) || host.is_none_or(|host| host.contains('@')) {
            return Err(bad());
        }
        Ok(Self {
            url: parsed,
            client: Client::builder(TokioExecutor::new()).build_http(),
            cached: Mutex::default(),
        })
    }

    /// The key of this name.
    pub(super) async fn find(&self, kid: &str, now: u64) -> Result<VerifyingKey, Refusal> {
        let mut cached = self.cached.lock().await;
        let since = |at: Option<u64>| at.map_or(u64::MAX, |at| now.saturating_sub(at));
        let fresh = since(cached.fetched_at) < MAX_AGE;
        if fresh && let Some(key) = cached.keys.get(kid) {
            return Ok(*key);
        }
        if since(cached.tried_at) < PAUSE {
            return Err(if fresh {
                Refusal::UnknownKey
            } else {
                Refusal::Keys(KeySetError::Fetch("it was tried just now".to_owned()))
            });
        }
        cached.tried_at = Some(now);
        cached.keys = self.fetch().await.map_err(Refusal::Keys)?;
        cached.fetched_at = Some(now);
        cached.keys.get(kid).copied().ok_or(Refusal::UnknownKey)
    }

    async fn fetch(&self) -> Result<HashMap<String, VerifyingKey>, KeySetError> {
        let failed = |why: &dyn fmt::Display| KeySetError::Fetch(why.to_string());
        let fetching = async {
            let answer = self.client.get(self.url.clone()).await;
            let answer = answer.map_err(|error| failed(&error))?;
            if answer.status() != StatusCode::OK {
                return Err(failed(&answer.status()));
            }
            let body = Limited::new(answer.into_body(), MAX_SET).collect().await;
            Ok(body.map_err(|error| failed(&error))?.to_bytes())
        };
        let body = tokio::time::timeout(PATIENCE, fetching)
            .await
            .map_err(|_| failed(&"no answer in time"))??;
        let set: KeySet = serde_json::from_slice(&body).map_err(|error| failed(&error))?;
        Ok(set.keys.iter().filter_map(usable).collect())
    }
}

/// A key for Ed25519 signatures; others in the set are somebody else's (RFC 7517,
/// section 5).
fn usable(jwk: &Jwk) -> Option<(String, VerifyingKey)> {
    let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
    if jwk.kty != "OKP" || !is(&jwk.crv, "Ed25519") {
        return None;
    }
    if !is(&jwk.usage, "sig") || !ALGORITHMS.iter().any(|name| is(&jwk.alg, name)) {
        return None;
    }
    let x = URL_SAFE_NO_PAD.decode(jwk.x.as_deref()?).ok()?;
    let key = VerifyingKey::try_from(x.as_slice()).ok()?;
    Some((jwk.kid.clone()?, key))
}
