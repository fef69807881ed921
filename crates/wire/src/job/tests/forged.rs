//! Tokens of a good form that no key of their issuer has signed.

use ring::hmac;

use super::issuer::{ED25519, P256, encode, keys, message, rsa_jwk, rsa_signature};
use super::*;

fn with_signature(header: &Value, signature: &[u8]) -> String {
    format!(
        "{}.{}",
        message(header.to_string(), github().to_string()),
        encode(signature)
    )
}

/// Signed by a key that is not the issuer's.
fn by_a_stranger(header: &Value) -> String {
    let message = message(header.to_string(), github().to_string());
    let signature = rsa_signature(&keys().other_rsa, &message);
    format!("{message}.{}", encode(signature))
}

#[test]
fn public_keys_are_no_secrets() {
    let set = key_set();
    let rsa = &set["keys"][1];
    let modulus = issuer::decode(rsa["n"].as_str().expect("n"));
    let secrets = [
        set.to_string().into_bytes(),
        rsa.to_string().into_bytes(),
        rsa["n"].to_string().into_bytes(),
        modulus,
        b"AAAA".to_vec(),
        issuer::decode("AAAA"),
        Vec::new(),
    ];
    for secret in secrets {
        for kid in [RSA, P256, ED25519, "secret"] {
            // An algorithm of the header that is not one of the three is refused; one that is, is not what
            // the signature is.
            for algorithm in ["HS256", "RS256", "ES256", "EdDSA"] {
                let header = json!({"alg": algorithm, "kid": kid, "typ": "JWT"});
                let message = message(header.to_string(), github().to_string());
                let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                let tag = hmac::sign(&key, message.as_bytes());
                let token = format!("{message}.{}", encode(tag));
                let fault = match algorithm {
                    "HS256" => TokenFault::Algorithm,
                    _ => TokenFault::Signature,
                };
                assert_eq!(present(&token), Err(JobRefusal::Token(fault)), "{header}");
            }
        }
    }
}

#[test]
fn the_key_says_the_algorithm() {
    let rows = [
        // The header names another algorithm than its key has.
        ("RS256", P256, KeyFault::OtherAlgorithm),
        ("RS256", ED25519, KeyFault::OtherAlgorithm),
        ("ES256", RSA, KeyFault::OtherAlgorithm),
        ("ES256", ED25519, KeyFault::OtherAlgorithm),
        ("EdDSA", RSA, KeyFault::OtherAlgorithm),
        ("Ed25519", P256, KeyFault::OtherAlgorithm),
        // Keys of the set that are passed over.
        ("RS256", "secret", KeyFault::Unknown),
        ("ES256", "ec-2", KeyFault::Unknown),
        // None of this name.
        ("RS256", "rsa-2", KeyFault::Unknown),
        ("RS256", "RSA-1", KeyFault::Unknown),
        ("RS256", "rsa-1.", KeyFault::Unknown),
        ("RS256", "../../keys/rsa-1", KeyFault::Unknown),
        ("RS256", "'OR'1'='1", KeyFault::Unknown),
        ("RS256", "/dev/null", KeyFault::Unknown),
    ];
    for (algorithm, kid, fault) in rows {
        let token = header_with(&json!({"alg": algorithm, "kid": kid}));
        assert_eq!(
            present(&token),
            Err(JobRefusal::Key(fault)),
            "{algorithm} {kid}"
        );
    }
    let long = with_signature(&header(), &[1; 384]);
    assert_eq!(
        present(&long),
        Err(JobRefusal::Key(KeyFault::SignatureLength))
    );
}

#[test]
fn a_key_speaks_for_its_own_issuer() {
    let token = JobToken::parse(&Secret::new(github_with(&json!({})))).expect("a token");
    let text = key_set().to_string();
    let theirs = KeySet::parse(&known(GITLAB), text.as_bytes()).expect("a key set");
    let unkeyed = token.ask(&theirs).expect_err("refused");
    assert_eq!(unkeyed.fault, KeyFault::OtherIssuer);
    // The token comes back, for the right keys.
    let ours = KeySet::parse(&known(GITHUB), text.as_bytes()).expect("a key set");
    let question = unkeyed.token.ask(&ours).expect("a key");
    assert!(question.answer(true).is_some());
}

#[test]
fn issuers_that_nobody_trusts_are_not_asked() {
    for issuer in [
        "https://token.actions.githubusercontent.com/",
        "https://token.actions.githubusercontent.com/acme-inc",
        "https://TOKEN.actions.githubusercontent.com",
        "http://token.actions.githubusercontent.com",
        "https://token.actions.githubusercontent.com.evil.example",
        "token.actions.githubusercontent.com",
        "https://ci.example/oidc/",
        "https://evil.example",
        "github",
        "chainloop",
    ] {
        let token = github_with(&json!({"iss": issuer}));
        assert_eq!(present(&token), Err(JobRefusal::UnknownIssuer), "{issuer}");
    }
}

