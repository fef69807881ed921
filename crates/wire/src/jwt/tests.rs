//! Issue and verification as rows, with tokens made by hand where the library would not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

use super::*;
use postern_domain::id::Id;
use postern_domain::keys::KeyRing;
use postern_domain::scope::{Named, Scope};
use postern_domain::secret::Secret;
use postern_domain::testing::{self, project};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};

mod audience;
mod no_kid;
mod text;
mod times;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1000)
}

fn ring(keys: &[(&str, u8)]) -> KeyRing {
    let text: Vec<String> = keys
        .iter()
        .map(|(kid, byte)| format!("{kid}:{}", B64.encode([*byte; 32])))
        .collect();
    KeyRing::parse(&text.join(",")).expect("good keys")
}

/// Verifies with every key of the ring for both kinds of tokens; what keeps the kinds apart is
/// below.
fn verify(
    token: &Secret,
    ring: &KeyRing,
    now: Timestamp,
    leeway_seconds: i64,
) -> Result<Verified, JwtError> {
    let keys = JwtKeys {
        minted: ring,
        adopted: Some(ring),
    };
    super::verify(token, keys, now, leeway_seconds)
}

fn ours() -> KeyRing {
    ring(&[("new", 1), ("old", 2)])
}

fn facts(scope: Scope) -> TokenFacts {
    testing::facts(0xabc, scope)
}

fn good_claims() -> Value {
    json!({
        "jti": "00000000-0000-0000-0000-000000000abc",
        "iss": "cp.chainloop",
        "aud": ["api-token-auth.chainloop"],
        "token_name": "ci",
        "org_id": "00000000-0000-0000-0000-000000000001",
        "org_name": "acme",
    })
}

/// Signs whatever is given, as nobody should.
fn sign(header: &str, payload: &str, key: u8) -> Secret {
    let signed = format!("{}.{}", B64.encode(header), B64.encode(payload));
    let any = ring(&[("any", key)]);
    let mac = any.signing().mac(&[signed.as_bytes()]);
    Secret::new(format!("{signed}.{}", B64.encode(mac)))
}

fn check(header: &Value, payload: &str, expected: Result<(), JwtError>) {
    let token = sign(&header.to_string(), payload, 1);
    let answer = verify(&token, &ours(), now(), 0).map(|_| ());
    assert_eq!(answer, expected, "{header} {payload}");
}

fn with(name: &str, value: Value) -> String {
    let mut claims = good_claims();
    claims[name] = value;
    claims.to_string()
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT", "kid": "new"})
}

fn payload_of(token: &Secret) -> Value {
    let part = token.expose().split('.').nth(1).expect("a payload");
    serde_json::from_slice(&B64.decode(part).expect("base64url")).expect("JSON")
}

#[test]
fn r3_absent_claims_are_omitted() {
    let token = issue(&facts(Scope::Organization), &ours())
        .expect("issues")
        .token;
    assert_eq!(payload_of(&token), good_claims());
    let verified = verify(&token, &ours(), now(), 0).expect("our own token");
    assert_eq!(verified.id, Id::from_u128(0xabc));
    assert_eq!(verified.claims.project(), None);
}

#[test]
fn r3_scoped_tokens_carry_both_pairs() {
    let mut facts = facts(Scope::Workflow {
        project: project(),
        workflow: Named {
            id: Id::from_u128(3),
            name: "release".to_owned(),
        },
    });
    facts.expires_at = Some(Timestamp::from_millis((NOW + 60) * 1000));
    let token = issue(&facts, &ours()).expect("issues").token;
    let payload = payload_of(&token);
    assert_eq!(payload["exp"], NOW + 60);
    assert_eq!(payload["project_name"], "shop");
    assert_eq!(
        payload["workflow_id"],
        "00000000-0000-0000-0000-000000000003"
    );
    assert_eq!(payload["workflow_name"], "release");
    let pair = verify(&token, &ours(), now(), 0)
        .expect("ours")
        .claims
        .workflow();
    assert_eq!(pair.expect("a workflow").name.as_deref(), Some("release"));
}

