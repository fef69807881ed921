//! The claims of an API token (R3) and the choice among its audiences (R5). An object that names a
//! claim twice is refused: two readers could each believe another one.

use core::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{API_TOKEN_AUDIENCE, GENERIC_AUDIENCE, USER_AUDIENCE};
use crate::json;
use postern_domain::claims::Claims;

/// Most claims that are read; a token of the registry has at most eleven.
const MAX_CLAIMS: usize = 64;

/// What a token was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// API tokens.
    ApiToken,
    /// People.
    User,
    /// The control plane's general audience.
    Generic,
}

/// The most specific known audience of the set, whatever its order; `None` when none is known.
pub fn audience(set: &[String]) -> Option<Audience> {
    [
        (API_TOKEN_AUDIENCE, Audience::ApiToken),
        (USER_AUDIENCE, Audience::User),
        (GENERIC_AUDIENCE, Audience::Generic),
    ]
    .into_iter()
    .find(|(name, _)| set.iter().any(|entry| entry == name))
    .map(|(_, audience)| audience)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The second that a token ends in.
#[derive(Deserialize)]
struct Ends(#[serde(deserialize_with = "json::seconds_down")] Option<i64>);

/// The second after which a token is valid.
#[derive(Deserialize)]
struct Begins(#[serde(deserialize_with = "json::seconds_up")] Option<i64>);

/// Claims out of a payload.
pub struct Payload(pub Claims);

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor).map(Self)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut claims = Claims::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(de::Error::custom("a claim appears twice"));
            }
            if seen.len() == MAX_CLAIMS {
                return Err(de::Error::custom("too many claims"));
            }
            match name.as_str() {
                "jti" => claims.jti = map.next_value()?,
                "iss" => claims.iss = map.next_value()?,
                "aud" => {
                    claims.aud = match map.next_value()? {
                        Some(OneOrMany::One(one)) => vec![one],
                        Some(OneOrMany::Many(many)) => many,
                        None => Vec::new(),
                    }
                }
                // A moment within a second counts against the token.
                "exp" => claims.exp = map.next_value::<Ends>()?.0,
                "nbf" => claims.nbf = map.next_value::<Begins>()?.0,
                "token_name" => claims.token_name = map.next_value()?,
                "org_id" => claims.org_id = map.next_value()?,
                "org_name" => claims.org_name = map.next_value()?,
                "project_id" => claims.project_id = map.next_value()?,
                "project_name" => claims.project_name = map.next_value()?,
                "workflow_id" => claims.workflow_id = map.next_value()?,
                "workflow_name" => claims.workflow_name = map.next_value()?,
                "scope" => claims.scope = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            seen.push(name);
        }
        Ok(claims)
    }
}
