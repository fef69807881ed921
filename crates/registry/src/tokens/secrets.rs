//! The secrets in a text that a person types or pastes (R48): known by their form, and never repeated.

use core::fmt;

use postern_domain::beginning::ids_of_base62;
use postern_domain::id::TokenId;
use postern_domain::secret::Secret;
use postern_domain::token::{OPAQUE_ID_DIGITS, OPAQUE_PREFIX};
use postern_wire::jwt::{self, JwtForm};
use postern_wire::opaque::KEY_LENGTH;
use zeroize::Zeroizing;

/// Longest header of a JWT that is looked into, in base64url.
const MAX_HEADER: usize = 512;
/// Length of an HS256 signature in base64url.
const SIGNATURE: usize = 43;
/// What a JWT begins with: the base64url of `{"`.
const JWT_BEGINNING: &str = "eyJ";

/// A text that has the form of a secret.
pub enum SecretText {
    /// An opaque key, as far as its form goes.
    Opaque(Secret),
    /// A JWT.
    Jwt(Secret),
    /// An opaque key that was cut, with the id in it.
    Cut(Option<TokenId>),
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opaque(_) => "Opaque",
            Self::Jwt(_) => "Jwt",
            Self::Cut(_) => "Cut",
        })
    }
}

impl SecretText {
    /// The id that can be read in a key, whoever made it. What a JWT says nobody has to believe.
    pub fn readable_id(&self) -> Option<TokenId> {
        match self {
            Self::Opaque(key) => {
                let digits = key.expose().get(OPAQUE_PREFIX.len()..)?;
                whole_id(digits.get(..OPAQUE_ID_DIGITS)?)
            }
            Self::Jwt(_) => None,
            Self::Cut(id) => *id,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Opaque(text) | Self::Jwt(text) => Some(text.expose()),
            Self::Cut(_) => None,
        }
    }
}

fn whole_id(digits: &str) -> Option<TokenId> {
    ids_of_base62(digits).and_then(|(first, last)| (first == last).then_some(first))
}

/// Whether a text has a secret in it.
pub fn has_secret(text: &str) -> bool {
    !secrets_in(text).is_empty()
}

/// The secrets in a text, each once and in their order, whatever stands around them: `Bearer`, quotes, the
/// name of a variable, `\n` as JSON writes it. A line may end within one.
pub fn secrets_in(text: &str) -> Vec<SecretText> {
    let joined = Zeroizing::new(joined(text));
    let mut placed = opaque_in(&joined);
    placed.extend(jwts_in(&joined));
    placed.sort_by_key(|(place, _)| *place);
    let mut found: Vec<SecretText> = Vec::new();
    for (_, secret) in placed {
        let id = secret.readable_id();
        let is_cut = secret.text().is_none();
        let known = found
            .iter()
            .position(|other| match (secret.text(), other.text()) {
                (Some(text), Some(other)) => text == other,
                // What was cut, and the whole of it.
                _ => id.is_some() && id == other.readable_id(),
            });
        match known.and_then(|place| found.get_mut(place)) {
            None => found.push(secret),
            Some(other) if other.text().is_none() && !is_cut => *other = secret,
            Some(_) => {}
        }
    }
    found
}

/// The text without the ends of its lines, as they are or as JSON writes them, and what a terminal, a shell
/// or a mail puts beside them.
fn joined(text: &str) -> String {
    let text = Zeroizing::new(text.replace("\\r", "\n"));
    let text = Zeroizing::new(text.replace("\\n", "\n"));
    let mut joined = String::with_capacity(text.len());
    for line in text.split(['\r', '\n']) {
        joined.push_str(line.trim().trim_end_matches(['\\', '=']));
    }
    joined
}

fn opaque_in(text: &str) -> Vec<(usize, SecretText)> {
    let mut found = Vec::new();
    for (place, _) in text.match_indices(OPAQUE_PREFIX) {
        let run = text.get(place..).unwrap_or_default();
        let end = run.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let run = run.get(..end.unwrap_or(run.len())).unwrap_or_default();
        let Some((id, tail)) = run
            .get(OPAQUE_PREFIX.len()..)
            .and_then(|rest| rest.split_once('_'))
        else {
            continue;
        };
        let digits = tail.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if id.len() != OPAQUE_ID_DIGITS || digits == 0 {
            continue;
        }
        let secret = match run.get(..KEY_LENGTH) {
            Some(key) if OPAQUE_PREFIX.len() + id.len() + 1 + digits >= KEY_LENGTH => {
                SecretText::Opaque(Secret::new(key.to_owned()))
            }
            _ => SecretText::Cut(whole_id(id)),
        };
        found.push((place, secret));
    }
    found
}

/// The JWTs: those of our form wherever they begin and end, and without any what looks most like one.
fn jwts_in(text: &str) -> Vec<(usize, SecretText)> {
    let (mut found, mut other) = (Vec::new(), None);
    let mut end = 0;
    for (place, _) in text.match_indices(JWT_BEGINNING) {
        let rest = text.get(place..).unwrap_or_default();
        let outside = |c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c);
        let run = rest.split(outside).next().unwrap_or_default();
        let mut parts = run.split('.');
        let (Some(head), Some(body), Some(signature)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let is_within = place < end;
        if is_within || head.len() > MAX_HEADER || body.is_empty() || signature.is_empty() {
            continue;
        }
        let length = |signature: usize| head.len() + body.len() + 2 + signature;
        let part = |length: usize| run.get(..length).unwrap_or_default();
        let all = part(length(signature.len()));
        // What is longer has something else behind it.
        let ours = part(length(signature.len().min(SIGNATURE)));
        let (jwt, form) = match jwt::form(ours) {
            Some(JwtForm::Ours) => (ours, Some(JwtForm::Ours)),
            _ => (all, jwt::form(all)),
        };
        let secret = || SecretText::Jwt(Secret::new(jwt.to_owned()));
        match form {
            Some(_) => {
                found.push((place, secret()));
                end = place + jwt.len();
            }
            None if other.is_none() => other = Some((place, secret())),
            None => {}
        }
    }
    if found.is_empty() {
        found.extend(other);
    }
    found
}
