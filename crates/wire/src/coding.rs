//! Content codings of request bodies. The gateway decodes none: an origin may decode one that the
//! gateway cannot, and would then read another message than the one that was decided on.

/// Most of a coding's name that is told back, in characters.
const MAX_TOLD: usize = 32;

/// The coding that a body arrives in, as far as it can be told back; `None` where it arrives as it
/// was written. An empty body has nothing to undo, whatever its header says.
pub fn coding(content_encoding: Option<&str>, body: &[u8]) -> Option<String> {
    let coding = content_encoding?.trim_ascii();
    let plain = body.is_empty() || coding.eq_ignore_ascii_case("identity");
    (!plain).then(|| display_name(coding))
}

/// A coding's name, fit to stand in a sentence.
pub fn display_name(coding: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || " ,.-_*+".contains(c);
    match coding.chars().all(fits) && !coding.is_empty() {
        true => coding.chars().take(MAX_TOLD).collect(),
        false => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_other_than_identity_is_told() {
        for plain in [None, Some("identity"), Some("Identity"), Some(" identity ")] {
            assert_eq!(coding(plain, b"x"), None, "{plain:?}");
        }
        let (long, long_told) = ("g".repeat(100), "g".repeat(MAX_TOLD));
        let rows = [
            ("gzip", "gzip"),
            (" br ", "br"),
            ("", "unknown"),
            ("identity, identity", "identity, identity"),
            ("gzip, identity", "gzip, identity"),
            ("a`b", "unknown"),
            ("\u{1b}[31m", "unknown"),
            (&long, &long_told),
        ];
        for (header, expected) in rows {
            let found = coding(Some(header), b"x");
            assert_eq!(found.as_deref(), Some(expected), "{header:?}");
        }
    }

    #[test]
    fn an_empty_body_has_nothing_to_undo() {
        assert_eq!(coding(Some("gzip"), b""), None);
    }
}
