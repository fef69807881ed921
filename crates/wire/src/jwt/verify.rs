//! The strict verifier: signature, algorithm, key id, critical headers, audience, times.
//!
//! `jwt-compact` splits, decodes and computes; it takes any `typ`, ignores `crit`,
//! leaves `exp` to the caller and lets a claim appear twice. This file adds those refusals.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_compact::alg::{Hs256, Hs256Key, Hs256Signature};
use jwt_compact::{Algorithm, AlgorithmSignature, UntrustedToken};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

use super::ISSUER;
use super::claims::{Audience, Payload, audience};
use postern_domain::audit::hex;
use postern_domain::claims::Claims;
use postern_domain::id::TokenId;
use postern_domain::keys::{Key, KeyRing};
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::Signed;

/// A token whose signature and times are good and which was made for API calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The id of the token.
    pub id: TokenId,
    /// Its claims.
    pub claims: Claims,
    /// What was signed under the key that the header names, as in tokens that are minted here. The
    /// origin's name none: such a token opens nothing unless it was adopted (R39).
    pub signed: Option<Signed>,
}

/// The keys that JWTs are verified under. No key is of both kinds: the origin's
/// secret must not sign tokens of the gateway.
#[derive(Debug, Clone, Copy)]
pub struct JwtKeys<'a> {
    /// Ours alone: for tokens that name their key, which are minted here.
    pub minted: &'a KeyRing,
    /// The origin's too: for tokens that name none, which were adopted.
    pub adopted: Option<&'a KeyRing>,
}

/// Why a token was refused. INVARIANT (stale is answered as such): [`JwtError::Stale`] is final;
/// no other way in is tried for it (R6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtError {
    /// Not three strict base64url parts, or a header that is not the object it must be.
    Malformed(&'static str),
    /// Another algorithm than HS256, `none` included.
    Algorithm,
    /// A critical header extension: none is supported (RFC 7515, section 4.1.11).
    Critical,
    /// It says that we issued it, but no key of ours signed it (R6).
    Stale,
    /// Somebody else's, or a forgery that does not even claim to be ours.
    Foreign,
    /// Correctly signed, but no claims object that the gateway can read.
    Claims(&'static str),
    /// Correctly signed, for another purpose than API calls (R5).
    Audience,
    /// It has expired.
    Expired,
    /// Its time has not come yet.
    NotYetValid,
}

#[derive(Debug, Clone, Deserialize)]
struct Extensions {
    #[serde(default)]
    crit: Extension,
    #[serde(default)]
    b64: Extension,
}

/// A header member whose value matters to nobody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Extension {
    #[default]
    Absent,
    /// No value that the member may have (RFC 7515, section 4.1.11; RFC 7797, section 3).
    Null,
    There,
}

impl<'de> Deserialize<'de> for Extension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<IgnoredAny>::deserialize(deserializer)? {
            None => Self::Null,
            Some(IgnoredAny) => Self::There,
        })
    }
}

#[derive(Deserialize)]
struct IssuerOnly {
    #[serde(default)]
    iss: Option<String>,
}

pub(super) const WRONG_CLAIMS: &str =
    "not an object of unique, well-typed claims, with times below 2^53 seconds";

/// A JWT that a key has signed, whose times are good and whose issuer is the control plane's name.
pub(super) struct Opened {
    /// Its claims.
    pub claims: Claims,
    /// The payload as it came.
    pub payload: Vec<u8>,
    /// Whether its header names a key; the origin's tokens name none.
    pub names_key: bool,
    /// What was signed under the key that it names.
    pub signed: Option<Signed>,
}

/// Verifies a JWT at `now`. `leeway_seconds` (0 unless configured, at most 60) widens `exp` and
/// `nbf` for clocks that disagree.
///
/// # Errors
/// The first check that fails, in the order of [`JwtError`].
pub fn verify(
    token: &Secret,
    keys: JwtKeys<'_>,
    now: Timestamp,
    leeway_seconds: i64,
) -> Result<Verified, JwtError> {
    let opened = opened(token, keys, now, leeway_seconds)?;
    of_api(opened)
}

/// As [`verify`], at any time: whether a key has signed it, and what for.
///
/// # Errors
/// As [`verify`], but `Expired` and `NotYetValid`.
pub fn verify_untimed(token: &Secret, keys: JwtKeys<'_>) -> Result<Verified, JwtError> {
    of_api(of_issuer(unsealed(token, keys)?)?)
}

/// What was made for API calls, and for nothing else.
fn of_api(opened: Opened) -> Result<Verified, JwtError> {
    let Opened {
        mut claims,
        payload,
        names_key,
        signed,
    } = opened;
    match audience(&claims.aud) {
        Some(Audience::ApiToken) => {}
        Some(Audience::User | Audience::Generic) | None => return Err(JwtError::Audience),
    }
    let id = claims
        .jti
        .as_deref()
        .and_then(|jti| TokenId::parse(jti).ok())
        .ok_or(JwtError::Claims("`jti` is not a UUID"))?;
    if claims.workflow_id.is_some() != claims.workflow_name.is_some()
        || claims.project_id.is_some() != claims.project_name.is_some()
    {
        return Err(JwtError::Claims("an id without its name, or the reverse"));
    }
    if !names_key {
        claims.digest = hex(&Sha256::digest(&payload));
    }
    Ok(Verified { id, claims, signed })
}

