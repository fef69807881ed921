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
        assert_eq!(verified.signed, None);
        assert_eq!(verified.claims.digest.len(), 64);
    }
    let named = verify(
        &issue(&facts(Scope::Organization), &ours())
            .expect("issues")
            .token,
        &ours(),
        now(),
        0,
    );
    let named = named.expect("our own token");
    assert!(named.signed.is_some_and(|signed| signed.kid == "new"));
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
fn r39_a_key_of_the_origin_verifies_adopted_tokens_only_and_ours_never_those() {
    let (ours, origins) = (ring(&[("new", 1)]), ring(&[("cp", 2)]));
    let payload = good_claims().to_string();
    let (unnamed, named) = (
        json!({"alg": "HS256"}),
        json!({"alg": "HS256", "kid": "new"}),
    );
    let cp = json!({"alg": "HS256", "kid": "cp"});
    // Header, the key that signs, with and without keys of the origin's.
    let rows = [
        (&named, 1, true, true),
        (&unnamed, 2, true, false),
        // The origin signs what looks minted here.
        (&named, 2, false, false),
        (&cp, 2, false, false),
        // What we sign is never the origin's.
        (&unnamed, 1, false, false),
    ];
    for (header, key, with, without) in rows {
        let token = sign(&header.to_string(), &payload, key);
        for (adopted, expected) in [(Some(&origins), with), (None, without)] {
            let keys = JwtKeys {
                minted: &ours,
                adopted,
            };
            let answer = super::super::verify(&token, keys, now(), 0);
            assert_eq!(answer.is_ok(), expected, "{header} {key} {adopted:?}");
            if let Err(error) = answer {
                assert_eq!(error, JwtError::Stale, "{header} {key}");
            }
        }
    }
}

#[test]
fn what_was_signed_is_told_with_the_key() {
    let issued = issue(&facts(Scope::Organization), &ours()).expect("issues");
    let verified = verify(&issued.token, &ours(), now(), 0).expect("our own token");
    let signed = verified.signed.expect("it names its key");
    assert_eq!(signed.kid, "new");
    assert_eq!(signed.digest.len(), 64);
    assert_eq!(
        issued.verifier,
        Verifier::Jwt {
            signed: Some(signed.clone())
        }
    );
    // The same claims otherwise written, and with one more, are signed otherwise.
    let header = header().to_string();
    for payload in [
        good_claims().to_string().replacen('{', "{ ", 1),
        with("exp", json!(NOW + 60)),
    ] {
        let other = verify(&sign(&header, &payload, 1), &ours(), now(), 0).expect("well signed");
        assert_ne!(
            other.signed.map(|signed| signed.digest),
            Some(signed.digest.clone())
        );
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
