//! JSON with comments, as wrangler reads its configuration: parsed, and changed one string at a time, so that comments
//! and layout stay as somebody wrote them.

use serde_json::Value;

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// A step from a value to one inside it.
#[derive(Debug, Clone, Copy)]
pub enum Step<'s> {
    /// The member of an object.
    Member(&'s str),
    /// The entry of an array whose member `binding` is this.
    Bound(&'s str),
}

/// Parses a text.
///
/// # Errors
/// Where it is not JSON beside its comments and trailing commas.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(&blanked(text)).map_err(|error| error.to_string())
}

/// The text with the string at this place replaced.
///
/// # Errors
/// If there is no string at this place.
pub fn set(text: &str, path: &[Step<'_>], value: &str) -> Result<String, String> {
    let blanked = blanked(text);
    let missing = || format!("there is no text at {path:?}");
    let mut at = Scanner {
        bytes: blanked.as_bytes(),
        at: 0,
    };
    for step in path {
        at.enter(*step).ok_or_else(missing)?;
    }
    at.blanks();
    let start = at.at;
    let is_string = at.peek() == Some(b'"');
    at.skip(MAX_DEPTH).ok_or_else(missing)?;
    let (Some(before), Some(after)) = (text.get(..start), text.get(at.at..)) else {
        return Err(missing());
    };
    match is_string {
        true => Ok(format!("{before}{}{after}", Value::from(value))),
        false => Err(missing()),
    }
}

/// The text with this member of the object at this place: replaced where it is a string, added where there is none.
///
/// # Errors
/// If there is no object at this place, or the member is no string.
pub fn put(text: &str, path: &[Step<'_>], name: &str, value: &str) -> Result<String, String> {
    let blanked = blanked(text);
    let missing = || format!("there is no object at {path:?}");
    let mut at = Scanner {
        bytes: blanked.as_bytes(),
        at: 0,
    };
    for step in path {
        at.enter(*step).ok_or_else(missing)?;
    }
    let object = at.at;
    if at.member(name).is_some() {
        let full: Vec<Step<'_>> = path.iter().copied().chain([Step::Member(name)]).collect();
        return set(text, &full, value);
    }
    at.at = object;
    if !at.pass(b'{') {
        return Err(missing());
    }
    let (Some(before), Some(after)) = (text.get(..at.at), text.get(at.at..)) else {
        return Err(missing());
    };
    let comma = if at.pass(b'}') { "" } else { "," };
    let indent = "  ".repeat(path.len() + 1);
    let (name, value) = (Value::from(name), Value::from(value));
    Ok(format!("{before}\n{indent}{name}: {value}{comma}{after}"))
}

/// The text with comments and trailing commas turned into spaces, byte for byte.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut comma: Option<usize> = None;
    while let Some(character) = rest.next() {
        match (character, rest.peek()) {
            ('"', _) => {
                comma = None;
                out.push('"');
                string(&mut rest, &mut out);
            }
            ('/', Some('/')) => {
                blank('/', &mut out);
                while let Some(inside) = rest.next_if(|next| *next != '\n') {
                    blank(inside, &mut out);
                }
            }
            ('/', Some('*')) => {
                blank('/', &mut out);
                let mut last = ' ';
                for inside in rest.by_ref() {
                    blank(inside, &mut out);
                    if (last, inside) == ('*', '/') {
                        break;
                    }
                    last = inside;
                }
            }
            (',', _) => {
                comma = Some(out.len());
                out.push(',');
            }
            ('}' | ']', _) => {
                if let Some(place) = comma.take() {
                    out.replace_range(place..=place, " ");
                }
                out.push(character);
            }
            _ => {
                if !character.is_whitespace() {
                    comma = None;
                }
                out.push(character);
            }
        }
    }
    out
}

fn string(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(character) = rest.next() {
        out.push(character);
        match character {
            '"' => return,
            '\\' => out.extend(rest.next()),
            _ => {}
        }
    }
}

/// As many spaces as the character has bytes; lines stay lines.
fn blank(character: char, out: &mut String) {
    match character {
        '\n' => out.push('\n'),
        other => out.extend(std::iter::repeat_n(' ', other.len_utf8())),
    }
}

/// Walks over JSON without comments that is known to parse, or gives up.
struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Passes this byte, after blanks, if it is next.
    fn pass(&mut self, byte: u8) -> bool {
        self.blanks();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Goes to the value that the step leads to.
    fn enter(&mut self, step: Step<'_>) -> Option<()> {
        match step {
            Step::Member(name) => self.member(name),
            Step::Bound(name) => {
                if !self.pass(b'[') {
                    return None;
                }
                loop {
                    self.blanks();
                    let start = self.at;
                    self.skip(MAX_DEPTH)?;
                    let entry = self.bytes.get(start..self.at)?;
                    let entry: Value = serde_json::from_slice(entry).ok()?;
                    if entry.get("binding").is_some_and(|own| own == name) {
                        self.at = start;
                        return Some(());
                    }
                    if !self.pass(b',') {
                        return None;
                    }
                }
            }
        }
    }

    fn member(&mut self, name: &str) -> Option<()> {
        if !self.pass(b'{') {
            return None;
        }
        loop {
            self.blanks();
            let start = self.at;
            self.skip(MAX_DEPTH)?;
            let key: Value = serde_json::from_slice(self.bytes.get(start..self.at)?).ok()?;
            if !self.pass(b':') {
                return None;
            }
            if key == name {
                return Some(());
            }
            self.skip(MAX_DEPTH)?;
            if !self.pass(b',') {
                return None;
            }
        }
    }

    /// Goes behind the next value.
    fn skip(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.blanks();
        match self.peek()? {
            b'"' => loop {
                self.at += 1;
                match self.peek()? {
                    b'"' => {
                        self.at += 1;
                        return Some(());
                    }
                    b'\\' => self.at += 1,
                    _ => {}
                }
            },
            open @ (b'{' | b'[') => {
                self.at += 1;
                let close = if open == b'{' { b'}' } else { b']' };
                while !self.pass(close) {
                    self.skip(depth)?;
                    let _ = self.pass(b':') || self.pass(b',');
                }
                Some(())
            }
            _ => {
                let start = self.at;
                let inside = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
                while self.peek().is_some_and(inside) {
                    self.at += 1;
                }
                (self.at > start).then_some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"// é: "vars": {}
{ "name": "a", /* "name": "b", */
  "list": [ { "binding": "X", "id": "1" }, // "binding": "Y"
    { "binding": "Y", "id": "2", "n": [1, {"id": "no"},], }, ],
  "vars": { "URL": "http://x//y", "Q": "a\"b,}", },
}
"#;

    #[test]
    fn comments_and_trailing_commas_are_read_over() {
        let value = parse(TEXT).unwrap();
        assert_eq!(value.pointer("/list/1/id").unwrap(), "2");
        assert_eq!(value.pointer("/vars/URL").unwrap(), "http://x//y");
        assert_eq!(value.pointer("/vars/Q").unwrap(), "a\"b,}");
        assert!(parse("{ // open").is_err());
        assert_eq!(parse("[1, 2]").unwrap(), serde_json::json!([1, 2]));
    }

    #[test]
    fn one_string_changes_and_nothing_else() {
        use Step::{Bound, Member};
        let rows: [(&[Step<'_>], &str, &str); 4] = [
            (&[Member("name")], "\"a\"", "\"new \\\"x\\\"\""),
            (
                &[Member("list"), Bound("Y"), Member("id")],
                "\"2\"",
                "\"new \\\"x\\\"\"",
            ),
            (
                &[Member("vars"), Member("URL")],
                "\"http://x//y\"",
                "\"new \\\"x\\\"\"",
            ),
            (
                &[Member("vars"), Member("Q")],
                r#""a\"b,}""#,
                "\"new \\\"x\\\"\"",
            ),
        ];
        for (path, old, new) in rows {
            let changed = set(TEXT, path, "new \"x\"").unwrap();
            assert_eq!(changed, TEXT.replacen(old, new, 1), "{path:?}");
        }
    }

    #[test]
    fn a_member_is_replaced_or_added() {
        let vars = [Step::Member("vars")];
        let changed = put(TEXT, &vars, "URL", "https://y").unwrap();
        assert_eq!(changed, TEXT.replacen("http://x//y", "https://y", 1));
        let added = put(TEXT, &vars, "CI_ISSUERS", "github").unwrap();
        let expected = "\"vars\": {\n    \"CI_ISSUERS\": \"github\", \"URL\"";
        assert_eq!(added, TEXT.replacen("\"vars\": { \"URL\"", expected, 1));
        assert_eq!(
            parse(&added).unwrap().pointer("/vars/CI_ISSUERS").unwrap(),
            "github"
        );
        let first = put("{\"vars\": { }}", &vars, "A", "b").unwrap();
        assert_eq!(
            parse(&first).unwrap(),
            serde_json::json!({ "vars": { "A": "b" } })
        );
        for (text, path) in [
            (TEXT, [Step::Member("none")]),
            (TEXT, [Step::Member("list")]),
        ] {
            assert!(put(text, &path, "A", "b").is_err(), "{path:?}");
        }
        assert!(put("{\"vars\": {\"A\": 1}}", &vars, "A", "b").is_err());
    }

    #[test]
    fn a_place_without_a_string_is_an_error() {
        use Step::{Bound, Member};
        let rows: [&[Step<'_>]; 5] = [
            &[Member("none")],
            &[Member("list")],
            &[Member("list"), Bound("Z"), Member("id")],
            &[Member("name"), Member("x")],
            &[Member("list"), Bound("X"), Member("n")],
        ];
        for path in rows {
            assert!(set(TEXT, path, "new").is_err(), "{path:?}");
        }
        assert!(set("", &[Member("name")], "new").is_err());
        assert!(set("{\"a\"", &[Member("a")], "new").is_err());
    }
}