/// Opens a JWT of whatever audience.
///
/// # Errors
/// As [`verify`], which looks at the audience besides.
pub(super) fn opened(
    token: &Secret,
    keys: JwtKeys<'_>,
    now: Timestamp,
    leeway_seconds: i64,
) -> Result<Opened, JwtError> {
    let opened = unsealed(token, keys)?;
    times(&opened.claims, now, leeway_seconds)?;
    of_issuer(opened)
}

fn of_issuer(opened: Opened) -> Result<Opened, JwtError> {
    match opened.claims.iss.as_deref() == Some(ISSUER) {
        true => Ok(opened),
        false => Err(JwtError::Claims("the issuer is another one")),
    }
}

/// Opens a JWT of whatever audience, at any time, of whatever issuer.
fn unsealed(token: &Secret, keys: JwtKeys<'_>) -> Result<Opened, JwtError> {
    let text = token.expose();
    let untrusted: UntrustedToken<'_, Extensions> = text
        .try_into()
        .map_err(|_| JwtError::Malformed("not three base64url parts with a JSON header"))?;
    if untrusted.algorithm() != Hs256.name() {
        return Err(JwtError::Algorithm);
    }
    let header = untrusted.header();
    let extensions = [header.other_fields.crit, header.other_fields.b64];
    if extensions.contains(&Extension::Null) {
        return Err(JwtError::Malformed("`crit` or `b64` is null"));
    }
    if extensions.contains(&Extension::There) {
        return Err(JwtError::Critical);
    }
    if let Some(typ) = &header.token_type
        && !typ.eq_ignore_ascii_case("JWT")
    {
        return Err(JwtError::Malformed("`typ` is not JWT"));
    }
    let (signed, _) = text
        .rsplit_once('.')
        .ok_or(JwtError::Malformed("no signature"))?;
    let payload = signed
        .split_once('.')
        .and_then(|(_, payload)| URL_SAFE_NO_PAD.decode(payload).ok())
        .ok_or(JwtError::Malformed("no payload"))?;
    // Claims that are passed over are text, too (RFC 7519, section 3).
    if core::str::from_utf8(&payload).is_err() {
        return Err(JwtError::Malformed("not UTF-8"));
    }

    // The key is ours to choose: `kid` picks from the ring, `alg` picks nothing.
    let fits = |key: &Key| signature_fits(key, untrusted.signature_bytes(), signed);
    let signed_by_us = match header.key_id.as_deref() {
        Some(kid) => keys.minted.find(kid).is_some_and(fits),
        // The origin's own tokens name no key (R39): each is tried, always all of them.
        None => keys
            .adopted
            .into_iter()
            .flat_map(KeyRing::iter)
            .fold(false, |found, key| fits(key) | found),
    };
    if !signed_by_us {
        let claimed = serde_json::from_slice::<IssuerOnly>(&payload);
        return Err(match claimed {
            Ok(IssuerOnly { iss: Some(iss) }) if iss == ISSUER => JwtError::Stale,
            _ => JwtError::Foreign,
        });
    }

    let Payload(claims) =
        serde_json::from_slice(&payload).map_err(|_| JwtError::Claims(WRONG_CLAIMS))?;
    Ok(Opened {
        claims,
        names_key: header.key_id.is_some(),
        signed: header
            .key_id
            .as_deref()
            .and_then(|kid| super::signed(text, kid)),
        payload,
    })
}

/// What a text is by its form alone, which needs no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtForm {
    /// A JWT as the gateway and its origin make them: HS256, with a signature of its length.
    Ours,
    /// A JWT under another algorithm, or with a signature of another length.
    Other,
}

/// The form of a text; `None` where it is no JWT: three strict base64url parts and a JSON header
/// with an algorithm.
pub fn form(text: &str) -> Option<JwtForm> {
    let untrusted: UntrustedToken<'_, Extensions> = text.try_into().ok()?;
    let length = Hs256Signature::LENGTH.map(|length| length.get());
    let is_ours =
        untrusted.algorithm() == Hs256.name() && length == Some(untrusted.signature_bytes().len());
    Some(if is_ours {
        JwtForm::Ours
    } else {
        JwtForm::Other
    })
}

fn signature_fits(key: &Key, signature: &[u8], signed: &str) -> bool {
    if Hs256Signature::LENGTH.is_none_or(|len| len.get() != signature.len()) {
        return false;
    }
    Hs256Signature::try_from_slice(signature).is_ok_and(|signature| {
        let key = Hs256Key::new(key.expose());
        Hs256.verify_signature(&signature, &key, signed.as_bytes())
    })
}

/// Looks at the times of a token: it has expired *on or after* `exp`, and is not valid *before* `nbf`
/// (RFC 7519, sections 4.1.4 and 4.1.5).
///
/// # Errors
/// `Expired` or `NotYetValid`.
pub fn times(claims: &Claims, now: Timestamp, leeway_seconds: i64) -> Result<(), JwtError> {
    let now = now.as_seconds();
    if let Some(exp) = claims.exp
        && now >= exp.saturating_add(leeway_seconds)
    {
        return Err(JwtError::Expired);
    }
    if let Some(nbf) = claims.nbf
        && now < nbf.saturating_sub(leeway_seconds)
    {
        return Err(JwtError::NotYetValid);
    }
    Ok(())
}