#[test]
fn headers() {
    let payload = good_claims().to_string();
    let rows = [
        (header(), Ok(())),
        (json!({"alg": "HS256", "kid": "new"}), Ok(())),
        (
            json!({"alg": "none", "kid": "new"}),
            Err(JwtError::Algorithm),
        ),
        (
            json!({"alg": "HS384", "kid": "new"}),
            Err(JwtError::Algorithm),
        ),
        (
            json!({"alg": "RS256", "kid": "new"}),
            Err(JwtError::Algorithm),
        ),
        (
            json!({"alg": "hs256", "kid": "new"}),
            Err(JwtError::Algorithm),
        ),
        (
            json!({"alg": "HS256", "kid": "nobody"}),
            Err(JwtError::Stale),
        ),
        (json!({"alg": "HS256", "kid": "old"}), Err(JwtError::Stale)),
        (json!({"alg": "HS256"}), Ok(())),
        (json!({"alg": "HS256", "kid": null}), Ok(())),
        (json!({"alg": "HS256", "kid": ""}), Err(JwtError::Stale)),
        (json!({"alg": "none"}), Err(JwtError::Algorithm)),
        (json!({"alg": "HS512"}), Err(JwtError::Algorithm)),
        (
            json!({"alg": "HS256", "crit": ["exp"]}),
            Err(JwtError::Critical),
        ),
        (
            json!({"alg": "HS256", "typ": "at+jwt"}),
            Err(JwtError::Malformed("`typ` is not JWT")),
        ),
        (
            json!({"alg": "HS256", "kid": "new", "crit": ["exp"]}),
            Err(JwtError::Critical),
        ),
        (
            json!({"alg": "HS256", "kid": "new", "crit": []}),
            Err(JwtError::Critical),
        ),
        (
            json!({"alg": "HS256", "kid": "new", "b64": false, "crit": ["b64"]}),
            Err(JwtError::Critical),
        ),
        (
            json!({"alg": "HS256", "kid": "new", "crit": null}),
            Err(JwtError::Malformed("`crit` or `b64` is null")),
        ),
        (
            json!({"alg": "HS256", "b64": null}),
            Err(JwtError::Malformed("`crit` or `b64` is null")),
        ),
        (
            json!({"alg": "HS256", "kid": "new", "typ": "at+jwt"}),
            Err(JwtError::Malformed("`typ` is not JWT")),
        ),
    ];
    for (header, expected) in rows {
        check(&header, &payload, expected);
    }
}

#[test]
fn claims() {
    let shape = || Err(JwtError::Claims(verify::WRONG_CLAIMS));
    let jti = || Err(JwtError::Claims("`jti` is not a UUID"));
    let pair = || Err(JwtError::Claims("an id without its name, or the reverse"));
    let good = good_claims().to_string();
    let doubled = good.replacen('{', "{\"org_id\":\"x\",", 1);
    let doubled_unknown = good.replacen('{', "{\"x\":1,\"x\":2,", 1);
    let rows = [
        (with("exp", json!(NOW + 1)), Ok(())),
        (with("exp", json!(NOW)), Err(JwtError::Expired)),
        (with("exp", json!(NOW - 1)), Err(JwtError::Expired)),
        (
            with("exp", json!(-(1i64 << 53) + 1)),
            Err(JwtError::Expired),
        ),
        (with("exp", json!(i64::MIN)), shape()),
        (with("exp", json!((1i64 << 53) - 1)), Ok(())),
        (with("exp", json!(1i64 << 53)), shape()),
        (with("exp", json!(1_000_000_000_000_000_000i64)), shape()),
        (with("nbf", json!(-(1i64 << 53))), shape()),
        // Numbers may have a fraction (RFC 7519, section 2); the second it lies in counts against
        // the token.
        (
            with("exp", json!(1_800_000_000.999)),
            Err(JwtError::Expired),
        ),
        (with("exp", json!(1_800_000_001.5)), Ok(())),
        (with("nbf", json!(1_799_999_999.5)), Ok(())),
        (
            with("nbf", json!(1_800_000_000.5)),
            Err(JwtError::NotYetValid),
        ),
        (with("exp", Value::Null), Ok(())),
        (with("exp", json!("tomorrow")), shape()),
        (with("exp", json!(1e300)), shape()),
        (with("nbf", json!(NOW)), Ok(())),
        (with("nbf", json!(NOW + 1)), Err(JwtError::NotYetValid)),
        (with("aud", json!("api-token-auth.chainloop")), Ok(())),
        (
            with("aud", json!("user-auth.chainloop")),
            Err(JwtError::Audience),
        ),
        (
            with("aud", json!("random-audience")),
            Err(JwtError::Audience),
        ),
        (with("aud", json!([])), Err(JwtError::Audience)),
        (with("aud", Value::Null), Err(JwtError::Audience)),
        (with("aud", json!(7)), shape()),
        (
            with("iss", json!("somebody")),
            Err(JwtError::Claims("the issuer is another one")),
        ),
        (with("jti", json!("7")), jti()),
        (with("jti", Value::Null), jti()),
        (
            with("workflow_id", json!("00000000-0000-0000-0000-000000000003")),
            pair(),
        ),
        (with("project_name", json!("shop")), pair()),
        (with("anything", json!({"else": [1]})), Ok(())),
        (doubled, shape()),
        (doubled_unknown, shape()),
        ("[]".to_owned(), shape()),
        ("null".to_owned(), shape()),
        ("{".to_owned(), shape()),
        (String::new(), shape()),
    ];
    for (payload, expected) in rows {
        check(&header(), &payload, expected);
    }
}

