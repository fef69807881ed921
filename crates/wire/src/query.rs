//! Query strings. Unknown, doubled and empty parameters are refused, so that neither a mistyped
//! filter nor an empty variable of a script lists everything.

use std::borrow::Cow;

use crate::rest::decode;

/// Why a query string was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// Nobody asked for it.
    Unknown(String),
    /// It is there twice.
    Twice(&'static str),
    /// Given without a value, which selects nothing and must not select all.
    Empty(&'static str),
    /// Its percent escapes are broken, or spell no UTF-8.
    Escape,
}

/// The values of the `known` parameters, `None` where absent.
///
/// # Errors
/// The first parameter that is unknown, repeated or empty; escapes that do not decode before all.
pub fn read<'a, const N: usize>(
    query: &'a str,
    known: [&'static str; N],
) -> Result<[Option<Cow<'a, str>>; N], QueryError> {
    if decode(query, true).is_none() {
        return Err(QueryError::Escape);
    }
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
        if value.is_empty() {
            return Err(QueryError::Empty(known));
        }
        *slot = Some(value);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_parameters_once_each() {
        let values = |query| read(query, ["a", "b"]);
        assert_eq!(values(""), Ok([None, None]));
        assert_eq!(values("&b=x%20y&"), Ok([None, Some("x y".into())]));
        for empty in ["a=", "a", "b=1&a=", "a=&b=1", "%61="] {
            assert_eq!(values(empty), Err(QueryError::Empty("a")), "{empty}");
        }
        assert_eq!(values("a=%20"), Ok([Some(" ".into()), None]));
        assert_eq!(values("=1"), Err(QueryError::Unknown(String::new())));
        assert_eq!(values("c=1"), Err(QueryError::Unknown("c".to_owned())));
        assert_eq!(values("a=1&a=2"), Err(QueryError::Twice("a")));
        for broken in ["a=%", "a=%f", "a=%ff", "a=%zz", "%=1"] {
            assert_eq!(values(broken), Err(QueryError::Escape), "{broken}");
        }
    }
}
