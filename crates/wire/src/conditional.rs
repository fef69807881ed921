//! `If-None-Match` against an entity tag (RFC 9110, section 13.1.2). A field that cannot be read
//! does not match: then the whole document is sent.

/// Whether the client has this already. `etag` as the answer's `ETag` has it. Tags are compared
/// weakly: `W/` does not count.
pub fn is_known(if_none_match: &str, etag: &str) -> bool {
    let Some(own) = opaque(etag.trim_ascii()).filter(|(_, rest)| rest.is_empty()) else {
        return false;
    };
    if if_none_match.trim_ascii() == "*" {
        return true;
    }
    let (mut rest, mut found) = (if_none_match.trim_ascii_start(), false);
    while !rest.is_empty() {
        // Empty elements of a list are read past (RFC 9110, section 5.6.1.2).
        if let Some(next) = rest.strip_prefix(',') {
            rest = next.trim_ascii_start();
            continue;
        }
        let Some((tag, behind)) = opaque(rest) else {
            return false;
        };
        let behind = behind.trim_ascii_start();
        if !behind.is_empty() && !behind.starts_with(',') {
            return false;
        }
        found |= tag == own.0;
        rest = behind;
    }
    found
}

/// The opaque part of the tag that a text begins with, and what is behind it. A tag may have commas
/// in it, so that a list cannot be split at them.
fn opaque(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"')?;
    inner.split_once('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags_strong_and_weak() {
        let rows = [
            (r#""a""#, true),
            (r#"W/"a""#, true),
            (r#"  "a"  "#, true),
            (r#""b", "a""#, true),
            (r#""b",W/"a""#, true),
            (r#", ,"b",, "a","#, true),
            (r#""x,y", "a""#, true),
            ("*", true),
            (" * ", true),
            ("", false),
            (",", false),
            (r#""b""#, false),
            (r#""A""#, false),
            (r#""aa""#, false),
            ("a", false),
            (r#""a"#, false),
            (r#"a""#, false),
            (r#""x,"a",y""#, false),
            (r#""a" "b""#, false),
            (r#""a", b"#, false),
            (r#"w/"a""#, false),
            (r#"*, "b""#, false),
            (r#"W/ "a""#, false),
        ];
        for (field, known) in rows {
            assert_eq!(is_known(field, r#""a""#), known, "{field}");
            assert_eq!(is_known(field, r#"W/"a""#), known, "{field}");
        }
    }

    #[test]
    fn an_answer_without_a_tag_is_never_known() {
        for etag in ["", "a", r#""a"b"#, r#""a"#] {
            assert!(!is_known("*", etag), "{etag}");
            assert!(!is_known(etag, etag), "{etag}");
        }
    }
}
