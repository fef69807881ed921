//! Text for people: columns, moments, and names that others chose. Escapes whatever could drive a
//! terminal or reorder a line; machine output (`-o json`) does not pass through here.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The text with control characters, line breaks and those that change a line's direction written
/// as `\u{…}`.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => plain.extend(character.escape_unicode()),
            _ if character.is_control() => plain.extend(character.escape_unicode()),
            _ => plain.push(character),
        }
    }
    plain
}

/// A member of a JSON object as plain text; empty where there is none.
pub fn member(object: &Value, name: &str) -> String {
    match object.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => plain(text),
        Some(other) => plain(&other.to_string()),
    }
}

/// A moment of the API as the stock client writes them (RFC 822), in UTC.
pub fn moment(object: &Value, name: &str) -> String {
    let text = member(object, name);
    match DateTime::parse_from_rfc3339(&text) {
        Ok(moment) => moment
            .with_timezone(&Utc)
            .format("%d %b %y %H:%M UTC")
            .to_string(),
        Err(_) => text,
    }
}

/// Rows under headings, each column as wide as its longest cell.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<String> = headings.iter().map(|&text| text.to_owned()).collect();
    let mut widths = vec![0; headings.len()];
    for row in rows.iter().chain([&headings]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in [&headings].into_iter().chain(rows) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Percent-encoded for one part of a path or one value of a query.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_drives_the_terminal() {
        for (text, expected) in [
            ("release-1", "release-1"),
            ("\u{e9}\u{1f600}", "\u{e9}\u{1f600}"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\nb\tc", "a\\u{a}b\\u{9}c"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\u{2066}b\u{200b}", "a\\u{2066}b\\u{200b}"),
            ("\u{9b}2J", "\\u{9b}2J"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn moments_read_as_in_the_stock_client() {
        let object = json!({ "at": "2026-11-22T01:14:20.641Z", "odd": "soon", "none": null });
        assert_eq!(moment(&object, "at"), "22 Nov 26 01:14 UTC");
        assert_eq!(moment(&object, "odd"), "soon");
        assert_eq!(moment(&object, "none"), "");
        assert_eq!(moment(&object, "absent"), "");
    }

    #[test]
    fn columns_line_up() {
        let rows = [
            vec!["1".to_owned(), "\u{e9}t\u{e9}".to_owned(), String::new()],
            vec!["22".to_owned(), "x".to_owned(), "end".to_owned()],
        ];
        let expected = "ID  NAME  LAST\n1   \u{e9}t\u{e9}\n22  x     end\n";
        assert_eq!(table(&["ID", "NAME", "LAST"], &rows), expected);
    }

    #[test]
    fn parts_of_a_path_stay_one_part() {
        assert_eq!(encoded("shop-1._~"), "shop-1._~");
        assert_eq!(
            encoded("../a?b=c#d e/\u{e9}"),
            "..%2Fa%3Fb%3Dc%23d%20e%2F%C3%A9"
        );
    }
}
