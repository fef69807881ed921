//! Just enough JSON to hand a configuration to the Node script. Writes only.

/// A JSON string, quotes included.
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // U+2028 and U+2029 end a line for some readers, and the configuration is one line.
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A JSON object of values that are JSON already.
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members: Vec<String> = members
        .into_iter()
        .map(|(key, value)| format!("{}:{value}", string(key)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A JSON array of values that are JSON already.
pub fn array(values: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", values.into_iter().collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_stay_on_one_line() {
        assert_eq!(string("a\"b\\c\nd\u{2028}é"), r#""a\"b\\c\u000ad\u2028é""#);
    }

    #[test]
    fn values_nest() {
        let value = object([
            ("a", array(["1".to_owned(), string("x")])),
            ("b", object([])),
        ]);
        assert_eq!(value, r#"{"a":[1,"x"],"b":{}}"#);
    }
}
