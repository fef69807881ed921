//! How often a Rust text says `unsafe`: outside of comments, strings and characters. No parser, since a word is enough;
//! what a macro or a platform leaves out counts too.

/// The number of times.
pub fn unsafes(text: &str) -> usize {
    let mut rest = text;
    let mut count = 0;
    while let Some(first) = rest.chars().next() {
        rest = if rest.starts_with("//") {
            after(rest, "\n")
        } else if rest.starts_with("/*") {
            after_comment(rest)
        } else if first == '"' {
            after_text(&rest[1..])
        } else if first == '\'' {
            after_character(&rest[1..])
        } else if first == '_' || first.is_alphabetic() {
            let end = rest.find(|letter: char| letter != '_' && !letter.is_alphanumeric());
            let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
            count += usize::from(word == "unsafe");
            after_word(word, behind)
        } else {
            &rest[first.len_utf8()..]
        };
    }
    count
}

/// What follows the first `end`; nothing, where there is none.
fn after<'t>(text: &'t str, end: &str) -> &'t str {
    text.split_once(end).map_or("", |(_, behind)| behind)
}

/// Comments lie inside each other.
fn after_comment(text: &str) -> &str {
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some(first) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("/*") {
            (rest, depth) = (behind, depth + 1);
        } else if let Some(behind) = rest.strip_prefix("*/") {
            (rest, depth) = (behind, depth - 1);
            if depth == 0 {
                return rest;
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    ""
}

fn after_text(text: &str) -> &str {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '"' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// What follows a character; of a lifetime, its name is left.
fn after_character(text: &str) -> &str {
    let mut letters = text.char_indices();
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some((_, escaped))) => after(&text[1 + escaped.len_utf8()..], "'"),
        (Some(_), Some((at, '\''))) => &text[at + 1..],
        _ => text,
    }
}

/// `r"…"`, `r#"…"#` and their kind have no escapes; `r#name` is a name.
fn after_word<'t>(word: &str, behind: &'t str) -> &'t str {
    if !matches!(word, "r" | "br" | "cr") {
        return behind;
    }
    let bare = behind.trim_start_matches('#');
    let hashes = &behind[..behind.len() - bare.len()];
    match bare.strip_prefix('"') {
        Some(text) => after(text, &format!("\"{hashes}")),
        None if hashes.is_empty() => behind,
        None => bare.trim_start_matches(|letter: char| letter == '_' || letter.is_alphanumeric()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_counts() {
        for (text, count) in [
            ("unsafe { f() }", 1),
            ("unsafe fn f() { unsafe { g() } }", 2),
            ("unsafe impl Send for T {}\nunsafe trait U {}", 2),
            ("#![forbid(unsafe_code)]", 0),
            ("#[unsafe(no_mangle)] fn f() {}", 1),
            ("// unsafe\nfn f() {} // SAFETY: unsafe", 0),
            ("/* unsafe /* unsafe */ unsafe */ unsafe {}", 1),
            ("/* never closed unsafe", 0),
            (r#"let a = "unsafe \" unsafe"; unsafe {}"#, 1),
            ("let a = r\"unsafe \\\"; unsafe {}", 1),
            ("let a = r##\"unsafe \"# unsafe\"##; unsafe {}", 1),
            ("let a = br#\"unsafe\"#;", 0),
            ("let r#unsafe = 1;", 0),
            ("let a = '\"'; unsafe {} let b = '\"';", 1),
            (r"let a = '\''; unsafe {}", 1),
            (r"let a = '\\'; unsafe {}", 1),
            (r"let a = '\u{22}'; unsafe {}", 1),
            ("let a = b'\"'; unsafe {}", 1),
            ("fn f<'a>(x: &'a str) { unsafe {} }", 1),
            ("'outer: loop { unsafe {} }", 1),
            ("let ü = 'ü'; unsafe {}", 1),
            ("my_unsafe(); unsafer();", 0),
        ] {
            assert_eq!(unsafes(text), count, "{text}");
        }
    }
}
