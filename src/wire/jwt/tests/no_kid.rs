//! Tokens that name no key, as the origin makes them (R39).

use serde_json::json;

use super::*;

#[test]
fn r39_a_token_that_names_no_key_is_tried_under_every_key() {
    let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
    let payload = good_claims().to_string();
    for key in [1, 2] {
        let verified = verify(&sign(&header, &payload, key), &ours(), now(), 0);
        let verified = verified.expect("a key of the ring");
        assert!(!verified.names_key);
        assert_eq!(verified.claims.digest.len(), 64);
    }
    let named = verify(
        &issue(&facts(Scope::Organization), &ours()).expect("issues"),
        &ours(),
        now(),
        0,
    );
    let named = named.expect("our own token");
    assert!(named.names_key);
    assert_eq!(named.claims.digest, "");
    // R6: the checks of a token that names its key hold here too.
    let rows = [
        (payload.clone(), 9, JwtError::Stale),
        (with("iss", json!("x")), 9, JwtError::Foreign),
        (with("exp", json!(NOW)), 1, JwtError::Expired),
        (
            with("aud", json!("user-auth.chainloop")),
            1,
            JwtError::Audience,
        ),
        (
            with("iss", json!("x")),
            2,
            JwtError::Claims("the issuer is another one"),
        ),
    ];
    for (payload, key, expected) in rows {
        let answer = verify(&sign(&header, &payload, key), &ours(), now(), 0);
        assert_eq!(answer, Err(expected), "{payload}");
    }
}

#[test]
fn r39_the_digest_covers_claims_that_nobody_knows() {
    let header = json!({"alg": "HS256"}).to_string();
    let digest = |payload: &str| {
        let verified = verify(&sign(&header, payload, 1), &ours(), now(), 0);
        verified.expect("good").claims
    };
    let (plain, more) = (good_claims().to_string(), with("else", json!(1)));
    assert_eq!(digest(&plain), digest(&plain));
    assert_ne!(digest(&plain), digest(&more));
    let admin = with("scope", json!("INSTANCE_ADMIN"));
    assert_eq!(digest(&admin).scope.as_deref(), Some("INSTANCE_ADMIN"));
}
