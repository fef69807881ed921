//! Text for people: columns, moments, and names that others chose. Escapes whatever could drive a
//! terminal or reorder a line; machine output (`-o json`) does not pass through here.

use chrono::{DateTime, TimeDelta, Utc};
use postern_domain::unicode::is_default_ignorable;
use serde_json::Value;

/// The text with control characters, line breaks, and characters that programs draw as nothing
/// (direction marks among them) written as `\u{…}`.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        let is_unseen = character.is_control()
            || is_default_ignorable(character)
            || matches!(character, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}');
        match is_unseen {
            true => plain.extend(character.escape_unicode()),
            false => plain.push(character),
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

/// The texts of a list that an object has, each as plain text; none where there is no list.
pub fn texts(object: &Value, name: &str) -> Vec<String> {
    let texts = object.get(name).and_then(Value::as_array);
    let texts = texts.into_iter().flatten().filter_map(Value::as_str);
    texts.map(plain).collect()
}

/// What is known of one thing, a line for each member that is not empty.
pub fn sheet(rows: &[(&str, String)]) -> String {
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    rows.map(|(name, value)| format!("{name:14}  {value}\n"))
        .collect()
}

/// A moment as people read it.
pub fn utc(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment of the API as every table has it, in UTC.
pub fn moment(object: &Value, name: &str) -> String {
    second(object, name, TimeDelta::zero())
}

/// The same, rounded up to a whole second: what is so at the moment is so by then.
pub fn moment_by(object: &Value, name: &str) -> String {
    second(object, name, TimeDelta::milliseconds(999))
}

fn second(object: &Value, name: &str, plus: TimeDelta) -> String {
    let text = member(object, name);
    let moment = DateTime::parse_from_rfc3339(&text).ok();
    match moment.and_then(|moment| moment.checked_add_signed(plus)) {
        Some(moment) => utc(moment.to_utc()),
        None => text,
    }
}

/// How far a moment is from now, as people say it: `in 3 days`, `2 h ago`.
pub fn near(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (moment - now).num_seconds();
    let span = span(seconds.unsigned_abs());
    match seconds {
        1.. => format!("in {span}"),
        _ => format!("{span} ago"),
    }
}

/// A span of time in its largest fitting unit.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        172_800..63_072_000 => format!("{} days", seconds / 86_400),
        _ => format!("{} years", seconds / 31_536_000),
    }
}

/// A number with its thousands apart.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 token`, `2 tokens`.
pub fn counted(number: u64, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        number => format!("{} {thing}s", count(number)),
    }
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
            ("\u{61c}a\u{ad}", "\\u{61c}a\\u{ad}"),
            ("\u{3164}\u{fe0f}\u{e0041}", "\\u{3164}\\u{fe0f}\\u{e0041}"),
            ("a\u{2028}b\u{fff9}", "a\\u{2028}b\\u{fff9}"),
            ("\u{9b}2J", "\\u{9b}2J"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn moments_have_four_digits_of_a_year_and_seconds() {
        let object = json!({ "at": "2026-11-22T01:14:20.641Z", "far": "2126-11-04T03:00:00+02:00", "odd": "soon", "none": null });
        assert_eq!(moment(&object, "at"), "2026-11-22 01:14:20 UTC");
        assert_eq!(moment(&object, "far"), "2126-11-04 01:00:00 UTC");
        assert_eq!(moment(&object, "odd"), "soon");
        assert_eq!(moment(&object, "none"), "");
        assert_eq!(moment(&object, "absent"), "");
        // What is rounded up is never too early.
        assert_eq!(moment_by(&object, "at"), "2026-11-22 01:14:21 UTC");
        assert_eq!(moment_by(&object, "far"), "2126-11-04 01:00:00 UTC");
        assert_eq!(moment_by(&object, "odd"), "soon");
    }

    #[test]
    fn moments_from_now() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        for (seconds, expected) in [
            (0, "0 s ago"),
            (-59, "59 s ago"),
            (59, "in 59 s"),
            (-61, "1 min ago"),
            (3_600, "in 1 h"),
            (-172_799, "47 h ago"),
            (172_800, "in 2 days"),
            (-63_072_000, "2 years ago"),
        ] {
            let moment = now + TimeDelta::seconds(seconds);
            assert_eq!(near(moment, now), expected);
        }
    }

    #[test]
    fn numbers_with_their_thousands_apart() {
        for (number, expected) in [
            (0, "0 tokens"),
            (1, "1 token"),
            (999, "999 tokens"),
            (1_000, "1,000 tokens"),
            (12_345_678, "12,345,678 tokens"),
        ] {
            assert_eq!(counted(number, "token"), expected);
        }
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
