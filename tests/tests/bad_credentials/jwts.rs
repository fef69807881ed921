//! JWTs with wrong headers, signatures and claims, and texts that are no JWTs.

use postern_system_tests::forge::{self, Keys};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::{
    EXPIRED, FORMLESS, MALFORMED, Outcome, REFUSED, jwt, opens, refuses, resigned,
    seconds_from_now, without,
};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        jwts_with_wrong_headers,
        r6_jwts_with_wrong_signatures,
        jwts_with_wrong_claims,
        jwts_that_are_no_jwts,
    ]
}

const STALE: Outcome = Outcome {
    code: "token_stale",
    detail: "not issued by this deployment, or signed with a retired key: mint or log in again",
    message: "Fail to parse JWT token ",
    cause: None,
};

async fn jwts_with_wrong_headers(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let claims = forge::part(&token.token, 1).to_string();
    let algorithm = MALFORMED.because("JWT algorithm is not HS256");
    let critical = MALFORMED.because("JWT with critical extensions");
    let rows = [
        (
            "alg none",
            json!({ "alg": "none", "typ": "JWT", "kid": "k2" }),
            algorithm,
        ),
        ("alg None", json!({ "alg": "None", "kid": "k2" }), algorithm),
        (
            "alg HS384, signed with HS256",
            json!({ "alg": "HS384", "kid": "k2" }),
            algorithm,
        ),
        (
            "alg RS256",
            json!({ "alg": "RS256", "kid": "k2" }),
            algorithm,
        ),
        (
            "alg hs256",
            json!({ "alg": "hs256", "kid": "k2" }),
            algorithm,
        ),
        (
            "an unknown crit",
            json!({ "alg": "HS256", "kid": "k2", "crit": ["exp2"], "exp2": 1 }),
            critical,
        ),
        (
            "an empty crit",
            json!({ "alg": "HS256", "kid": "k2", "crit": [] }),
            critical,
        ),
        (
            "b64",
            json!({ "alg": "HS256", "kid": "k2", "b64": false, "crit": ["b64"] }),
            critical,
        ),
        (
            "another typ",
            json!({ "alg": "HS256", "kid": "k2", "typ": "at+jwt" }),
            MALFORMED.because("`typ` is not JWT"),
        ),
        (
            "an unknown kid",
            json!({ "alg": "HS256", "kid": "k9" }),
            STALE,
        ),
        ("an empty kid", json!({ "alg": "HS256", "kid": "" }), STALE),
        (
            "the kid of another key of the ring",
            json!({ "alg": "HS256", "kid": "k1" }),
            STALE,
        ),
    ];
    for (what, header, outcome) in rows {
        let forged = forge::jwt(&header, &claims, &suite.keys.k2);
        refuses(suite, &organization, what, &forged, &outcome).await;
    }
    let header = json!({ "alg": "HS384", "kid": "k2" });
    let strong = forge::jwt_384(&header, &claims, &suite.keys.k2);
    refuses(
        suite,
        &organization,
        "alg HS384, signed with it",
        &strong,
        &algorithm,
    )
    .await;
    let unsigned = forge::jwt(
        &json!({ "alg": "none", "kid": "k2" }),
        &claims,
        &suite.keys.k2,
    );
    let (unsigned, _) = unsigned.rsplit_once('.').expect("three parts");
    refuses(
        suite,
        &organization,
        "alg none without signature",
        &format!("{unsigned}."),
        &MALFORMED,
    )
    .await;
    let retired = forge::jwt(&json!({ "alg": "HS256" }), &claims, &suite.keys.k2);
    refuses(
        suite,
        &organization,
        "no kid, and no key of the origin's",
        &retired,
        &STALE,
    )
    .await;
    opens(suite, &token.token).await;
}