#[test]
fn r6_a_bad_signature_under_our_issuer_is_stale_and_any_other_foreign() {
    let retired = sign(&header().to_string(), &good_claims().to_string(), 9);
    assert_eq!(verify(&retired, &ours(), now(), 0), Err(JwtError::Stale));
    let expired = sign(&header().to_string(), &with("exp", json!(1)), 9);
    assert_eq!(verify(&expired, &ours(), now(), 0), Err(JwtError::Stale));
    let foreign = sign(&header().to_string(), &with("iss", json!("x")), 9);
    assert_eq!(verify(&foreign, &ours(), now(), 0), Err(JwtError::Foreign));
    let garbage = sign(&header().to_string(), "garbage", 9);
    assert_eq!(verify(&garbage, &ours(), now(), 0), Err(JwtError::Foreign));
}

#[test]
fn both_keys_of_the_ring_verify() {
    let old = ring(&[("old", 2)]);
    let token = issue(&facts(Scope::Organization), &old)
        .expect("issues")
        .token;
    assert!(verify(&token, &ours(), now(), 0).is_ok());
}

/// The control plane's own cases of audiences, and the sets that it has never tested.
#[test]
fn r5_r6_the_control_planes_cases() {
    let rows: [(&[&str], Option<Audience>); 8] = [
        (&["user-auth.chainloop"], Some(Audience::User)),
        (&["api-token-auth.chainloop"], Some(Audience::ApiToken)),
        (&["chainloop"], Some(Audience::Generic)),
        (&["www.example.com"], None),
        (&["chainloop", "user-auth.chainloop"], Some(Audience::User)),
        (&["unknown1", "unknown2"], None),
        (&["client.chainloop"], None),
        (&[], None),
    ];
    for (set, expected) in rows {
        let set: Vec<String> = set.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(audience(&set), expected, "{set:?}");
    }
    // Expired and signed by another secret is a matter of the signature, not of time.
    let expired = sign(&header().to_string(), &with("exp", json!(1)), 9);
    assert_eq!(verify(&expired, &ours(), now(), 0), Err(JwtError::Stale));
    // Expired and of another audience, but ours: the holder learns that it has expired.
    let mut claims = good_claims();
    claims["aud"] = json!("user-auth.chainloop");
    claims["exp"] = json!(1);
    check(&header(), &claims.to_string(), Err(JwtError::Expired));
}

#[test]
fn damaged_texts_are_refused_and_never_panic() {
    let good = issue(&facts(Scope::Project { project: project() }), &ours())
        .expect("issues")
        .token;
    let good = good.expose();
    for cut in 0..good.len() {
        let token = Secret::new(good.chars().take(cut).collect());
        assert!(verify(&token, &ours(), now(), 0).is_err(), "cut at {cut}");
    }
    for extra in ["=", ".", "A", " ", "\n"] {
        let token = Secret::new(format!("{good}{extra}"));
        assert!(
            verify(&token, &ours(), now(), 0).is_err(),
            "{extra:?} appended"
        );
    }
    for place in 0..good.len() {
        let mut bytes = good.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let token = Secret::new(String::from_utf8(bytes).expect("ASCII"));
        assert!(verify(&token, &ours(), now(), 0).is_err(), "place {place}");
    }
}

#[test]
fn the_form_of_a_jwt_needs_no_key() {
    let ours = issue(&facts(Scope::Organization), &ours()).expect("issues");
    let ours = ours.token.expose();
    assert_eq!(form(ours), Some(JwtForm::Ours));
    let other = sign(r#"{"alg":"RS256"}"#, "{}", 9);
    assert_eq!(form(other.expose()), Some(JwtForm::Other));
    let short: String = ours.chars().take(ours.len() - 3).collect();
    assert_eq!(form(&short), Some(JwtForm::Other));
    let no_algorithm = sign(r#"{"typ":"JWT"}"#, "{}", 9);
    for text in ["", "a.b.c", "eyJ.eyJ.eyJ", no_algorithm.expose()] {
        assert_eq!(form(text), None, "{text}");
    }
}