#[test]
fn a_signature_holds_for_one_message_and_one_key() {
    let good = github_with(&json!({}));
    let other = github_with(&json!({"repository_id": "75"}));
    let parts = |token: &str| -> Vec<String> { token.split('.').map(str::to_owned).collect() };
    let (good, other) = (parts(&good), parts(&other));
    let mixed =
        |head: &str, payload: &str, signature: &str| format!("{head}.{payload}.{signature}");
    let relabelled = encode(changed(header(), &json!({"typ": null})).to_string());
    let mut bytes = issuer::decode(&good[2]);
    bytes[255] ^= 1;
    let modulus = issuer::decode(key_set()["keys"][1]["n"].as_str().expect("n"));
    let one = [vec![0; 255], vec![1]].concat();
    let embedded = rsa_jwk(RSA, &keys().other_rsa);
    let rows = [
        ("another payload", mixed(&good[0], &other[1], &good[2])),
        ("another signature", mixed(&good[0], &good[1], &other[2])),
        ("another header", mixed(&relabelled, &good[1], &good[2])),
        ("one bit", mixed(&good[0], &good[1], &encode(&bytes))),
        ("zeros", with_signature(&header(), &[0; 256])),
        ("one", with_signature(&header(), &one)),
        ("the modulus", with_signature(&header(), &modulus)),
        ("ones", with_signature(&header(), &[0xff; 256])),
        ("a stranger's", by_a_stranger(&header())),
        // The header says where its key is, or what it is. Nobody looks.
        (
            "jwk",
            by_a_stranger(&changed(header(), &json!({"jwk": embedded}))),
        ),
        (
            "jku",
            by_a_stranger(&changed(
                header(),
                &json!({"jku": "https://evil.example/jwks"}),
            )),
        ),
        (
            "x5u",
            by_a_stranger(&changed(
                header(),
                &json!({"x5u": "https://evil.example/x"}),
            )),
        ),
        (
            "x5c",
            by_a_stranger(&changed(header(), &json!({"x5c": ["MIID"]}))),
        ),
        (
            "ECDSA, of nothing",
            with_signature(&json!({"alg": "ES256", "kid": P256}), &[1; 64]),
        ),
        (
            "Ed25519, of nothing",
            with_signature(&json!({"alg": "EdDSA", "kid": ED25519}), &[1; 64]),
        ),
        (
            "Ed25519, zeros",
            with_signature(&json!({"alg": "EdDSA", "kid": ED25519}), &[0; 64]),
        ),
    ];
    for (name, token) in rows {
        assert_eq!(present(&token), Err(JobRefusal::Signature), "{name}");
    }
}

#[test]
fn a_key_that_was_taken_out_signs_nothing_more() {
    let old = by_a_stranger(&changed(header(), &json!({"kid": "rsa-0"})));
    let with =
        |kid: &str| json!({"keys": [rsa_jwk(kid, &keys().other_rsa), rsa_jwk(RSA, &keys().rsa)]});
    assert!(present_with(&old, &with("rsa-0").to_string()).is_ok());
    // Rotated out.
    assert_eq!(present(&old), Err(JobRefusal::Key(KeyFault::Unknown)));
    // Its name given to a new key.
    let renamed = json!({"keys": [rsa_jwk("rsa-0", &keys().rsa)]});
    assert_eq!(
        present_with(&old, &renamed.to_string()),
        Err(JobRefusal::Signature)
    );
    // Its name given to two.
    let both =
        json!({"keys": [rsa_jwk("rsa-0", &keys().rsa), rsa_jwk("rsa-0", &keys().other_rsa)]});
    assert_eq!(
        present_with(&old, &both.to_string()),
        Err(JobRefusal::Key(KeyFault::Unknown))
    );
}

#[test]
fn a_key_that_the_platform_does_not_take_is_a_no() {
    // Not a point of the curve.
    let point = json!({"kty": "EC", "crv": "P-256", "kid": P256, "x": encode([1; 32]), "y": encode([1; 32])});
    let token = header_with(&json!({"alg": "ES256", "kid": P256}));
    let set = json!({"keys": [point]}).to_string();
    assert_eq!(present_with(&token, &set), Err(JobRefusal::Signature));
}

#[test]
fn nothing_of_a_token_is_shown() {
    let text = github_with(&json!({}));
    let token = JobToken::parse(&Secret::new(text)).expect("a token");
    assert_eq!(format!("{token:?}"), "JobToken");
    let keys = KeySet::parse(&known(GITHUB), key_set().to_string().as_bytes()).expect("keys");
    let question = token.ask(&keys).expect("a key");
    assert!(!format!("{question:?}").contains("acme"));
    let signed = question.answer(true).expect("signed");
    assert_eq!(format!("{signed:?}"), "SignedToken(github)");
}
