//! Key sets and discovery documents: which keys are used, why others are not, and what is refused whole.

use super::issuer::{P256, encode, keys, rsa_jwk};
use super::*;

fn read(set: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(&known(GITHUB), set.to_string().as_bytes())
}

/// Why a set of this one key has no key.
fn skipped(key: &Value) -> Vec<Skipped> {
    let set = read(&json!({"keys": [key]})).expect("a key set");
    assert!(set.keys().is_empty(), "{key}");
    set.skipped().to_vec()
}

fn rsa() -> Value {
    rsa_jwk(RSA, &keys().rsa)
}

fn ec() -> Value {
    key_set()["keys"][2].clone()
}

fn ed() -> Value {
    key_set()["keys"][3].clone()
}

/// A modulus of this many bits: odd, with the highest bit set.
fn modulus(bits: usize) -> String {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    bytes[0] >>= (8 - bits % 8) % 8;
    encode(bytes)
}

#[test]
fn keys_that_can_be_used_and_their_one_form() {
    let set = read(&key_set()).expect("a key set");
    let kids: Vec<&str> = set.keys().iter().map(PublicKey::kid).collect();
    assert_eq!(kids, [RSA, P256, "ed-1"]);
    assert_eq!(set.skipped(), [Skipped::Kind, Skipped::Kind]);
    let algorithms: Vec<Algorithm> = set.keys().iter().map(PublicKey::algorithm).collect();
    assert_eq!(
        algorithms,
        [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]
    );
    let jwk = |kid: &str| set.find(kid).expect("a key").jwk().to_owned();
    let n = rsa()["n"].as_str().expect("n").to_owned();
    assert_eq!(jwk(RSA), format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#));
    let (x, y) = (ec()["x"].clone(), ec()["y"].clone());
    assert_eq!(
        jwk(P256),
        format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#)
    );
    assert_eq!(
        jwk("ed-1"),
        format!(r#"{{"crv":"Ed25519","kty":"OKP","x":{}}}"#, ed()["x"])
    );
    // Some issuers write a zero in front of the modulus. The key is the same.
    let zero = encode([vec![0], issuer::decode(&n)].concat());
    let set = read(&json!({"keys": [changed(rsa(), &json!({"n": zero}))]})).expect("a key set");
    assert_eq!(set.find(RSA).map(PublicKey::jwk), Some(jwk(RSA).as_str()));
}

#[test]
fn keys_may_say_what_they_are_for() {
    for key in [
        changed(rsa(), &json!({"use": null, "alg": null, "x5c": null})),
        changed(rsa(), &json!({"key_ops": ["verify"]})),
        changed(rsa(), &json!({"key_ops": ["sign", "verify"], "use": null})),
        changed(ec(), &json!({"alg": "ES256"})),
        changed(ed(), &json!({"alg": "Ed25519"})),
        changed(ed(), &json!({"alg": null})),
        changed(rsa(), &json!({"n": modulus(2_048)})),
        changed(rsa(), &json!({"n": modulus(3_071)})),
        changed(rsa(), &json!({"n": modulus(8_192)})),
        changed(rsa(), &json!({"e": "Aw"})),
        changed(rsa(), &json!({"e": "_____w"})),
    ] {
        let set = read(&json!({"keys": [key]})).expect("a key set");
        assert_eq!(set.keys().len(), 1, "{key} {:?}", set.skipped());
    }
}

#[test]
fn keys_that_are_passed_over() {
    let even = {
        let mut bytes = issuer::decode(&modulus(2_048));
        bytes[255] = 0xfe;
        encode(bytes)
    };
    let rows = [
        (json!("key"), Skipped::NotAnObject),
        (json!({}), Skipped::Kind),
        (
            json!({"kty": "oct", "kid": "a", "k": "AAAA", "alg": "HS256"}),
            Skipped::Kind,
        ),
        (
            json!({"kty": "oct", "kid": "a", "k": "AAAA", "alg": "RS256"}),
            Skipped::Kind,
        ),
        (
            json!({"kty": "AKP", "kid": "a", "alg": "ML-DSA-44"}),
            Skipped::Kind,
        ),
        (changed(rsa(), &json!({"kty": "rsa"})), Skipped::Kind),
        (changed(rsa(), &json!({"kid": null})), Skipped::Unnamed),
        (changed(rsa(), &json!({"kid": ""})), Skipped::Unnamed),
        (changed(rsa(), &json!({"kid": 1})), Skipped::Unnamed),
        (changed(rsa(), &json!({"use": "enc"})), Skipped::Purpose),
        (changed(rsa(), &json!({"use": ["sig"]})), Skipped::Purpose),
        (
            changed(rsa(), &json!({"key_ops": ["sign"]})),
            Skipped::Purpose,
        ),
        (changed(rsa(), &json!({"key_ops": []})), Skipped::Purpose),
        (
            changed(rsa(), &json!({"key_ops": "verify"})),
            Skipped::Purpose,
        ),
        (changed(rsa(), &json!({"alg": "RS512"})), Skipped::Algorithm),
        (changed(rsa(), &json!({"alg": "PS256"})), Skipped::Algorithm),
        (changed(rsa(), &json!({"alg": "HS256"})), Skipped::Algorithm),
        (changed(rsa(), &json!({"alg": "ES256"})), Skipped::Algorithm),
        (changed(rsa(), &json!({"alg": 1})), Skipped::Algorithm),
        (
            changed(rsa(), &json!({"n": modulus(1_024)})),
            Skipped::Modulus,
        ),
        (
            changed(rsa(), &json!({"n": modulus(2_047)})),
            Skipped::Modulus,
        ),
        (
            changed(rsa(), &json!({"n": modulus(8_193)})),
            Skipped::Modulus,
        ),
        (changed(rsa(), &json!({"n": even})), Skipped::Modulus),
        (changed(rsa(), &json!({"n": "AA"})), Skipped::Encoding),
        (changed(rsa(), &json!({"n": ""})), Skipped::Encoding),
        (changed(rsa(), &json!({"n": "AQAB="})), Skipped::Encoding),
        (changed(rsa(), &json!({"n": null})), Skipped::Encoding),
        (changed(rsa(), &json!({"n": 65_537})), Skipped::Encoding),
        (changed(rsa(), &json!({"e": "AQ"})), Skipped::Exponent),
        (changed(rsa(), &json!({"e": "AAAB"})), Skipped::Exponent),
        (changed(rsa(), &json!({"e": "Ag"})), Skipped::Exponent),
        (changed(rsa(), &json!({"e": "AQAA"})), Skipped::Exponent),
        (changed(rsa(), &json!({"e": "AQAAAAE"})), Skipped::Exponent),
        (changed(rsa(), &json!({"e": null})), Skipped::Encoding),
        (changed(rsa(), &json!({"d": "AQAB"})), Skipped::Secret),
        // One of the primes, or what follows from it, gives the key away as well.
        (changed(rsa(), &json!({"p": "AQAB"})), Skipped::Secret),
        (changed(rsa(), &json!({"dq": "AQAB"})), Skipped::Secret),
        (changed(rsa(), &json!({"oth": []})), Skipped::Secret),
        (
            changed(ec(), &json!({"d": null, "crv": "P-384"})),
            Skipped::Kind,
        ),
        (changed(ec(), &json!({"crv": "secp256k1"})), Skipped::Kind),
        (changed(ec(), &json!({"crv": null})), Skipped::Kind),
        (changed(ec(), &json!({"crv": "Ed25519"})), Skipped::Kind),
        (changed(ec(), &json!({"y": null})), Skipped::Encoding),
        (
            changed(ec(), &json!({"x": encode([1; 31])})),
            Skipped::Encoding,
        ),
        (
            changed(ec(), &json!({"x": encode([1; 33])})),
            Skipped::Encoding,
        ),
        (
            changed(ec(), &json!({"x": encode([1; 48])})),
            Skipped::Encoding,
        ),
        (changed(ec(), &json!({"alg": "ES384"})), Skipped::Algorithm),
        (changed(ed(), &json!({"crv": "Ed448"})), Skipped::Kind),
        (changed(ed(), &json!({"crv": "X25519"})), Skipped::Kind),
        (
            changed(ed(), &json!({"x": encode([1; 31])})),
            Skipped::Encoding,
        ),
        (changed(ed(), &json!({"x": "a\"b"})), Skipped::Encoding),
    ];
    for (key, why) in rows {
        assert_eq!(skipped(&key), [why], "{key}");
    }
    // One that is passed over does not take the others with it.
    let set =
        read(&json!({"keys": [changed(rsa(), &json!({"e": "AQ"})), ec()]})).expect("a key set");
    assert!(set.find(RSA).is_none() && set.find(P256).is_some());
}

#[test]
fn a_name_is_of_one_key() {
    let set = |keys: Vec<Value>| read(&json!({ "keys": keys })).expect("a key set");
    let one = set(vec![rsa(), changed(rsa(), &json!({"x5c": null}))]);
    assert_eq!((one.keys().len(), one.skipped().len()), (1, 0));
    let stranger = rsa_jwk(RSA, &keys().other_rsa);
    let curve = changed(ec(), &json!({"kid": RSA}));
    for second in [stranger, curve] {
        let two = set(vec![rsa(), second, ed()]);
        assert!(two.find(RSA).is_none());
        assert!(two.find("ed-1").is_some());
        assert_eq!(two.skipped(), [Skipped::Doubled, Skipped::Doubled]);
    }
}

#[test]
fn a_key_whose_secret_half_was_published_is_none() {
    let set = |keys: Vec<Value>| read(&json!({ "keys": keys })).expect("a key set");
    for exposed in [
        // The same key, and the same name.
        changed(rsa(), &json!({"d": "AQAB"})),
        // Another name for the same key, or none.
        changed(rsa(), &json!({"d": "AQAB", "kid": "rsa-9"})),
        changed(rsa(), &json!({"d": "AQAB", "kid": null})),
        // The same name for a key that is not taken.
        json!({"kty": "EC", "crv": "P-384", "kid": RSA, "d": "AA"}),
        changed(rsa(), &json!({"d": "AQAB", "e": "AQ"})),
    ] {
        for keys in [
            vec![rsa(), exposed.clone(), ed()],
            vec![exposed.clone(), rsa(), ed()],
        ] {
            let set = set(keys);
            let kids: Vec<&str> = set.keys().iter().map(PublicKey::kid).collect();
            assert_eq!(kids, ["ed-1"], "{exposed}");
            assert_eq!(set.skipped().len(), 2, "{exposed}");
            assert!(set.skipped().contains(&Skipped::Secret), "{exposed}");
        }
    }
}

#[test]
fn key_sets_that_are_refused_whole() {
    let many: Vec<Value> = (0..=MAX_KEYS).map(|_| json!({})).collect();
    let huge = json!({"keys": [], "x": "a".repeat(MAX_KEY_SET)});
    let wide = json!({"keys": [], "x": vec![0; 2_048]});
    let rows = [
        (huge.to_string(), KeySetError::Json(JsonFault::TooLong)),
        (wide.to_string(), KeySetError::Json(JsonFault::TooMany)),
        ("[".repeat(60_000), KeySetError::Json(JsonFault::TooDeep)),
        (json!({"keys": many}).to_string(), KeySetError::TooMany),
        (
            r#"{"keys":[],"keys":[]}"#.to_owned(),
            KeySetError::Json(JsonFault::Twice),
        ),
        (
            r#"{"keys":[{"kid":"a","kid":"b"}]}"#.to_owned(),
            KeySetError::Json(JsonFault::Twice),
        ),
        (
            json!([rsa()]).to_string(),
            KeySetError::Json(JsonFault::NotAnObject),
        ),
        (json!({}).to_string(), KeySetError::NoKeys),
        (json!({"keys": null}).to_string(), KeySetError::NoKeys),
        (
            json!({"keys": {"a": rsa()}}).to_string(),
            KeySetError::NoKeys,
        ),
        ("<html>".to_owned(), KeySetError::Json(JsonFault::NotJson)),
        (String::new(), KeySetError::Json(JsonFault::NotJson)),
    ];
    for (text, error) in rows {
        assert_eq!(KeySet::parse(&known(GITHUB), text.as_bytes()), Err(error));
    }
}

#[test]
fn discovery_leads_to_the_keys_of_the_issuer_that_was_asked() {
    let document = |issuer: &str, url: Value| {
        json!({
            "issuer": issuer, "jwks_uri": url, "response_types_supported": ["id_token"],
            "claims_supported": ["sub", "aud"], "id_token_signing_alg_values_supported": ["RS256"],
        })
        .to_string()
    };
    let of = |document: &str| keys_url(&known(GITHUB), document.as_bytes());
    let own = "https://token.actions.githubusercontent.com/.well-known/jwks";
    for url in [
        own,
        "https://keys.example:8443/jwks?v=1",
        "https://keys.example",
    ] {
        assert_eq!(of(&document(GITHUB, json!(url))).as_deref(), Ok(url));
    }
    let wrong = |url: Value| (document(GITHUB, url), DiscoveryError::KeysUrl);
    let other = |issuer: &str| (document(issuer, json!(own)), DiscoveryError::OtherIssuer);
    let long = format!("https://keys.example/{}", "a".repeat(MAX_KEYS_URL));
    let rows = [
        other("https://token.actions.githubusercontent.com/"),
        other("https://evil.example"),
        other(""),
        wrong(json!("http://keys.example/jwks")),
        wrong(json!("http://127.0.0.1/jwks")),
        wrong(json!("https://")),
        wrong(json!("https:///jwks")),
        wrong(json!("https://user@keys.example/jwks")),
        wrong(json!("https://keys.example/jwks#x")),
        wrong(json!("https://keys.example/a b")),
        wrong(json!("HTTPS://keys.example")),
        wrong(json!("/jwks")),
        wrong(json!("data:application/json,{}")),
        wrong(json!("")),
        wrong(json!(long)),
        (document(GITHUB, json!(null)), DiscoveryError::NoKeysUrl),
        (document(GITHUB, json!([own])), DiscoveryError::NoKeysUrl),
        ("{}".to_owned(), DiscoveryError::OtherIssuer),
        (
            "[]".to_owned(),
            DiscoveryError::Json(JsonFault::NotAnObject),
        ),
        (
            " ".repeat(MAX_DISCOVERY + 1),
            DiscoveryError::Json(JsonFault::TooLong),
        ),
    ];
    for (document, error) in rows {
        assert_eq!(of(&document), Err(error), "{document}");
    }
}

#[test]
fn keys_on_this_machine_are_for_an_issuer_on_this_machine() {
    let issuer = Issuer::parse("http://127.0.0.1:8080", Loopback::Allowed).expect("an issuer");
    let of = |url: &str| {
        let document = json!({"issuer": issuer.url(), "jwks_uri": url}).to_string();
        keys_url(&issuer, document.as_bytes())
    };
    for url in [
        "http://127.0.0.1:8080/jwks",
        "http://localhost:9/jwks",
        "https://keys.example/jwks",
    ] {
        assert_eq!(of(url).as_deref(), Ok(url));
    }
    for url in [
        "http://keys.example/jwks",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
    ] {
        assert_eq!(of(url), Err(DiscoveryError::KeysUrl), "{url}");
    }
}
