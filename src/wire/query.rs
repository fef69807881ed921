//! Query strings. Refuses parameters that nobody asked for and those given twice, so that a
//! mistyped filter never silently lists everything.

use std::borrow::Cow;

/// Why a query string was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    Unknown(String),
    Twice(&'static str),
}

/// The values of the `known` parameters, `None` where absent or empty.
///
/// # Errors
/// The first parameter that is unknown or repeated.
pub fn read<'a, const N: usize>(
    query: &'a str,
    known: [&'static str; N],
) -> Result<[Option<Cow<'a, str>>; N], QueryError> {
    let mut found = [const { None }; N];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let (slot, known) = found
            .iter_mut()
            .zip(known)
            .find(|(_, known)| *known == name)
            .ok_or_else(|| QueryError::Unknown(name.chars().take(40).collect()))?;
        if slot.is_some() {
            return Err(QueryError::Twice(known));
        }
        *slot = Some(value);
    }
    Ok(found.map(|slot| slot.filter(|value| !value.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_parameters_once_each() {
        let values = |query| read(query, ["a", "b"]);
        assert_eq!(values(""), Ok([None, None]));
        assert_eq!(values("b=x%20y&a="), Ok([None, Some("x y".into())]));
        assert_eq!(values("c=1"), Err(QueryError::Unknown("c".to_owned())));
        assert_eq!(values("a=1&a=2"), Err(QueryError::Twice("a")));
    }
}
