//! The verifier as rows: what is believed, and for each way to bend it, why it
//! is refused. Assertions are signed here; a key set is served over HTTP.

use std::future::IntoFuture as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::keys::{MAX_AGE, PAUSE};
use super::spent::CAPACITY;
use super::*;

const NOW: u64 = 1_800_000_000;
const PATH: &str = "/controlplane.v1.AttestationService/Init";
const BODY: &[u8] = b"\0\0\0\0\x02hi";

/// A gateway's key set, a clock, and the verifier between them.
struct World {
    verifier: Verifier,
    now: Arc<AtomicU64>,
    published: Arc<Mutex<String>>,
    fetches: Arc<AtomicUsize>,
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

fn set(keys: &[(&str, u8)]) -> String {
    set_of("EdDSA", keys)
}

fn set_of(algorithm: &str, keys: &[(&str, u8)]) -> String {
    let keys: Vec<Value> = keys
        .iter()
        .map(|(kid, byte)| {
            let x = URL_SAFE_NO_PAD.encode(key(*byte).verifying_key().as_bytes());
            json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": algorithm, "kid": kid, "x": x})
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

impl World {
    async fn new(keys: &[(&str, u8)]) -> Self {
        let published = Arc::new(Mutex::new(set(keys)));
        let fetches = Arc::new(AtomicUsize::new(0));
        let (text, count) = (Arc::clone(&published), Arc::clone(&fetches));
        let answer = get(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let text = text.lock().unwrap().clone();
            async move { text }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let app = Router::new().route("/keys", answer);
        tokio::spawn(axum::serve(listener, app).into_future());
        let now = Arc::new(AtomicU64::new(NOW));
        let clock = Arc::clone(&now);
        let clock: Clock = Arc::new(move || clock.load(Ordering::SeqCst));
        let verifier = Verifier::with_clock(&url, "attest", clock).unwrap();
        Self {
            verifier,
            now,
            published,
            fetches,
        }
    }

    async fn verify(&self, assertion: &str) -> Result<Claims, Refusal> {
        self.verifier.verify(assertion, "POST", PATH, BODY).await
    }

    fn wait(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn publish(&self, keys: &[(&str, u8)]) {
        *self.published.lock().unwrap() = set(keys);
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "postern-assertion+jwt", "kid": "a1"})
}

fn claims() -> Value {
    json!({
        "iss": "postern",
        "aud": "attest",
        "sub": "00000000-0000-0000-0000-000000000007",
        "iat": NOW,
        "exp": NOW + 30,
        "jti": "00000000-0000-4000-8000-000000000009",
        "org": {"id": "00000000-0000-0000-0000-000000000001", "name": "acme"},
        "scope": "organization",
        "method": "POST",
        "operation": PATH,
        "body_sha256": sha256_hex(BODY),
        "request_id": "r",
    })
}

fn with(mut value: Value, name: &str, new: Value) -> Value {
    if new.is_null() {
        value.as_object_mut().unwrap().remove(name);
    } else {
        value[name] = new;
    }
    value
}

fn join(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn sign(header: &Value, claims: &Value, byte: u8) -> String {
    let signed = join(header, claims);
    let signature = key(byte).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A gateway may change the name while its key set is remembered.
#[tokio::test]
async fn both_names_of_the_algorithm_are_taken_with_either_key_set() {
    for published in ["EdDSA", "Ed25519"] {
        let world = World::new(&[]).await;
        *world.published.lock().unwrap() = set_of(published, &[("a1", 1)]);
        for (count, name) in ["EdDSA", "Ed25519"].into_iter().enumerate() {
            let header = with(header(), "alg", json!(name));
            let jti = format!("00000000-0000-4000-8000-00000000001{count}");
            let assertion = sign(&header, &with(claims(), "jti", json!(jti)), 1);
            let verified = world.verify(&assertion).await;
            assert!(verified.is_ok(), "{name} under {published}: {verified:?}");
        }
    }
}

#[tokio::test]
async fn a_good_assertion_is_believed_once() {
    let world = World::new(&[("a1", 1)]).await;
    let assertion = sign(&header(), &claims(), 1);
    let believed = world.verify(&assertion).await.unwrap();
    assert_eq!(believed.sub, "00000000-0000-0000-0000-000000000007");
    assert_eq!(believed.scope, "organization");
    assert_eq!(world.verify(&assertion).await, Err(Refusal::Replayed));
    // At the last moment that its age is believed it is still remembered.
    world.wait(30 + SKEW - 1);
    assert_eq!(world.verify(&assertion).await, Err(Refusal::Replayed));
    world.wait(1);
    assert_eq!(world.verify(&assertion).await, Err(Refusal::Expired));
}

/// Every claim and header, changed after it was signed.
#[tokio::test]
async fn tampering_breaks_the_signature() {
    let world = World::new(&[("a1", 1), ("a2", 2)]).await;
    let good = sign(&header(), &claims(), 1);
    let (_, signature) = good.rsplit_once('.').unwrap();
    let changes = [
        ("iss", json!("other")),
        ("aud", json!("other")),
        ("sub", json!("00000000-0000-0000-0000-000000000008")),
        ("iat", json!(NOW - 1)),
        ("exp", json!(NOW + 31)),
        ("jti", json!("00000000-0000-4000-8000-00000000000a")),
        (
            "org",
            json!({"id": "00000000-0000-0000-0000-000000000002", "name": "acme"}),
        ),
        ("scope", json!("project/shop")),
        (
            "operation",
            json!("/controlplane.v1.AttestationService/Store"),
        ),
        ("method", json!("GET")),
        ("body_sha256", json!(sha256_hex(b"other"))),
        ("request_id", json!("s")),
    ];
    assert_eq!(
        changes.len(),
        claims().as_object().unwrap().len(),
        "a claim is missing"
    );
    for (name, new) in changes {
        let bent = format!(
            "{}.{signature}",
            join(&header(), &with(claims(), name, new))
        );
        assert_eq!(world.verify(&bent).await, Err(Refusal::Signature), "{name}");
    }
    let other_key = format!(
        "{}.{signature}",
        join(&with(header(), "kid", json!("a2")), &claims())
    );
    assert_eq!(world.verify(&other_key).await, Err(Refusal::Signature));
    // None of it has spent the good one.
    assert!(world.verify(&good).await.is_ok());
}

/// Every claim and header wrong, and rightly signed.
#[tokio::test]
async fn what_is_signed_must_be_right_too() {
    let world = World::new(&[("a1", 1)]).await;
    let rows = [
        ("iss", json!("cp.chainloop"), Refusal::Issuer),
        ("aud", json!("https://other.example"), Refusal::Audience),
        ("aud", json!(["attest"]), Refusal::Malformed),
        ("aud", Value::Null, Refusal::Malformed),
        ("exp", json!(NOW + 61), Refusal::Life),
        ("exp", json!(NOW - SKEW), Refusal::Expired),
        ("exp", Value::Null, Refusal::Malformed),
        ("exp", json!("soon"), Refusal::Malformed),
        ("iat", json!(NOW + SKEW + 1), Refusal::Early),
        ("jti", json!(""), Refusal::Malformed),
        ("jti", json!("x".repeat(37)), Refusal::Malformed),
        ("jti", Value::Null, Refusal::Malformed),
        (
            "operation",
            json!("/controlplane.v1.AttestationService/Store"),
            Refusal::Operation,
        ),
        ("operation", json!(format!("{PATH}/")), Refusal::Operation),
        (
            "operation",
            json!(format!("{PATH}?a=b")),
            Refusal::Operation,
        ),
        ("method", json!("GET"), Refusal::Operation),
        ("method", Value::Null, Refusal::Malformed),
        ("body_sha256", json!(sha256_hex(b"other")), Refusal::Body),
        (
            "body_sha256",
            json!(sha256_hex(BODY).to_uppercase()),
            Refusal::Body,
        ),
        ("body_sha256", Value::Null, Refusal::BodyNotCovered),
    ];
    for (name, new, why) in rows {
        let assertion = sign(&header(), &with(claims(), name, new.clone()), 1);
        assert_eq!(world.verify(&assertion).await, Err(why), "{name} {new}");
    }
    let rows = [
        ("alg", json!("none"), Refusal::Algorithm),
        ("alg", json!("HS256"), Refusal::Algorithm),
        ("alg", json!("Ed448"), Refusal::Algorithm),
        ("alg", json!("eddsa"), Refusal::Algorithm),
        ("typ", json!("JWT"), Refusal::Type),
        ("typ", Value::Null, Refusal::Malformed),
        ("kid", json!("a9"), Refusal::UnknownKey),
        ("crit", json!(["b64"]), Refusal::Malformed),
        ("jwk", json!({"kty": "OKP"}), Refusal::Malformed),
    ];
    for (name, new, why) in rows {
        let assertion = sign(&with(header(), name, new.clone()), &claims(), 1);
        assert_eq!(world.verify(&assertion).await, Err(why), "{name} {new}");
    }
    for text in ["", ".", "..", "a.b", "a.b.c", "é.é.é", &"x".repeat(9_000)] {
        assert_eq!(world.verify(text).await, Err(Refusal::Malformed), "{text}");
    }
    let unread = "/v1/projects/shop/workflows/release/uploads";
    let streamed = with(
        with(claims(), "operation", json!(unread)),
        "jti",
        json!("s"),
    );
    let assertion = sign(&header(), &with(streamed, "body_sha256", Value::Null), 1);
    let believed = world
        .verifier
        .verify(&assertion, "POST", unread, BODY)
        .await;
    assert!(believed.is_ok(), "{believed:?}");
    let good = sign(&header(), &claims(), 1);
    assert_eq!(
        world.verify(&format!("{good}=")).await,
        Err(Refusal::Malformed)
    );
    let foreign = sign(&header(), &claims(), 9);
    assert_eq!(world.verify(&foreign).await, Err(Refusal::Signature));
    let elsewhere = world.verifier.verify(&good, "POST", "/other", BODY).await;
    assert_eq!(elsewhere, Err(Refusal::Operation));
    let other_body = world.verifier.verify(&good, "POST", PATH, b"").await;
    assert_eq!(other_body, Err(Refusal::Body));
    assert!(world.verify(&good).await.is_ok(), "refusals spend nothing");
}

#[tokio::test]
async fn a_new_key_is_fetched_and_an_old_one_ends_with_the_set() {
    let world = World::new(&[("a1", 1)]).await;
    let by = |kid: &str, byte, jti: u32| {
        let mut claims = claims();
        let now = world.now.load(Ordering::SeqCst);
        (claims["iat"], claims["exp"]) = (json!(now), json!(now + 30));
        claims["jti"] = json!(jti.to_string());
        sign(&with(header(), "kid", json!(kid)), &claims, byte)
    };
    assert!(world.verify(&by("a1", 1, 1)).await.is_ok());
    assert_eq!(world.fetches(), 1);

    // The new key signs at once; it is fetched when it is first seen.
    world.publish(&[("a2", 2), ("a1", 1)]);
    world.wait(PAUSE);
    assert!(world.verify(&by("a2", 2, 2)).await.is_ok());
    assert!(world.verify(&by("a1", 1, 3)).await.is_ok(), "they overlap");
    assert_eq!(world.fetches(), 2);

    // The old key leaves the set: believed until the set is too old.
    world.publish(&[("a2", 2)]);
    world.wait(MAX_AGE - 1);
    assert!(world.verify(&by("a1", 1, 4)).await.is_ok());
    world.wait(1);
    assert_eq!(
        world.verify(&by("a1", 1, 5)).await,
        Err(Refusal::UnknownKey)
    );
    assert!(world.verify(&by("a2", 2, 6)).await.is_ok());
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn unknown_keys_cause_few_fetches_and_a_silent_gate_is_not_the_callers_fault() {
    let world = World::new(&[("a1", 1)]).await;
    for kid in 0..50 {
        let header = with(header(), "kid", json!(format!("x{kid}")));
        let refused = world.verify(&sign(&header, &claims(), 1)).await;
        assert_eq!(refused, Err(Refusal::UnknownKey));
    }
    assert_eq!(world.fetches(), 1);

    *world.published.lock().unwrap() = "no JSON".to_owned();
    world.wait(MAX_AGE);
    let later = with(
        with(claims(), "iat", json!(NOW + 300)),
        "exp",
        json!(NOW + 330),
    );
    let assertion = sign(&header(), &later, 1);
    for tried in 0..2 {
        let refusal = world.verify(&assertion).await.unwrap_err();
        assert!(
            matches!(refusal, Refusal::Keys(KeySetError::Fetch(_))),
            "{tried}: {refusal:?}"
        );
        assert!(refusal.passes());
    }
    assert_eq!(world.fetches(), 2);
}

#[test]
fn other_schemes_and_users_are_no_key_set_urls() {
    for url in [
        "",
        "https://gate.example/keys",
        "http://u:p@gate.example/",
        "/keys",
    ] {
        let refused = Verifier::new(url, "attest").unwrap_err();
        assert_eq!(refused, KeySetError::Url(url.to_owned()));
    }
}

#[test]
fn memory_is_bounded_and_never_forgets_early() {
    let mut spent = Spent::default();
    for id in 0..CAPACITY {
        spent.take(&id.to_string(), NOW + 30, NOW).unwrap();
    }
    assert_eq!(spent.take("one more", NOW + 30, NOW), Err(Refusal::Full));
    assert_eq!(spent.take("0", NOW + 30, NOW), Err(Refusal::Replayed));
    spent.take("one more", NOW + 60, NOW + 30).unwrap();
    assert_eq!(spent.len(), 1);
}
