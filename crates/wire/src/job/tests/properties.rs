//! What must hold for every text and every byte string.

use proptest::prelude::*;

use super::issuer::{ED25519, signed_bytes};
use super::*;

/// A header for the key that signs fast.
fn fast() -> Value {
    json!({"alg": "EdDSA", "kid": ED25519})
}

/// Everything that reads what strangers send.
fn read_all(bytes: &[u8]) {
    let _ = KeySet::parse(&known(GITHUB), bytes);
    let _ = keys_url(&known(GITHUB), bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    let _ = present(&text);
    let _ = present(&signed_bytes(bytes, github().to_string().as_bytes()));
    let _ = present(&signed_bytes(fast().to_string().as_bytes(), bytes));
}

/// Any claim with any value.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[0-9]{1,18}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

// Each case makes signatures: fewer than usual, of the key that is fast.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn no_text_panics(text in "[\\PC{}\\[\\]\",:.]{0,120}") {
        read_all(text.as_bytes());
    }

    /// Whatever stands in one claim: the token is refused, or it is about the same repository.
    #[test]
    fn one_claim_with_any_value_makes_no_other_repository(
        name in prop::sample::select(vec![
            "iss", "aud", "exp", "iat", "nbf", "jti", "repository", "repository_owner", "ref", "sha", "actor",
            "environment", "workflow_ref", "job_workflow_ref", "event_name", "run_id", "ref_protected", "sub",
        ]),
        value in value(),
    ) {
        let claims = changed(github(), &json!({ name: value })).to_string();
        if let Ok(verified) = present(&signed(&fast().to_string(), &claims)) {
            let plain = present(&github_with(&json!({}))).expect("a good token");
            prop_assert_eq!(&verified.job().identity, &plain.job().identity);
            prop_assert!(verified.ends_at() > now());
        }
    }

    /// A key of any members is one of three kinds, or none.
    #[test]
    fn a_key_with_any_member_is_the_same_key_or_none(
        key in 1..4usize,
        name in prop::sample::select(vec!["kty", "crv", "kid", "use", "key_ops", "alg", "n", "e", "x", "y", "d"]),
        value in value(),
    ) {
        let whole = key_set()["keys"][key].clone();
        let kid = whole["kid"].as_str().expect("a name").to_owned();
        let mut other = whole;
        other[name] = value;
        let set = json!({"keys": [other]}).to_string();
        let set = KeySet::parse(&known(GITHUB), set.as_bytes());
        if let Some(found) = set.ok().and_then(|set| set.keys().first().cloned()) {
            let known_set = KeySet::parse(&known(GITHUB), key_set().to_string().as_bytes()).expect("keys");
            let first = known_set.find(&kid).expect("a key");
            prop_assert_eq!(found.algorithm(), first.algorithm());
            if !["n", "e", "x", "y"].contains(&name) {
                prop_assert_eq!(found.jwk(), first.jwk());
            }
        }
    }
}

#[test]
fn damaged_texts_are_refused() {
    let good = github_with(&json!({}));
    for cut in 0..good.len() {
        let token: String = good.chars().take(cut).collect();
        assert!(present(&token).is_err(), "cut at {cut}");
    }
    for place in 0..good.len() {
        for other in [b'A', b'.'] {
            let mut bytes = good.as_bytes().to_vec();
            if bytes[place] != other {
                bytes[place] = other;
                let text = String::from_utf8(bytes).expect("ASCII");
                assert!(present(&text).is_err(), "{other} at {place}");
            }
        }
    }
}
