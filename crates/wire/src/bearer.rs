//! The `Authorization` header (RFC 6750, section 2.1). Everything but one Bearer credential is
//! refused before anything looks inside it.

use postern_domain::secret::Secret;

/// Longest credential, in bytes. A JWT of this registry with the longest names has under 2 KiB.
pub const MAX_CREDENTIAL: usize = 8 * 1024;

/// Why the header was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BearerError {
    /// There is none.
    Missing,
    /// Another scheme than Bearer, or none.
    NotBearer,
    /// More than one credential: several headers arrive joined by commas.
    Several,
    /// It is too long.
    TooLong,
    /// Empty, or with bytes outside the alphabet of RFC 6750.
    Malformed,
}

/// The credential in the header's value; `None` is a request without the header.
///
/// # Errors
/// What is wrong with the header; never a part of its value.
pub fn credential(header: Option<&str>) -> Result<Secret, BearerError> {
    credential_within(header, MAX_CREDENTIAL)
}

/// The same, of at most so many bytes.
///
/// # Errors
/// As of [`credential`].
pub fn credential_within(header: Option<&str>, limit: usize) -> Result<Secret, BearerError> {
    // Only blanks of ASCII stand around a header's value (RFC 9110, section 5.5).
    let value = header.ok_or(BearerError::Missing)?.trim_ascii();
    if value.is_empty() {
        return Err(BearerError::Missing);
    }
    // A comma stands in no Bearer credential: it means that the platform joined two headers.
    if value.contains(',') {
        return Err(BearerError::Several);
    }
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerError::NotBearer);
    }
    let credential = rest.trim_start_matches(' ');
    if credential.len() > limit {
        return Err(BearerError::TooLong);
    }
    let body = credential.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    if body.is_empty() || !body.bytes().all(allowed) {
        return Err(BearerError::Malformed);
    }
    Ok(Secret::new(credential.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_credential_and_nothing_else() {
        let long = format!("Bearer {}", "a".repeat(MAX_CREDENTIAL + 1));
        let rows = [
            (None, Err(BearerError::Missing)),
            (Some(""), Err(BearerError::Missing)),
            (Some("   "), Err(BearerError::Missing)),
            (Some(" \tBearer abc \t"), Ok("abc")),
            (Some("Bearer abc\u{a0}"), Err(BearerError::Malformed)),
            (Some("Bearer abc\u{85}"), Err(BearerError::Malformed)),
            (Some("Bearer abc\u{2003}"), Err(BearerError::Malformed)),
            (Some("\u{feff}Bearer abc"), Err(BearerError::NotBearer)),
            (Some("\u{a0}Bearer abc"), Err(BearerError::NotBearer)),
            (Some("\u{a0}"), Err(BearerError::NotBearer)),
            (Some("Bearer abc"), Ok("abc")),
            (Some("bearer abc"), Ok("abc")),
            (Some("BEARER  abc=="), Ok("abc==")),
            (Some("Bearer"), Err(BearerError::Malformed)),
            (Some("Bearer "), Err(BearerError::Malformed)),
            (Some("Bearer =="), Err(BearerError::Malformed)),
            (Some("Bearer a b"), Err(BearerError::Malformed)),
            (Some("Bearer a\u{e9}"), Err(BearerError::Malformed)),
            (Some("Bearer a=b"), Err(BearerError::Malformed)),
            (Some("Basic abc"), Err(BearerError::NotBearer)),
            (Some("abc"), Err(BearerError::NotBearer)),
            (Some("Bearer abc, Bearer def"), Err(BearerError::Several)),
            (Some("Bearer abc,def"), Err(BearerError::Several)),
            (Some(&long), Err(BearerError::TooLong)),
        ];
        for (header, expected) in rows {
            let answer = credential(header);
            assert_eq!(
                answer.as_ref().map(Secret::expose).map_err(|e| *e),
                expected,
                "{header:?}"
            );
        }
    }
}
