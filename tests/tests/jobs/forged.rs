//! Tokens whose algorithm, key, header or signature is wrong, while their claims are good.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

use crate::hostile::Hostile;
use crate::support::Jobs;

const ALGORITHM: &str = "`alg` is not RS256, ES256 or EdDSA";
const SIGNATURE: &str = "the signature is none of its algorithm";
const OTHER_ALGORITHM: &str = "the key is for another algorithm than `alg`";
const UNKNOWN_KEY: &str = "the issuer has no key of the name `kid`";
const DOES_NOT_HOLD: &str = "the signature does not hold";
const KEY_ID: &str = "`kid` is missing, empty, too long or not visible ASCII";
const CRITICAL: &str = "the header has `crit` or `b64`";
const TYPE: &str = "`typ` is not JWT";
const HEADER_TWICE: &str = "the header of the token has a name twice in one object";

/// All of them.
pub fn rows(jobs: &Jobs) -> Vec<Hostile> {
    [algorithms(), keys(jobs), headers(), signatures()]
        .into_iter()
        .flatten()
        .collect()
}

/// Rows of `github`.
pub fn of(rows: Vec<(&'static str, Value, &'static str)>) -> Vec<Hostile> {
    let row = |(what, asked, cause)| Hostile::new(what, asked, cause);
    rows.into_iter().map(row).collect()
}

fn algorithms() -> Vec<Hostile> {
    let header = |alg: &str| json!({ "header": { "alg": alg } });
    of(vec![
        ("alg none", json!({ "key": "none" }), ALGORITHM),
        (
            "alg None",
            json!({ "key": "none", "alg": "None" }),
            ALGORITHM,
        ),
        (
            "alg nOnE",
            json!({ "key": "none", "alg": "nOnE" }),
            ALGORITHM,
        ),
        ("alg none, signed", header("none"), ALGORITHM),
        ("no alg", json!({ "header": { "alg": null } }), ALGORITHM),
        (
            "alg as a list",
            json!({ "header": { "alg": ["RS256"] } }),
            ALGORITHM,
        ),
        ("alg rs256", header("rs256"), ALGORITHM),
        ("alg RS384", json!({ "alg": "RS384" }), ALGORITHM),
        ("alg RS512", json!({ "alg": "RS512" }), ALGORITHM),
        ("alg PS256", json!({ "alg": "PS256" }), ALGORITHM),
        (
            "alg ES256K",
            json!({ "key": "ec", "header": { "alg": "ES256K" } }),
            ALGORITHM,
        ),
        ("HS256, PEM", json!({ "key": "hmac-pem" }), ALGORITHM),
        (
            "HS256, PEM without its last line end",
            json!({ "key": "hmac-pem-trimmed" }),
            ALGORITHM,
        ),
        (
            "HS256, PEM of PKCS #1",
            json!({ "key": "hmac-pem-pkcs1" }),
            ALGORITHM,
        ),
        ("HS256, DER", json!({ "key": "hmac-der" }), ALGORITHM),
        (
            "HS256, DER of PKCS #1",
            json!({ "key": "hmac-der-pkcs1" }),
            ALGORITHM,
        ),
        (
            "HS256, the modulus",
            json!({ "key": "hmac-modulus" }),
            ALGORITHM,
        ),
        (
            "HS256, the modulus as text",
            json!({ "key": "hmac-modulus-text" }),
            ALGORITHM,
        ),
        (
            "HMAC as RS256",
            json!({ "key": "hmac-pem", "header": { "alg": "RS256" } }),
            SIGNATURE,
        ),
        (
            "HMAC as ES256",
            json!({ "key": "hmac-pem", "header": { "alg": "ES256" } }),
            SIGNATURE,
        ),
        ("RSA as ES256", header("ES256"), SIGNATURE),
        ("RSA as EdDSA", header("EdDSA"), SIGNATURE),
        (
            "P-256 as RS256",
            json!({ "key": "ec", "header": { "alg": "RS256" } }),
            SIGNATURE,
        ),
        (
            "P-256 as EdDSA",
            json!({ "key": "ec", "header": { "alg": "EdDSA" } }),
            OTHER_ALGORITHM,
        ),
        (
            "P-256, as if the RSA key had signed",
            json!({ "key": "ec", "header": { "kid": "github-rsa-1" } }),
            OTHER_ALGORITHM,
        ),
        (
            "RSA, as if the P-256 key had signed",
            json!({ "header": { "kid": "github-ec-1" } }),
            OTHER_ALGORITHM,
        ),
        (
            "Ed25519, as if the P-256 key had signed",
            json!({ "key": "ed25519", "header": { "kid": "github-ec-1" } }),
            OTHER_ALGORITHM,
        ),
    ])
}