async fn r6_jwts_with_wrong_signatures(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let claims = forge::part(&token.token, 1).to_string();
    let (signed, signature) = token.token.rsplit_once('.').expect("three parts");
    let mut bits = forge::hs256(&suite.keys.k2, signed.as_bytes());
    bits[0] ^= 1;
    let flipped = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bits);
    let other = forge::part(&jwt(suite, &organization).await.token, 1).to_string();
    let borrowed = forge::jwt(&forge::header(), &other, &suite.keys.k2);
    let (borrowed, _) = borrowed.rsplit_once('.').expect("three parts");
    let rows = [
        (
            "signed with a retired key",
            forge::jwt(
                &json!({ "alg": "HS256", "kid": "k0" }),
                &claims,
                &suite.keys.k0,
            ),
        ),
        (
            "a retired key under a live name",
            forge::jwt(&forge::header(), &claims, &suite.keys.k0),
        ),
        (
            "signed with an empty key",
            forge::jwt(&forge::header(), &claims, &[]),
        ),
        (
            "signed with the key's text",
            forge::jwt(&forge::header(), &claims, suite.keys.ring().as_bytes()),
        ),
        ("no signature", format!("{signed}.")),
        ("half a signature", format!("{signed}.{}", &signature[..20])),
        (
            "a signature with one bit flipped",
            format!("{signed}.{flipped}"),
        ),
        (
            "the signature of another token",
            format!("{borrowed}.{signature}"),
        ),
    ];
    for (what, forged) in rows {
        refuses(suite, &organization, what, &forged, &STALE).await;
    }
    // What does not even say that it is ours is not called stale.
    let foreign = |iss: Value| {
        let mut claims = forge::part(&token.token, 1);
        claims["iss"] = iss;
        forge::jwt(&forge::header(), &claims.to_string(), &suite.keys.k0)
    };
    let outcome = REFUSED.because("JWT of a foreign issuer");
    refuses(
        suite,
        &organization,
        "another issuer's",
        &foreign(json!("https://token.example")),
        &outcome,
    )
    .await;
    refuses(
        suite,
        &organization,
        "nobody's",
        &foreign(Value::Null),
        &outcome,
    )
    .await;
    opens(suite, &token.token).await;
}

async fn jwts_with_wrong_claims(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let audience = REFUSED.because("invalid audience");
    let shape = REFUSED
        .because("not an object of unique, well-typed claims, with times below 2^53 seconds");
    let change = |name: &'static str, value: Value| {
        resigned(suite, &token, move |claims| claims[name] = value)
    };
    let drop = |name: &'static str| resigned(suite, &token, move |claims| without(claims, &[name]));
    let claims = forge::part(&token.token, 1).to_string();
    let twice = claims.replacen('{', &format!("{{\"org_id\":\"{}\",", random_id()), 1);
    let rows = [
        (
            "expired",
            change("exp", json!(seconds_from_now(-1))),
            EXPIRED.because("JWT expired"),
        ),
        (
            "long expired",
            change("exp", json!(0)),
            EXPIRED.because("JWT expired"),
        ),
        (
            "not valid yet",
            change("nbf", json!(seconds_from_now(60))),
            EXPIRED.because("JWT not valid yet"),
        ),
        (
            "an expiry in words",
            change("exp", json!("tomorrow")),
            shape,
        ),
        ("no audience", drop("aud"), audience),
        ("an empty audience", change("aud", json!([])), audience),
        (
            "a foreign audience",
            change("aud", json!(["api-token-auth.example"])),
            audience,
        ),
        (
            "a user's audience",
            change("aud", json!(["user-auth.chainloop"])),
            audience,
        ),
        (
            "a CI provider's audience",
            change("aud", json!("chainloop")),
            audience,
        ),
        (
            "a user's and a CI provider's",
            change("aud", json!(["chainloop", "user-auth.chainloop"])),
            audience,
        ),
        (
            "another issuer under our key",
            change("iss", json!("cp.example")),
            REFUSED.because("the issuer is another one"),
        ),
        (
            "no issuer",
            drop("iss"),
            REFUSED.because("the issuer is another one"),
        ),
        (
            "no jti",
            drop("jti"),
            REFUSED.because("`jti` is not a UUID"),
        ),
        (
            "a jti that is no id",
            change("jti", json!("1")),
            REFUSED.because("`jti` is not a UUID"),
        ),
        (
            "a jti of nobody",
            change("jti", json!(random_id())),
            REFUSED.because("unknown token"),
        ),
        (
            "a claim twice",
            forge::jwt(&forge::header(), &twice, &suite.keys.k2),
            shape,
        ),
        (
            "claims that are a list",
            forge::jwt(&forge::header(), "[]", &suite.keys.k2),
            shape,
        ),
        (
            "a workflow without its name",
            drop("workflow_name"),
            REFUSED.because("an id without its name, or the reverse"),
        ),
    ];
    for (what, forged, outcome) in rows {
        refuses(suite, &organization, what, &forged, &outcome).await;
    }
    opens(suite, &token.token).await;
}

async fn jwts_that_are_no_jwts(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await.token;
    let parts: Vec<_> = token.split('.').collect();
    let rows = [
        ("three dots and nothing", "..".to_owned(), MALFORMED),
        (
            "a header that is no JSON",
            format!("AAAA.{}.{}", parts[1], parts[2]),
            MALFORMED,
        ),
        (
            "a padded part",
            format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
            MALFORMED,
        ),
        (
            "standard base64",
            format!("{}.{}.{}", parts[0], parts[1], "+".repeat(43)),
            MALFORMED,
        ),
        ("two parts", format!("{}.{}", parts[0], parts[1]), FORMLESS),
        ("four parts", format!("{token}.AAAA"), FORMLESS),
        ("a wrong administrator key", Keys::random().admin, FORMLESS),
    ];
    for (what, text, outcome) in rows {
        refuses(suite, &organization, what, &text, &outcome).await;
    }
}
