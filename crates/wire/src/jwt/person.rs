//! User tokens of the control plane (R44): who the person is, by a JWT that the origin's key has signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::claims::{Audience, Payload, audience};
use super::verify::{JwtError, JwtKeys, Opened, opened};
use super::{GENERIC_AUDIENCE, USER_AUDIENCE};
use postern_domain::claims::Claims;
use postern_domain::id::PersonId;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;

#[derive(Deserialize)]
struct UserOnly {
    #[serde(default)]
    user_id: Option<String>,
}

/// Verifies a user token at `now`, and tells whose it is. What would make it a token of another kind
/// too is refused: another audience, and a claim that only such a token has.
///
/// # Errors
/// As [`verify`](fn@super::verify); `Audience` for what is no user token.
pub fn person(
    token: &Secret,
    keys: JwtKeys<'_>,
    now: Timestamp,
    leeway_seconds: i64,
) -> Result<PersonId, JwtError> {
    let Opened {
        claims,
        payload,
        names_key,
        signed: _,
    } = opened(token, keys, now, leeway_seconds)?;
    // Under a key of the gateway's own no person signs in.
    if names_key || !are_a_persons(&claims.aud) {
        return Err(JwtError::Audience);
    }
    if is_of_another_kind(&claims) {
        return Err(JwtError::Claims("a user token with claims of another kind"));
    }
    if claims.exp.is_none() {
        return Err(JwtError::Claims("a user token without `exp`"));
    }
    let user = serde_json::from_slice::<UserOnly>(&payload).ok();
    user.and_then(|user| PersonId::parse(&user.user_id?).ok())
        .ok_or(JwtError::Claims("`user_id` is not a UUID"))
}

/// Whether a JWT says of itself that it is a user token. Nothing is verified: it tells no more than
/// its holder can read in it.
pub fn is_for_people(token: &Secret) -> bool {
    let payload = token.expose().split('.').nth(1);
    let payload = payload.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    payload
        .and_then(|payload| serde_json::from_slice::<Payload>(&payload).ok())
        .is_some_and(|Payload(claims)| audience(&claims.aud) == Some(Audience::User))
}

/// The audience of people, and beside it none but the control plane's general one.
fn are_a_persons(set: &[String]) -> bool {
    let known = |entry: &String| entry == USER_AUDIENCE || entry == GENERIC_AUDIENCE;
    set.iter().all(known) && audience(set) == Some(Audience::User)
}

/// Whether there is a claim that API tokens and robot accounts have, and people have not.
fn is_of_another_kind(claims: &Claims) -> bool {
    [
        &claims.jti,
        &claims.token_name,
        &claims.org_id,
        &claims.org_name,
        &claims.project_id,
        &claims.project_name,
        &claims.workflow_id,
        &claims.workflow_name,
        &claims.scope,
    ]
    .into_iter()
    .any(Option::is_some)
}
