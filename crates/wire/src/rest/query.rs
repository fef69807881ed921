//! Query strings that an origin will read by its own rules. Keys that another reader could take for
//! another name are refused, and those that some frameworks take for another method; a query with
//! an identity in it has listed parameters only, each at most once.

use super::RestError;
use super::path::decode;
use crate::forwarding::is_method_override;

/// Refuses what no query may have, whatever its route says of it: keys that do not decode, keys
/// with control characters (C strings end at one), and other methods.
///
/// # Errors
/// `Query`, `ControlCharacter` or `MethodOverride`.
pub fn guard(query: &str) -> Result<(), RestError> {
    // Some servers end a parameter at `;` too.
    for (key, _) in query.split(['&', ';']).map(pair) {
        let key = decode(key, true).ok_or(RestError::Query)?;
        if key.chars().any(char::is_control) {
            return Err(RestError::ControlCharacter);
        }
        if is_method_override(&key) {
            return Err(RestError::MethodOverride);
        }
    }
    Ok(())
}

/// Holds a query to parameters of these names, each at most once. A `;` must be
/// written as `%3B`.
///
/// # Errors
/// `UnknownParameter`, `RepeatedParameter` or `Query`.
pub fn only(query: &str, known: &'static [&'static str]) -> Result<(), RestError> {
    if query.contains(';') {
        return Err(RestError::Query);
    }
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in pairs(query) {
        let key = decode(key, true).ok_or(RestError::Query)?;
        decode(value, true).ok_or(RestError::Query)?;
        let short = || key.chars().take(40).collect();
        let name = known.iter().find(|name| **name == key);
        let name = name.ok_or_else(|| RestError::UnknownParameter(short()))?;
        if seen.contains(name) {
            return Err(RestError::RepeatedParameter(short()));
        }
        seen.push(name);
    }
    Ok(())
}

/// The value of a parameter, in a query that [`only`] has let pass; `None` when it is not there.
pub fn value(query: &str, name: &str) -> Option<String> {
    pairs(query)
        .find(|(key, _)| decode(key, true).is_some_and(|key| key == name))
        .and_then(|(_, value)| decode(value, true))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pieces = query.split('&').filter(|piece| !piece.is_empty());
    pieces.map(pair)
}

fn pair(piece: &str) -> (&str, &str) {
    piece.split_once('=').unwrap_or((piece, ""))
}
