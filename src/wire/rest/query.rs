//! Query strings that an origin will read by its own rules. Refuses a parameter that names an
//! identity in two ways: twice, in another case, as a list, or behind a `;`.

use super::path::decode;
use super::{RestError, describe};
use crate::domain::route::Place;

/// The one value of a parameter that names `what`; `None` when it is not there.
///
/// # Errors
/// `Ambiguous` or `Query`.
pub fn value(
    query: &str,
    name: &'static str,
    what: &'static str,
) -> Result<Option<String>, RestError> {
    let ambiguous = || RestError::Ambiguous {
        what,
        place: describe(Place::Query(name)),
    };
    // Some servers end a parameter at `;` too; a value can have it as `%3B`.
    if query.contains(';') {
        return Err(ambiguous());
    }
    let mut found = None;
    for (key, value) in pairs(query) {
        let key = decode(key, true).ok_or(RestError::Query)?;
        // `name[]` and `name[x]` make a list of it in some languages.
        let stem = key.split('[').next().unwrap_or(&key);
        if key == name && found.is_none() {
            found = Some(decode(value, true).ok_or(RestError::Query)?);
        } else if same(stem.trim(), name) {
            return Err(ambiguous());
        }
    }
    Ok(found)
}

/// Holds a query to parameters of these names, each at most once.
///
/// # Errors
/// `UnknownParameter`, `RepeatedParameter` or `Query`.
pub fn only(query: &str, known: &'static [&'static str]) -> Result<(), RestError> {
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

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pieces = query.split('&').filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece.split_once('=').unwrap_or((piece, "")))
}

/// Whether two names are one to a reader that does not mind case.
pub fn same(one: &str, other: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
    }
    folded(one).eq(folded(other))
}