fn keys(jobs: &Jobs) -> Vec<Hostile> {
    let evil = format!("{}/jwks", jobs.issuer.url("evil"));
    let brought = |header: Value| json!({ "of": "evil", "own_key": true, "header": header });
    let mut rows = of(vec![
        ("no kid", json!({ "header": { "kid": null } }), KEY_ID),
        ("an empty kid", json!({ "header": { "kid": "" } }), KEY_ID),
        (
            "a long kid",
            json!({ "header": { "kid": "k".repeat(256) } }),
            KEY_ID,
        ),
        (
            "a kid with a blank",
            json!({ "header": { "kid": "github-rsa-1 " } }),
            KEY_ID,
        ),
        (
            "a kid that is a number",
            json!({ "header": { "kid": 1 } }),
            KEY_ID,
        ),
        (
            "an unknown kid",
            json!({ "header": { "kid": "github-rsa-9" } }),
            UNKNOWN_KEY,
        ),
        (
            "a kid in another case",
            json!({ "header": { "kid": "GitHub-rsa-1" } }),
            UNKNOWN_KEY,
        ),
        (
            "a kid that is a path",
            json!({ "header": { "kid": "../../dev/null" } }),
            UNKNOWN_KEY,
        ),
        (
            "the key of another trusted issuer",
            json!({ "of": "gitlab" }),
            UNKNOWN_KEY,
        ),
        (
            "the key of another trusted issuer, by our name",
            json!({ "of": "gitlab", "header": { "kid": "github-rsa-1" } }),
            DOES_NOT_HOLD,
        ),
        ("a key of its own in jwk", brought(json!({})), UNKNOWN_KEY),
        (
            "a key of its own in jwk, by our name",
            brought(json!({ "kid": "github-rsa-1" })),
            DOES_NOT_HOLD,
        ),
        (
            "a key of its own at jku",
            brought(json!({ "jku": evil })),
            UNKNOWN_KEY,
        ),
        (
            "a key of its own at x5u",
            brought(json!({ "x5u": evil })),
            UNKNOWN_KEY,
        ),
        (
            "a P-256 key of its own, by our name",
            json!({ "of": "evil", "key": "ec", "header": { "kid": "github-ec-1" } }),
            DOES_NOT_HOLD,
        ),
        (
            "an Ed25519 key of its own, by our name",
            json!({ "of": "evil", "key": "ed25519", "header": { "kid": "github-ed25519-1" } }),
            DOES_NOT_HOLD,
        ),
    ]);
    let unknown = "`iss` is no issuer that this gateway trusts";
    rows.push(Hostile::new("an issuer that nobody trusts", json!({}), unknown).of("evil"));
    rows
}

