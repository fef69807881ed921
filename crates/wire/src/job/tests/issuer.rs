//! An issuer: its keys, tokens that it signs, and the platform's answer to whether a signature holds.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use serde_json::{Value, json};

use crate::job::{Algorithm, Question};

pub const RSA: &str = "rsa-1";
pub const P256: &str = "ec-1";
pub const ED25519: &str = "ed-1";

/// The keys. ring makes those of curves anew in each run; it makes none of RSA, so two are kept beside this
/// file. They open nothing.
pub struct Keys {
    pub rsa: RsaKeyPair,
    /// One that was rotated out, or a stranger's.
    pub other_rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let random = SystemRandom::new();
        let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let p256 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let p256 = EcdsaKeyPair::from_pkcs8(algorithm, p256.as_ref(), &random);
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
        let rsa = |der: &[u8]| RsaKeyPair::from_pkcs8(der).expect("a key");
        Keys {
            rsa: rsa(include_bytes!("rsa-1.der")),
            other_rsa: rsa(include_bytes!("rsa-2.der")),
            p256: p256.expect("a key"),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).expect("a key"),
        }
    })
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// A key of RSA as its issuer publishes it.
pub fn rsa_jwk(kid: &str, pair: &RsaKeyPair) -> Value {
    let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
    json!({
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "x5t": "eBZ_cn3sXYAd0ch4THBKHIgOwOE",
        "n": encode(n), "e": encode(e), "x5c": ["MIIDKzCCAhOgAwIBAgIU"],
    })
}

/// The three keys as an issuer publishes them, among others that are of no use here.
pub fn key_set() -> Value {
    let point = keys().p256.public_key().as_ref();
    let (x, y) = (&point[1..33], &point[33..]);
    json!({"keys": [
        {"kty": "oct", "kid": "secret", "k": "AAAA"},
        rsa_jwk(RSA, &keys().rsa),
        {"kty": "EC", "crv": "P-256", "kid": P256, "use": "sig", "x": encode(x), "y": encode(y)},
        {"kty": "OKP", "crv": "Ed25519", "kid": ED25519, "alg": "EdDSA", "x": encode(keys().ed25519.public_key())},
        {"kty": "EC", "crv": "P-384", "kid": "ec-2", "x": "AA", "y": "AA"},
    ]})
}

/// A signature of RSA, PKCS #1 v1.5 with SHA-256.
pub fn rsa_signature(pair: &RsaKeyPair, message: &str) -> Vec<u8> {
    let mut signature = vec![0; pair.public().modulus_len()];
    let algorithm = &signature::RSA_PKCS1_SHA256;
    let random = SystemRandom::new();
    let made = pair.sign(algorithm, &random, message.as_bytes(), &mut signature);
    made.expect("a signature");
    signature
}

/// Header and payload, whatever they are, as they stand in a token.
pub fn message(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}", encode(header), encode(payload))
}

/// A token, signed by the key of the algorithm that its header names; by that of RSA where it names none
/// that we have.
pub fn signed(header: &str, payload: &str) -> String {
    signed_bytes(header.as_bytes(), payload.as_bytes())
}

/// The same of any bytes.
pub fn signed_bytes(header: &[u8], payload: &[u8]) -> String {
    let message = message(header, payload);
    let named: Value = serde_json::from_slice(header).unwrap_or_default();
    let signature = match named["alg"].as_str() {
        Some("ES256") => {
            let signature = keys().p256.sign(&SystemRandom::new(), message.as_bytes());
            signature.expect("a signature").as_ref().to_vec()
        }
        Some("EdDSA" | "Ed25519") => keys().ed25519.sign(message.as_bytes()).as_ref().to_vec(),
        _ => rsa_signature(&keys().rsa, &message),
    };
    format!("{message}.{}", encode(signature))
}

/// What the platform answers: from the key's JSON alone, as WebCrypto would import it.
pub fn holds(question: &Question) -> bool {
    let key: Value = serde_json::from_str(question.key().jwk()).expect("JSON");
    let member = |name: &str| decode(key[name].as_str().expect("a member"));
    let (message, signature) = (question.message(), question.signature());
    let verified = match question.key().algorithm() {
        Algorithm::Rs256 => {
            let (n, e) = (member("n"), member("e"));
            let key = signature::RsaPublicKeyComponents { n, e };
            key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
        }
        Algorithm::Es256 => {
            let point = [vec![4], member("x"), member("y")].concat();
            let algorithm = &signature::ECDSA_P256_SHA256_FIXED;
            signature::UnparsedPublicKey::new(algorithm, point).verify(message, signature)
        }
        Algorithm::EdDsa => {
            let key = signature::UnparsedPublicKey::new(&signature::ED25519, member("x"));
            key.verify(message, signature)
        }
    };
    verified.is_ok()
}
