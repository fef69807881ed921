//! The attacks of the usual playbooks against JWTs (RFC 8725, jwt_tool) as rows: what each one forges, and why it is
//! refused. With tokens of the registry and with job tokens.

mod claims;
mod jobs;
mod signatures;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use postern_domain::keys::KeyRing;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_wire::jwt::{self, JwtError, JwtKeys};

const NOW: i64 = 1_900_000_000;
const KEY: [u8; 32] = [7; 32];
const ORIGINS: [u8; 32] = [9; 32];

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", B64.encode(header), B64.encode(claims))
}

fn signed(header: &str, claims: &str, key: &[u8]) -> String {
    let message = message(header, claims);
    format!("{message}.{}", B64.encode(mac(key, &message)))
}

fn claims() -> Value {
    json!({
        "jti": "00000000-0000-4000-8000-000000000001",
        "iss": "cp.chainloop",
        "aud": ["api-token-auth.chainloop"],
        "token_name": "ci",
        "org_id": "00000000-0000-4000-8000-000000000002",
        "org_name": "acme",
    })
}

fn with(changes: Value) -> String {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims.to_string()
}

const GOOD: &str = r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#;

fn verified(token: &str) -> Result<(), JwtError> {
    let [ours, origins] = [("k1", KEY), ("cp", ORIGINS)]
        .map(|(kid, key)| KeyRing::parse(&format!("{kid}:{}", B64.encode(key))).expect("a ring"));
    let keys = JwtKeys {
        minted: &ours,
        adopted: Some(&origins),
    };
    let now = Timestamp::from_millis(NOW * 1000);
    jwt::verify(&Secret::new(token.to_owned()), keys, now, 0).map(drop)
}

fn form() -> Result<(), JwtError> {
    Err(JwtError::Malformed(
        "not three base64url parts with a JSON header",
    ))
}

fn each(rows: Vec<(&str, String, Result<(), JwtError>)>) {
    for (attack, token, expected) in rows {
        assert_eq!(verified(&token), expected, "{attack}: {token}");
    }
}

#[test]
fn a_good_token_is_the_beginning_of_every_attack() {
    assert_eq!(verified(&signed(GOOD, &claims().to_string(), &KEY)), Ok(()));
}

/// `alg` chooses nothing.
#[test]
fn no_algorithm_another_one_or_a_public_key_as_a_secret() {
    let claims = claims().to_string();
    let public =
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----\n";
    let mut rows = Vec::new();
    for name in [
        "none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA",
        "hs256",
    ] {
        let header = json!({"alg": name, "typ": "JWT", "kid": "k1"}).to_string();
        rows.push((
            "another algorithm",
            signed(&header, &claims, &KEY),
            Err(JwtError::Algorithm),
        ));
        let unsigned = format!("{}.", message(&header, &claims));
        rows.push(("without a signature", unsigned, Err(JwtError::Algorithm)));
        rows.push((
            "a public key as secret",
            signed(&header, &claims, public.as_bytes()),
            Err(JwtError::Algorithm),
        ));
    }
    rows.push((
        "no algorithm",
        signed(r#"{"kid":"k1"}"#, &claims, &KEY),
        form(),
    ));
    rows.push((
        "two algorithms",
        signed(r#"{"alg":"HS256","alg":"none","kid":"k1"}"#, &claims, &KEY),
        form(),
    ));
    rows.push((
        "a list of them",
        signed(r#"{"alg":["HS256","none"],"kid":"k1"}"#, &claims, &KEY),
        form(),
    ));
    each(rows);
}

/// The key is chosen by its name, out of the ring, and by nothing else in the header.
#[test]
fn a_key_of_the_attackers() {
    let claims = claims().to_string();
    let stale = || Err(JwtError::Stale);
    let named = |kid: &str| json!({"alg": "HS256", "kid": kid}).to_string();
    let mut rows = Vec::new();
    for (attack, kid) in [
        ("a path", "../../../../dev/null"),
        ("a path", "/proc/sys/kernel/randomize_va_space"),
        ("SQL", "x' UNION SELECT 'AAAA"),
        ("a command", "k1|sleep 10"),
        ("a NUL", "k1\0"),
        ("another case", "K1"),
        ("a blank", "k1 "),
        ("the origin's key by its name", "cp"),
        ("nothing", ""),
    ] {
        for key in [
            &b""[..],
            &[0; 32],
            kid.as_bytes(),
            b"secret",
            b"your-256-bit-secret",
            &ORIGINS,
        ] {
            rows.push((attack, signed(&named(kid), &claims, key), stale()));
        }
    }
    let own = r#""jwk":{"kty":"oct","k":"AAAA"},"jku":"https://a.example/jwks","x5u":"https://a.example/x5u","x5c":["AAAA"]"#;
    let header = format!(r#"{{"alg":"HS256","kid":"k1",{own}}}"#);
    for key in [&[0, 0, 0][..], b"", b"AAAA"] {
        rows.push((
            "a key in the header",
            signed(&header, &claims, key),
            stale(),
        ));
        rows.push(("a weak secret", signed(GOOD, &claims, key), stale()));
    }
    // What names no key is the origin's, and no key of ours signs it.
    rows.push((
        "our key, unnamed",
        signed(r#"{"alg":"HS256"}"#, &claims, &KEY),
        stale(),
    ));
    rows.push((
        "the origin's key, named as ours",
        signed(GOOD, &claims, &ORIGINS),
        stale(),
    ));
    rows.push((
        "two names",
        signed(r#"{"alg":"HS256","kid":"cp","kid":"k1"}"#, &claims, &KEY),
        form(),
    ));
    rows.push((
        "a name that is no text",
        signed(r#"{"alg":"HS256","kid":["k1"]}"#, &claims, &KEY),
        form(),
    ));
    each(rows);
}

/// What the header asks for beyond HS256 is not done in silence.
#[test]
fn extensions_types_and_nesting() {
    let claims = claims().to_string();
    let critical = || Err(JwtError::Critical);
    let row = |header: &str| signed(header, &claims, &KEY);
    each(vec![
        (
            "crit",
            row(r#"{"alg":"HS256","kid":"k1","crit":["exp"],"exp":1}"#),
            critical(),
        ),
        (
            "an empty crit",
            row(r#"{"alg":"HS256","kid":"k1","crit":[]}"#),
            critical(),
        ),
        (
            "b64",
            row(r#"{"alg":"HS256","kid":"k1","b64":false}"#),
            critical(),
        ),
        (
            "crit null",
            row(r#"{"alg":"HS256","kid":"k1","crit":null}"#),
            Err(JwtError::Malformed("`crit` or `b64` is null")),
        ),
        (
            "an access token's type",
            row(r#"{"alg":"HS256","kid":"k1","typ":"at+jwt"}"#),
            Err(JwtError::Malformed("`typ` is not JWT")),
        ),
        (
            "a logout token's type",
            row(r#"{"alg":"HS256","kid":"k1","typ":"logout+jwt"}"#),
            Err(JwtError::Malformed("`typ` is not JWT")),
        ),
        (
            "a JWT in a JWT",
            signed(GOOD, &signed(GOOD, &claims, &KEY), &KEY),
            Err(JwtError::Claims(WRONG)),
        ),
        (
            "no object",
            signed(GOOD, "[]", &KEY),
            Err(JwtError::Claims(WRONG)),
        ),
        (
            "no JSON",
            signed(GOOD, "", &KEY),
            Err(JwtError::Claims(WRONG)),
        ),
    ]);
}

const WRONG: &str = "not an object of unique, well-typed claims, with times below 2^53 seconds";