fn headers() -> Vec<Hostile> {
    of(vec![
        (
            "an unknown crit",
            json!({ "header": { "crit": ["exp2"], "exp2": 1 } }),
            CRITICAL,
        ),
        (
            "an empty crit",
            json!({ "header": { "crit": [] } }),
            CRITICAL,
        ),
        (
            "a crit that is null to some",
            json!({ "header": { "crit": "exp" } }),
            CRITICAL,
        ),
        ("b64", json!({ "header": { "b64": false } }), CRITICAL),
        ("typ at+jwt", json!({ "header": { "typ": "at+jwt" } }), TYPE),
        ("typ JWS", json!({ "header": { "typ": "JWS" } }), TYPE),
        ("typ a number", json!({ "header": { "typ": 7 } }), TYPE),
        (
            "two algorithms",
            json!({ "header_text": r#"{"alg":"none","alg":"RS256","kid":"github-rsa-1"}"# }),
            HEADER_TWICE,
        ),
        (
            "two keys, one escaped",
            json!({ "header_text": r#"{"alg":"RS256","kid":"github-rsa-1","\u006bid":"x"}"# }),
            HEADER_TWICE,
        ),
        (
            "a header that is no JSON",
            json!({ "header_text": "alg=RS256" }),
            "the header of the token is not JSON",
        ),
        (
            "a header that is a list",
            json!({ "header_text": "[]" }),
            "the header of the token is no JSON object",
        ),
        (
            "a deep header",
            json!({ "header_text": r#"{"alg":"RS256","kid":"github-rsa-1","x":[[[[1]]]]}"# }),
            "the header of the token is nested too deeply",
        ),
        (
            "a long header",
            json!({ "header": { "x": "x".repeat(4_200) } }),
            "the header of the token is too long",
        ),
    ])
}

/// The token with its nth part replaced.
pub fn with(token: &str, index: usize, part: impl FnOnce(&str) -> String) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[index] = part(&parts[index]);
    parts.join(".")
}

/// The JSON of a part with one text in place of another.
fn rewritten(token: &str, index: usize, from: &str, to: &str) -> String {
    with(token, index, |part| {
        let bytes = B64.decode(part).expect("base64url");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.contains(from), "{text}");
        B64.encode(text.replacen(from, to, 1))
    })
}

/// The signature with one bit changed.
fn flipped(token: &str) -> String {
    with(token, 2, |part| {
        let mut bytes = B64.decode(part).expect("base64url");
        bytes[20] ^= 1;
        B64.encode(bytes)
    })
}

fn signatures() -> Vec<Hostile> {
    let ec = || json!({ "key": "ec" });
    let ed25519 = || json!({ "key": "ed25519" });
    vec![
        Hostile::new("a bit of RSA changed", json!({}), DOES_NOT_HOLD).damaged(flipped),
        Hostile::new("a bit of ECDSA changed", ec(), DOES_NOT_HOLD).damaged(flipped),
        Hostile::new("a bit of Ed25519 changed", ed25519(), DOES_NOT_HOLD).damaged(flipped),
        Hostile::new("a claim changed", json!({}), DOES_NOT_HOLD)
            .damaged(|token| rewritten(token, 1, r#""run_attempt":"1""#, r#""run_attempt":"2""#)),
        Hostile::new("the header changed", json!({}), DOES_NOT_HOLD)
            .damaged(|token| rewritten(token, 0, r#""typ":"JWT""#, r#""typ":"jwt""#)),
        Hostile::new("no signature", json!({}), SIGNATURE)
            .damaged(|token| with(token, 2, |_| String::new())),
        Hostile::new("half a signature", json!({}), SIGNATURE)
            .damaged(|token| with(token, 2, |part| part[..172].to_owned())),
        Hostile::new("ECDSA of zeros", ec(), SIGNATURE)
            .damaged(|token| with(token, 2, |_| "A".repeat(86))),
        Hostile::new("ECDSA of ones", ec(), SIGNATURE)
            .damaged(|token| with(token, 2, |_| B64.encode([0xff; 64]))),
        Hostile::new(
            "ECDSA as certificates have it",
            json!({ "key": "ec", "alg": "DER", "header": { "alg": "ES256" } }),
            SIGNATURE,
        ),
        Hostile::new("Ed25519 of zeros", ed25519(), DOES_NOT_HOLD)
            .damaged(|token| with(token, 2, |_| "A".repeat(86))),
        Hostile::new("RSA of zeros", json!({}), DOES_NOT_HOLD)
            .damaged(|token| with(token, 2, |_| B64.encode([0; 256]))),
    ]
}
