//! Text with what programs put between characters undone: escapes, colours, soft and hard line
//! breaks. Only to look for tokens in: nothing of it is shown, and what it joins by chance has no
//! checksum that fits.

/// The text without colours, line breaks and invisible characters, and with escaped characters of a
/// token's alphabet as themselves.
pub fn cleaned(text: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, ..] = rest {
        let (taken, character) = match first {
            0x1b => (control_sequence(rest), None),
            b'\r' | b'\n' => (line_break(rest), None),
            b'=' => soft_break(rest).map_or_else(|| hex(rest, 1, 2), |taken| (taken, None)),
            b'%' => hex(rest, 1, 2),
            b'\\' => backslash(rest),
            b'&' => reference(rest),
            0xc2 | 0xe2 | 0xef => (invisible(rest), None),
            _ => (1, Some(*first)),
        };
        match (taken, character) {
            // Nothing of that kind after all.
            (0, _) => clean.push(*first),
            (_, character) => clean.extend(character),
        }
        rest = rest.get(taken.max(1)..).unwrap_or_default();
    }
    clean
}

/// How many bytes were understood, and the character that they stand for. None = nothing.
type Undone = (usize, Option<u8>);

const NOT_THAT: Undone = (0, None);

/// `%5F`, `=5F`, `\x5F`, `\u005F`: so many hexadecimal digits behind so many other bytes.
fn hex(text: &[u8], skip: usize, digits: usize) -> Undone {
    number(text.get(skip..skip + digits), 16).map_or(NOT_THAT, |byte| (skip + digits, Some(byte)))
}

/// The character of a number, where tokens can have it.
fn number(digits: Option<&[u8]>, radix: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    let byte = u8::try_from(u32::from_str_radix(digits, radix).ok()?).ok()?;
    super::find::of_token(byte).then_some(byte)
}

/// `\_`, as Markdown writes it; escapes of JSON and of many languages; a line that goes on.
fn backslash(text: &[u8]) -> Undone {
    match text {
        [_, b'_' | b'-' | b'.', ..] => (2, text.get(1).copied()),
        [_, b'u', ..] => hex(text, 2, 4),
        [_, b'x', ..] => hex(text, 2, 2),
        [_, b'\r' | b'\n', ..] => (1 + line_break(text.get(1..).unwrap_or_default()), None),
        _ => NOT_THAT,
    }
}

/// `&#95;` and `&#x5f;`.
fn reference(text: &[u8]) -> Undone {
    const LONGEST: usize = 8;
    let end = text.iter().take(LONGEST).position(|byte| *byte == b';');
    let undone = end.and_then(|end| {
        let (radix, skip) = match text {
            [_, b'#', b'x' | b'X', ..] => (16, 3),
            [_, b'#', ..] => (10, 2),
            _ => return None,
        };
        Some((end + 1, Some(number(text.get(skip..end), radix)?)))
    });
    undone.unwrap_or(NOT_THAT)
}

/// `=` at the end of a line, as quoted-printable breaks one.
fn soft_break(text: &[u8]) -> Option<usize> {
    match text {
        [_, b'\r' | b'\n', ..] => Some(1 + line_break(text.get(1..).unwrap_or_default())),
        _ => None,
    }
}

/// A line break, with the indentation or the marks of a quotation behind it.
fn line_break(text: &[u8]) -> usize {
    let breaks = text
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .take(2)
        .count();
    let marks = text.iter().skip(breaks);
    breaks
        + marks
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'>'))
            .count()
}

/// A control sequence of a terminal (ECMA-48): `ESC [ … letter`, or `ESC ] … BEL`.
fn control_sequence(text: &[u8]) -> usize {
    /// Longest link or title that is passed over.
    const LONGEST: usize = 4096;
    let length = match text {
        [_, b'[', parameters @ ..] => {
            let end = parameters
                .iter()
                .position(|byte| matches!(byte, 0x40..=0x7e));
            end.map(|end| 2 + end + 1)
        }
        [_, b']', ..] => {
            let end = text.iter().take(LONGEST).position(|byte| *byte == 0x07);
            end.map(|end| end + 1)
        }
        _ => None,
    };
    length.unwrap_or(0)
}

/// The soft hyphen, the zero-width characters and the byte order mark in UTF-8.
fn invisible(text: &[u8]) -> usize {
    match text {
        [0xc2, 0xad, ..] => 2,
        [0xe2, 0x80, 0x8b..=0x8f, ..] | [0xe2, 0x81, 0xa0, ..] | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_and_what_stays() {
        for (text, expected) in [
            (
                "plain text, 100% = \\n & more",
                "plain text, 100% = \\n & more",
            ),
            ("a\nb\r\n  > c", "abc"),
            ("a=\nb=\r\nc", "abc"),
            ("a\\\n  b", "ab"),
            ("%5F%41%2e%20%3D", "_A.%20%3D"),
            ("=5F=20", "_=20"),
            ("\\u005f\\u0041\\x2d\\u003d", "_A-\\u003d"),
            ("&#95;&#x2D;&amp;&#9999999;", "_-&amp;&#9999999;"),
            ("\u{1b}[1;31mred\u{1b}[0m\u{1b}", "red\u{1b}"),
            ("\u{1b}]8;;http://x\u{7}link", "link"),
            ("a\u{200b}b\u{ad}c\u{feff}\u{e9}", "abc\u{e9}"),
            ("\\", "\\"),
            ("%4", "%4"),
            ("%+5", "%+5"),
        ] {
            let clean = String::from_utf8(cleaned(text.as_bytes())).unwrap();
            assert_eq!(clean, expected, "{text:?}");
        }
    }
}
