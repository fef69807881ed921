//! Makes an attestation of a file: in-toto statement, DSSE envelope, Sigstore
//! bundle. Signs with a key made for the occasion and thrown away, so it proves
//! that the parts fit together, and nothing about who built the file.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::digest::sha256_hex;

/// What an in-toto statement is called inside a DSSE envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A predicate of our own under a name that can never be somebody else's: we
/// know a file's size and digest, and SLSA provenance would claim to know how
/// it was built.
const PREDICATE_TYPE: &str = "https://postern.invalid/attestation/file/v1";

/// A signed attestation.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// The Sigstore bundle, as JSON.
    pub bundle: Vec<u8>,
    /// The Ed25519 key that the signature verifies with.
    pub public_key: [u8; 32],
}

/// No random bytes for a key could be had.
#[derive(Debug)]
pub struct NoEntropy(getrandom::Error);

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no random bytes for a signing key: {}", self.0)
    }
}

impl std::error::Error for NoEntropy {}

/// Attests `content` under the file name `name`, with a new key.
pub fn attest(name: &str, content: &[u8]) -> Result<Attestation, NoEntropy> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(NoEntropy)?;
    Ok(sign(
        &statement(name, content),
        &SigningKey::from_bytes(&seed),
    ))
}

/// The in-toto statement: what the file is called, its digest and its size.
pub fn statement(name: &str, content: &[u8]) -> Value {
    json!({
        "_type": STATEMENT_TYPE,
        "subject": [{ "name": name, "digest": { "sha256": sha256_hex(content) } }],
        "predicateType": PREDICATE_TYPE,
        "predicate": { "size": content.len() },
    })
}

/// DSSE's pre-authentication encoding: the bytes that are signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

fn sign(statement: &Value, key: &SigningKey) -> Attestation {
    let payload = statement.to_string().into_bytes();
    let signature = key.sign(&pae(PAYLOAD_TYPE, &payload));
    let public_key = key.verifying_key().to_bytes();
    let bundle = json!({
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": { "publicKey": { "hint": sha256_hex(&public_key) } },
        "dsseEnvelope": {
            "payload": STANDARD.encode(&payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{ "sig": STANDARD.encode(signature.to_bytes()) }],
        },
    });
    Attestation {
        bundle: bundle.to_string().into_bytes(),
        public_key,
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, VerifyingKey};

    use super::*;
    use crate::bundle::Bundle;

    #[test]
    fn pae_as_in_the_specification() {
        // The test vector of DSSE's protocol.md.
        let encoded = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            encoded,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        assert_eq!(
            pae("é", b""),
            "DSSEv1 2 é 0 ".as_bytes(),
            "lengths count bytes"
        );
    }

    #[test]
    fn the_signature_verifies_over_what_is_in_the_bundle() {
        let made = attest("postern.wasm", b"\0asm").unwrap();
        let bundle: Value = serde_json::from_slice(&made.bundle).unwrap();
        let decode = |pointer: &str| {
            STANDARD
                .decode(bundle.pointer(pointer).unwrap().as_str().unwrap())
                .unwrap()
        };
        let payload = decode("/dsseEnvelope/payload");
        let signature = Signature::from_slice(&decode("/dsseEnvelope/signatures/0/sig")).unwrap();
        let key = VerifyingKey::from_bytes(&made.public_key).unwrap();

        key.verify_strict(&pae(PAYLOAD_TYPE, &payload), &signature)
            .unwrap();
        key.verify_strict(&payload, &signature)
            .expect_err("the bare payload is not what is signed");

        let statement: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(statement["subject"][0]["name"], "postern.wasm");
        assert_eq!(
            statement["subject"][0]["digest"]["sha256"],
            sha256_hex(b"\0asm")
        );
        assert_eq!(
            bundle["verificationMaterial"]["publicKey"]["hint"],
            sha256_hex(&made.public_key)
        );
    }

    #[test]
    fn every_attestation_has_its_own_key() {
        let (first, second) = (attest("f", b"x").unwrap(), attest("f", b"x").unwrap());
        assert_ne!(first.public_key, second.public_key);
    }

    #[test]
    fn the_origin_accepts_it() {
        assert!(Bundle::parse(attest("f", b"x").unwrap().bundle).is_ok());
    }
}
