//! The request header `Prefer` (RFC 7240).

/// Whether the client would rather have an answer at once than wait for the end (section 4.1).
pub fn respond_async(header: Option<&str>) -> bool {
    let preferences = header.unwrap_or_default().split(outside_quotes());
    let mut names = preferences.map(|preference| {
        let name = preference.split([';', '=']).next().unwrap_or_default();
        name.trim_matches([' ', '\t'])
    });
    names.any(|name| name.eq_ignore_ascii_case("respond-async"))
}

/// Finds commas, but for those in quoted strings (RFC 9110, section 5.6.4), where a backslash takes the meaning
/// from what follows it.
fn outside_quotes() -> impl FnMut(char) -> bool {
    let (mut is_quoted, mut is_escaped) = (false, false);
    move |character| {
        let was_escaped = core::mem::take(&mut is_escaped);
        match character {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' if is_quoted && !was_escaped => is_escaped = true,
            ',' => return !is_quoted,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_preference_among_others_is_found_and_nothing_like_it() {
        for yes in [
            "respond-async",
            "Respond-Async",
            "return=minimal, respond-async",
            "respond-async;foo=bar, wait=10",
            "\trespond-async ,",
            r#"x="a,b", respond-async"#,
            r#"x="a\"", respond-async"#,
            r#"x="a\\", respond-async"#,
        ] {
            assert!(respond_async(Some(yes)), "{yes}");
        }
        for no in [
            "",
            "async",
            "respond-asynchronous",
            "wait=respond-async",
            "x respond-async",
            r#"x="a, respond-async, b""#,
            r#"x="a\", respond-async""#,
            r#"x="a, respond-async"#,
        ] {
            assert!(!respond_async(Some(no)), "{no}");
        }
        assert!(!respond_async(None));
    }
}
