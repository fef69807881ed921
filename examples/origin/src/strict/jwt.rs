//! HS256 JWTs as the control plane signs and reads them: which of them its JWT library takes, and
//! what it says of the others. Knows no token and no audience; the time comes in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Why a text is no JWT to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadJwt {
    /// Not three parts, no JSON, no algorithm, or one that nobody may use.
    Malformed,
    /// Signed by another key or in another way; in the library's words.
    Signature(&'static str),
    /// Well signed, with another HMAC than HS256.
    Method,
    /// Well signed, and it has expired or does not hold yet.
    Time,
    /// Well signed, and a time in it is no number.
    Claims,
}

/// The claims of a good JWT.
pub(crate) type Claims = Map<String, Value>;

/// Signs claims.
pub(crate) fn sign(key: &[u8], claims: &Value) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(HEADER),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mac = hs256(key).chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// The claims of a JWT that holds at `now`, in seconds since 1970. The signature comes before the
/// claims, so an expired JWT of another key has a bad signature.
///
/// # Errors
///
/// As [`BadJwt`] says.
pub(crate) fn read(key: &[u8], token: &str, now: u64) -> Result<Claims, BadJwt> {
    let (signed, signature) = token.rsplit_once('.').ok_or(BadJwt::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(BadJwt::Malformed)?;
    let header = object(header)?;
    let claims = object(claims)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| BadJwt::Malformed)?;
    let alg = header.get("alg").and_then(Value::as_str);
    let method = check(
        alg.ok_or(BadJwt::Malformed)?,
        key,
        signed.as_bytes(),
        &signature,
    )?;
    if !holds(&claims, now)? {
        return Err(BadJwt::Time);
    }
    if method {
        Ok(claims)
    } else {
        Err(BadJwt::Method)
    }
}

/// Whether the method is HS256, once the signature is good.
fn check(alg: &str, key: &[u8], signed: &[u8], signature: &[u8]) -> Result<bool, BadJwt> {
    let good = match alg {
        "HS256" => hs256(key).chain_update(signed).verify_slice(signature),
        "HS384" => any_length(Hmac::<Sha384>::new_from_slice(key))
            .chain_update(signed)
            .verify_slice(signature),
        "HS512" => any_length(Hmac::<Sha512>::new_from_slice(key))
            .chain_update(signed)
            .verify_slice(signature),
        // golang-jwt v5: the key is text, and these want a public key.
        "RS256" | "RS384" | "RS512" => return Err(BadJwt::Signature(RSA)),
        "PS256" | "PS384" | "PS512" => return Err(BadJwt::Signature(RSA_PSS)),
        "ES256" | "ES384" | "ES512" => return Err(BadJwt::Signature(ECDSA)),
        "EdDSA" => return Err(BadJwt::Signature(ED25519)),
        _ => return Err(BadJwt::Malformed),
    };
    match good {
        Ok(()) => Ok(alg == "HS256"),
        Err(_) => Err(BadJwt::Signature("signature is invalid")),
    }
}

const RSA: &str = "key is of invalid type: RSA verify expects *rsa.PublicKey";
const RSA_PSS: &str = "key is of invalid type: RSA-PSS verify expects *rsa.PublicKey";
const ECDSA: &str = "key is of invalid type: ECDSA verify expects *ecdsa.PublicKey";
const ED25519: &str = "key is of invalid type: Ed25519 verify expects ed25519.PublicKey";

/// Without leeway: `exp` ends the JWT, `nbf` begins it; null is as absent.
fn holds(claims: &Claims, now: u64) -> Result<bool, BadJwt> {
    let time = |name: &str| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(BadJwt::Claims),
    };
    #[expect(clippy::cast_precision_loss, reason = "exact for some million years")]
    let now = now as f64;
    let expired = time("exp")?.is_some_and(|exp| now >= exp);
    let early = time("nbf")?.is_some_and(|nbf| now < nbf);
    Ok(!expired && !early)
}

/// Whether one of its audiences is this one; a plain text counts as a list of one.
pub(crate) fn is_for(claims: &Claims, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(only)) => only == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one == audience),
        _ => false,
    }
}

/// A claim that is text; empty when it is not.
pub(crate) fn text<'a>(claims: &'a Claims, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn object(part: &str) -> Result<Claims, BadJwt> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| BadJwt::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| BadJwt::Malformed)
}

fn hs256(key: &[u8]) -> Hmac<Sha256> {
    any_length(Hmac::new_from_slice(key))
}

/// HMAC takes keys of any length, which the type of its constructor does not say.
fn any_length<M, E>(made: Result<M, E>) -> M {
    match made {
        Ok(mac) => mac,
        Err(_) => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &[u8] = b"test";

    fn by_hand(header: &str, claims: &str, signature: &[u8]) -> String {
        let [header, claims, signature] =
            [header.as_bytes(), claims.as_bytes(), signature].map(|p| URL_SAFE_NO_PAD.encode(p));
        format!("{header}.{claims}.{signature}")
    }

    fn hs512(claims: &str) -> String {
        let unsigned = by_hand(r#"{"alg":"HS512"}"#, claims, b"");
        let signed = unsigned.trim_end_matches('.');
        let mac = Hmac::<Sha512>::new_from_slice(KEY).unwrap();
        let mac = mac.chain_update(signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    #[test]
    fn a_jwt_is_read_back() {
        let claims = json!({"jti": "1", "aud": ["a", "b"], "exp": 11, "nbf": null});
        let read = read(KEY, &sign(KEY, &claims), 10).unwrap();
        assert_eq!(Value::Object(read.clone()), claims);
        assert!(is_for(&read, "b") && !is_for(&read, "c"));
    }

    #[test]
    fn why_a_jwt_is_refused() {
        let signed = |claims: Value| sign(KEY, &claims);
        let unsigned = |alg: &str| by_hand(&format!(r#"{{"alg":"{alg}"}}"#), "{}", b"x");
        let rows = [
            ("", BadJwt::Malformed),
            ("pst_opaque", BadJwt::Malformed),
            ("a.b", BadJwt::Malformed),
            ("a.b.c.d", BadJwt::Malformed),
            (&unsigned("none"), BadJwt::Malformed),
            (&unsigned("HS1"), BadJwt::Malformed),
            (
                &unsigned("HS256"),
                BadJwt::Signature("signature is invalid"),
            ),
            (&unsigned("RS256"), BadJwt::Signature(RSA)),
            (&unsigned("PS256"), BadJwt::Signature(RSA_PSS)),
            (&unsigned("ES256"), BadJwt::Signature(ECDSA)),
            (&unsigned("EdDSA"), BadJwt::Signature(ED25519)),
            (
                &sign(b"other", &json!({"exp": 1})),
                BadJwt::Signature("signature is invalid"),
            ),
            (&signed(json!({"exp": 10})), BadJwt::Time),
            (&signed(json!({"nbf": 11})), BadJwt::Time),
            (&signed(json!({"exp": "soon"})), BadJwt::Claims),
            (&hs512("{}"), BadJwt::Method),
        ];
        for (token, why) in rows {
            assert_eq!(read(KEY, token, 10), Err(why), "{token}");
        }
    }
}
