//! Gateways that sign, origins that demand, and assertions taken on their way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use postern_origin::assertion::Verifier;
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Call, Http};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::random;
use postern_system_tests::rpc::{self, BINARY, FIND_OR_CREATE};
use serde_json::Value;

/// What the origins and the gates of this file call themselves and it.
pub const AUDIENCE: &str = "attest";

pub const JWKS: &str = "/.well-known/jwks.json";

pub struct Signing {
    pub keys: Keys,
    /// `ASSERTION_KEYS` of the gate.
    pub seeds: String,
    /// Demands nothing, and shows what arrives.
    pub open: Origin,
    /// A gate in front of it that sends assertions.
    pub gateway: Gateway,
}

/// An entry of `ASSERTION_KEYS`.
pub fn seed(kid: &str) -> String {
    format!("{kid}:{}", B64.encode(random::<32>()))
}

/// A gate that sends assertions.
pub fn asserting(origin: &Origin, keys: &Keys, seeds: &str) -> Serve {
    Serve::new(&origin.url, keys)
        .set("ORIGIN_AUTH", "assertion")
        .set("ASSERTION_AUDIENCE", AUDIENCE)
        .set("ASSERTION_KEYS", seeds)
}

/// An origin that demands assertions made by that gate, and how far its clock is ahead, in seconds.
pub async fn demanding(gateway: &Gateway) -> (Origin, Arc<AtomicU64>) {
    let ahead = Arc::new(AtomicU64::new(0));
    let by = Arc::clone(&ahead);
    let clock = Arc::new(move || now() + by.load(Ordering::SeqCst));
    let url = format!("{}{JWKS}", gateway.url(0));
    let verifier = Verifier::with_clock(&url, AUDIENCE, clock).expect("the URL of a gate");
    (Origin::demanding(verifier).await, ahead)
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

/// A call straight to an origin, around every gate.
pub fn direct(origin: &Origin, path: &str, body: &[u8]) -> Call {
    Call::new(&Http::new(), "POST", &format!("{}{path}", origin.url))
        .header("content-type", BINARY)
        .bearer("anything")
        .body(body.to_vec())
}

/// Makes a gate send a call to the open origin, and gives the assertion that came with it.
pub async fn capture(origin: &Origin, gateway: &Gateway, token: &Minted, message: &[u8]) -> String {
    origin.reset().await;
    let call = rpc::call(gateway, FIND_OR_CREATE, &token.token, message);
    call.send().await.accepted();
    let calls = origin.calls().await;
    assert_eq!(calls.len(), 1);
    assertion(&calls[0])
}

/// The one assertion that a call arrived with.
pub fn assertion(call: &Value) -> String {
    let values = call["headers"]["postern-assertion"].as_array();
    match values.map(Vec::as_slice) {
        Some([Value::String(value)]) => value.clone(),
        other => panic!("not one assertion: {other:?}"),
    }
}

impl Signing {
    pub async fn token(&self) -> (Organization, Minted) {
        let organization = Organization::new(&self.gateway, &self.keys.admin).await;
        let token = organization.mint_for_release(&self.gateway, "opaque").await;
        (organization, token)
    }

    /// An unspent assertion for [`FIND_OR_CREATE`] with the body that it is for.
    pub async fn unspent(&self) -> (String, Vec<u8>) {
        let message = rpc::names(SHOP, RELEASE);
        let (_, token) = self.token().await;
        let assertion = capture(&self.open, &self.gateway, &token, &message).await;
        (assertion, rpc::frame(0, &message))
    }
}
