//! Wycheproof's vectors for what the gateway computes with: HMAC-SHA-256 of its JWTs, Ed25519 of its assertions, and what
//! it checks itself of the signatures of job tokens, which the platform verifies. `ring` stands for the platform.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use ed25519_dalek::{Signature, VerifyingKey};
use jwt_compact::alg::{Hs256, Hs256Key, Hs256Signature};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify};

use postern_domain::keys::KeyRing;
use postern_domain::secret::{Secret, equal};
use postern_domain::trust::{Issuer, Issuers, Loopback};
use postern_wire::job::{JobToken, KeySet, TokenFault};

const OTHER: &str = "https://ci.example/oidc";

fn issuer() -> Issuer {
    let issuers = Issuers::parse(OTHER, Loopback::Refused).expect("an issuer");
    issuers.of_url(OTHER).expect("a known one").clone()
}

/// What the gateway says of a signature's form: it reads a token with it.
fn has_form(algorithm: &str, signature: &[u8]) -> bool {
    let header = json!({"alg": algorithm, "kid": "a"}).to_string();
    let payload = json!({ "iss": OTHER }).to_string();
    let parts = [header.as_bytes(), payload.as_bytes(), signature];
    let text = parts.map(|part| B64.encode(part)).join(".");
    match JobToken::parse(&Secret::new(text)) {
        Ok(_) => true,
        Err(TokenFault::Signature) => false,
        Err(other) => panic!("{other}"),
    }
}

/// The length of the signatures of a key, where the gateway takes it.
fn taken(key: &Value) -> Option<usize> {
    let set = json!({ "keys": [key] }).to_string();
    let set = KeySet::parse(&issuer(), set.as_bytes()).expect("a set");
    set.keys().first().map(|key| key.signature_bytes())
}

#[test]
fn hs256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).expect("vectors");
    let (mut tried, mut refused) = (0, 0);
    for group in set.test_groups {
        for test in group.tests {
            // A tag that is cut is none: RFC 7518, section 3.2.
            let is_whole = group.tag_size == 256;
            let expected = test.result == TestResult::Valid && is_whole;
            // The library panics at another length, so the gateway looks at that first.
            let verified = test.tag.len() == 32
                && Hs256Signature::try_from_slice(&test.tag).is_ok_and(|tag| {
                    let key = Hs256Key::new(&*test.key);
                    Hs256.verify_signature(&tag, &key, &test.msg)
                });
            assert_eq!(verified, expected, "{}: {}", test.tc_id, test.comment);
            tried += 1;
            refused += usize::from(!expected);
            // The gateway's own keys have 32 bytes.
            let ring = KeyRing::parse(&format!("k:{}", B64.encode(&*test.key)));
            if let Ok(ring) = ring.as_ref()
                && is_whole
            {
                let made = ring.signing().mac(&[&test.msg]);
                assert_eq!(
                    equal(&made, &test.tag),
                    expected,
                    "{}: {}",
                    test.tc_id,
                    test.comment
                );
            }
        }
    }
    println!("HS256: {tried} vectors, {refused} refused");
    assert_eq!((tried, set.number_of_tests), (174, 174));
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("vectors");
    let (mut tried, mut refused) = (0, 0);
    for group in set.test_groups {
        let key: [u8; 32] = group.key.pk.as_slice().try_into().expect("32 bytes");
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": B64.encode(key)});
        assert_eq!(taken(&jwk), Some(64));
        let own = VerifyingKey::from_bytes(&key).expect("a point");
        let platform = UnparsedPublicKey::new(&ring::signature::ED25519, key);
        for test in group.tests {
            let expected = test.result == TestResult::Valid;
            let signature = Signature::from_slice(&test.sig);
            let verified =
                signature.is_ok_and(|signature| own.verify_strict(&test.msg, &signature).is_ok());
            assert_eq!(verified, expected, "{}: {}", test.tc_id, test.comment);
            let has_form = has_form("EdDSA", &test.sig);
            let by_platform = has_form && platform.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(by_platform, expected, "{}: {}", test.tc_id, test.comment);
            tried += 1;
            refused += usize::from(!expected);
        }
    }
    println!("EdDSA: {tried} vectors, {refused} refused");
    assert_eq!(tried, set.number_of_tests);
}

#[test]
fn es256() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).expect("vectors");
    let (mut tried, mut by_form) = (0, 0);
    for group in set.test_groups {
        let point = group.key.key.to_vec();
        let (x, y) = (&point[1..33], &point[33..]);
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": B64.encode(x), "y": B64.encode(y)});
        assert_eq!(taken(&jwk), Some(64));
        let platform = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
        for test in group.tests {
            let expected = test.result == TestResult::Valid;
            let has_form = has_form("ES256", &test.sig);
            let verified = has_form && platform.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(verified, expected, "{}: {}", test.tc_id, test.comment);
            tried += 1;
            by_form += usize::from(!has_form);
        }
    }
    println!("ES256: {tried} vectors, {by_form} refused by their form alone");
    assert_eq!(tried, set.number_of_tests);
    // Zeros, numbers of the order and above, and other lengths never come to the platform.
    assert!(by_form > 20, "{by_form}");
}

#[test]
fn rs256() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    let (mut tried, mut by_form) = (0, 0);
    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa3072Sha256,
        TestName::Rsa4096Sha256,
        TestName::Rsa8192Sha256,
    ] {
        let set = TestSet::load(name).expect("vectors");
        for group in set.test_groups {
            let strip = |number: &[u8]| {
                let first = number
                    .iter()
                    .position(|byte| *byte != 0)
                    .unwrap_or_default();
                number[first..].to_vec()
            };
            let (n, e) = (strip(&group.key.n), strip(&group.key.e));
            let jwk = json!({"kty": "RSA", "kid": "a", "n": B64.encode(&n), "e": B64.encode(&e)});
            let bytes = taken(&jwk).unwrap_or_else(|| panic!("{} bits", group.key_size));
            assert_eq!(bytes, n.len());
            let key = PublicKeyComponents { n, e };
            for test in group.tests {
                // "Acceptable" are signatures without the NULL of their algorithm, which nobody makes.
                let expected = test.result == TestResult::Valid;
                // A key takes signatures of its own length alone.
                let has_form = has_form("RS256", &test.sig) && test.sig.len() == bytes;
                let verified = has_form
                    && key
                        .verify(&RSA_PKCS1_2048_8192_SHA256, &test.msg, &test.sig)
                        .is_ok();
                assert_eq!(verified, expected, "{}: {}", test.tc_id, test.comment);
                tried += 1;
                by_form += usize::from(!has_form);
            }
        }
    }
    println!("RS256: {tried} vectors, {by_form} refused by their form alone");
    assert!(tried > 900, "{tried}");
}
