//! The messages by which the origin's own tokens are made and ended (`APITokenService`): what a request
//! says, what an answer holds, and the requests that the gateway makes itself.

use crate::message;
use crate::protobuf::{self, ProtobufError, Value, Wanted, fields, find};
use postern_domain::secret::Secret;

/// What a request for a new token names, as it stands there; empty where it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTokenRequest<'m> {
    /// The project by its id.
    pub project_id: &'m str,
    /// The project by its name.
    pub project_name: &'m str,
    /// For how many seconds the token is to live; `None` = without an end.
    pub lives_seconds: Option<i64>,
}

impl<'m> NewTokenRequest<'m> {
    /// Reads `APITokenServiceCreateRequest`: the duration at 2, the project at 4.
    ///
    /// # Errors
    /// What cannot be read of it.
    pub fn read(message: &'m [u8]) -> Result<Self, ProtobufError> {
        let [project_id, project_name] = protobuf::strings(message, [&[4, 1], &[4, 2]])?;
        let mut wanted = [Wanted::new(&[2])];
        find(message, &mut wanted)?;
        let [duration] = wanted;
        Ok(Self {
            project_id,
            project_name,
            lives_seconds: seconds(duration.all())?,
        })
    }
}

/// The seconds of a `google.protobuf.Duration`, of which several occurrences are one.
fn seconds(durations: &[&[u8]]) -> Result<Option<i64>, ProtobufError> {
    if durations.is_empty() {
        return Ok(None);
    }
    let mut seconds = 0;
    for field in durations.iter().flat_map(|duration| fields(duration)) {
        match field? {
            (1, Value::Varint(value)) => seconds = value.cast_signed(),
            (1, _) => return Err(ProtobufError::OtherType),
            _ => {}
        }
    }
    Ok(Some(seconds))
}

/// The id of the token that a request wants ended (`APITokenServiceRevokeRequest`).
///
/// # Errors
/// What cannot be read of it.
pub fn to_revoke(message: &[u8]) -> Result<&str, ProtobufError> {
    let [id] = protobuf::strings(message, [&[1]])?;
    Ok(id)
}

/// The answer to a request for a new token.
#[derive(Debug)]
pub struct NewTokenAnswer {
    /// The id that the answer gives the token; empty where it does not.
    pub id: String,
    /// The name of its organization; empty where it is not told.
    pub organization: String,
    /// The token; `None` unless there is exactly one.
    pub jwt: Option<Secret>,
}

impl NewTokenAnswer {
    /// Reads `APITokenServiceCreateResponse`: the item at 1.1, the token at 1.2.
    ///
    /// # Errors
    /// What cannot be read of it.
    pub fn read(message: &[u8]) -> Result<Self, ProtobufError> {
        let [id, organization] = protobuf::strings(message, [&[1, 1, 1], &[1, 1, 8]])?;
        let mut wanted = [Wanted::new(&[1, 2])];
        find(message, &mut wanted)?;
        let [jwt] = wanted;
        let jwt = jwt.only().filter(|bytes| !bytes.is_empty());
        let jwt = jwt.map(core::str::from_utf8).transpose();
        let jwt = jwt.map_err(|_| ProtobufError::Utf8)?;
        Ok(Self {
            id: id.to_owned(),
            organization: organization.to_owned(),
            jwt: jwt.map(|text| Secret::new(text.to_owned())),
        })
    }
}

/// A request for a new token of the gateway's own.
pub fn create(name: &str, project: Option<&str>, lives_seconds: Option<u64>) -> Vec<u8> {
    let mut request = Vec::new();
    if let Some(seconds) = lives_seconds {
        request.extend(message::embedded(2, &message::number(1, seconds)));
    }
    request.extend(message::text(3, name));
    if let Some(project) = project {
        request.extend(message::embedded(4, &message::text(2, project)));
    }
    request
}

/// A request to end the token of this id.
pub fn revoke(id: &str) -> Vec<u8> {
    message::text(1, id)
}

/// Words of the origin as they may be repeated: of at most [`MAX_WORDS`] characters, on one line, and
/// without any of these texts.
pub fn words(text: &str, secrets: &[&str]) -> String {
    let mut plain = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        plain = plain.replace(secret, REDACTED);
    }
    let visible = plain.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut words: String = visible.take(MAX_WORDS).collect();
    if plain.chars().nth(MAX_WORDS).is_some() {
        words.push('…');
    }
    words
}

/// Most characters of the origin's words that are repeated.
pub const MAX_WORDS: usize = 200;
/// What stands in place of the text of a credential.
const REDACTED: &str = "[credential]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r43_a_request_says_project_and_life() {
        let row = |project_id, project_name, lives_seconds| NewTokenRequest {
            project_id,
            project_name,
            lives_seconds,
        };
        let id = "00000000-0000-0000-0000-000000000001";
        let by_id = message::embedded(4, &message::text(1, id));
        let rows = [
            (create("ci", None, None), row("", "", None)),
            (
                create("ci", Some("shop"), Some(90)),
                row("", "shop", Some(90)),
            ),
            (by_id, row(id, "", None)),
            (message::embedded(2, &[]), row("", "", Some(0))),
            // Negative, as it stands on the wire.
            (
                message::embedded(2, &message::number(1, u64::MAX)),
                row("", "", Some(-1)),
            ),
        ];
        for (request, expected) in rows {
            assert_eq!(
                NewTokenRequest::read(&request),
                Ok(expected),
                "{request:x?}"
            );
        }
        let odd = message::embedded(2, &message::text(1, "x"));
        assert_eq!(NewTokenRequest::read(&odd), Err(ProtobufError::OtherType));
        assert!(NewTokenRequest::read(b"\x12\x05").is_err());
        assert_eq!(to_revoke(&revoke(id)), Ok(id));
    }

    #[test]
    fn r43_an_answer_has_one_token_or_none() {
        let item = [message::text(1, "an id"), message::text(8, "acme")].concat();
        let item = message::embedded(1, &item);
        let of = |parts: &[Vec<u8>]| message::embedded(1, &parts.concat());
        let jwt = |text: &str| message::text(2, text);
        let rows = [
            (of(&[item.clone(), jwt("a.b.c")]), Some("a.b.c")),
            (of(std::slice::from_ref(&item)), None),
            (of(&[item.clone(), jwt("")]), None),
            (of(&[item.clone(), jwt("a.b.c"), jwt("a.b.c")]), None),
            // Two results are merged by every other reader.
            (
                [of(&[item, jwt("a.b.c")]), of(&[jwt("d.e.f")])].concat(),
                None,
            ),
        ];
        for (answer, expected) in rows {
            let read = NewTokenAnswer::read(&answer).expect("readable");
            assert_eq!(
                read.jwt.as_ref().map(Secret::expose),
                expected,
                "{answer:x?}"
            );
            assert_eq!(
                (read.id.as_str(), read.organization.as_str()),
                ("an id", "acme")
            );
        }
        for broken in [&b"\x0a\x05"[..], &of(&[message::embedded(2, b"\xff")])] {
            assert!(NewTokenAnswer::read(broken).is_err());
        }
    }

    #[test]
    fn the_origins_words_are_short_and_without_credentials() {
        assert_eq!(
            words("no s3cret\r\nhere", &["s3cret", ""]),
            "no [credential]  here"
        );
        let long = words(&"ü".repeat(MAX_WORDS + 1), &[]);
        assert_eq!(long.chars().count(), MAX_WORDS + 1);
        assert!(long.ends_with('…'));
        assert_eq!(words(&"ü".repeat(MAX_WORDS), &[]), "ü".repeat(MAX_WORDS));
    }
}
