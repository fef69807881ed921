//! JSON bodies as people and their tools write them: with a byte order mark in front, with `null`
//! for what they leave out, with `5000.0` for 5000. One reader for every body of the gateway's own
//! API. Numbers become whole numbers or nothing: no text of a caller becomes a float.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, DeserializeOwned, Deserializer, Unexpected, Visitor};

/// What editors and shells of Windows put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Whole numbers up to here, either way, are the same in every reader of JSON (RFC 8259, section
/// 6).
const EXACT: i64 = (1 << 53) - 1;
/// The first one beyond.
const TOO_FAR: f64 = 9_007_199_254_740_992.0;

/// Why a body was refused.
#[derive(Debug)]
pub enum JsonError {
    /// No JSON object: serde would take a list of the values in order, too.
    NotAnObject,
    /// With the place of the fault.
    Wrong(serde_json::Error),
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the body must be a JSON object"),
            Self::Wrong(error) => write!(f, "the JSON body: {}", unquoted(&error.to_string())),
        }
    }
}

/// serde's words without the text that stood where it does not belong: it may be a credential.
fn unquoted(words: &str) -> String {
    for kind in ["invalid type: string", "invalid value: string"] {
        let quoted = words.strip_prefix(kind);
        let expected = quoted.and_then(|rest| rest.rsplit_once("\", expected "));
        if let Some((_, expected)) = expected {
            return format!("{kind}, expected {expected}");
        }
    }
    words.to_owned()
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Reads a body that must be an object.
///
/// # Errors
/// [`JsonError`].
pub fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, JsonError> {
    let body = without_mark(body);
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(JsonError::NotAnObject);
    }
    serde_json::from_slice(body).map_err(JsonError::Wrong)
}

/// Whether a body says nothing at all.
pub fn is_nothing(body: &[u8]) -> bool {
    without_mark(body).is_empty()
}

/// Reads a whole number, however it is written (`5`, `5.0`, `5e0`), and `null` as absent. For
/// `deserialize_with`, together with `default`.
///
/// # Errors
/// For fractions, and for numbers outside the type or beyond 2^53.
pub fn whole<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    deserializer.deserialize_any(Number(PhantomData, |number| {
        (number.fract() == 0.0).then_some(number)
    }))
}

/// Reads seconds since 1970 with or without a fraction (RFC 7519, section 2), down to the whole
/// second, and `null` as absent.
///
/// # Errors
/// For what is no number, and beyond 2^53.
pub fn seconds_down<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(Number(PhantomData, |number| Some(number.floor())))
}

/// The same up to the whole second.
///
/// # Errors
/// As [`seconds_down`].
pub fn seconds_up<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(Number(PhantomData, |number| Some(number.ceil())))
}

/// Reads a number; the function makes a fraction whole, or refuses it.
struct Number<N>(PhantomData<N>, fn(f64) -> Option<f64>);

impl<'de, N: TryFrom<i64>> Visitor<'de> for Number<N> {
    type Value = Option<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number in its range")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<N>, E> {
        Ok(None)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<N>, E> {
        if !(-EXACT..=EXACT).contains(&number) {
            return Err(E::invalid_value(Unexpected::Signed(number), &self));
        }
        match N::try_from(number) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<N>, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Option<N>, E> {
        let refused = || E::invalid_value(Unexpected::Float(number), &self);
        let whole = self.1(number).ok_or_else(refused)?;
        if whole.abs() >= TOO_FAR {
            return Err(refused());
        }
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        let whole = whole as i64;
        self.visit_i64(whole)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: Option<String>,
        #[serde(default, deserialize_with = "whole")]
        count: Option<u32>,
        #[serde(default, deserialize_with = "seconds_down")]
        ends: Option<i64>,
        #[serde(default, deserialize_with = "seconds_up")]
        begins: Option<i64>,
    }

    fn read(body: &str) -> Result<Body, String> {
        object(body.as_bytes()).map_err(|error| error.to_string())
    }

    /// It may be a credential in the wrong member.
    #[test]
    fn a_text_that_is_no_number_is_not_repeated() {
        for body in [
            r#"{"count":"eyJ.secret.\\", expected x"}"#,
            r#"{"ends":"eyJ.secret"}"#,
        ] {
            let told = read(body).expect_err("refused");
            assert!(!told.contains("secret"), "{told}");
            assert!(told.contains("invalid type: string, expected a"), "{told}");
            assert!(told.contains("line 1"), "{told}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let named = Body {
            name: Some("bom".to_owned()),
            ..Body::default()
        };
        for body in [
            "{\"name\":\"bom\"}",
            "\u{feff}{\"name\":\"bom\"}",
            "\u{feff} \r\n{\"name\":\"bom\"}\n",
        ] {
            assert_eq!(read(body).as_ref(), Ok(&named), "{body:?}");
        }
        // One, and in front.
        for body in [
            "\u{feff}\u{feff}{}",
            " \u{feff}{}",
            "\u{feff}",
            "\u{feff}[]",
            "[]",
            "null",
            "",
        ] {
            let refused = read(body).expect_err(body);
            assert_eq!(refused, "the body must be a JSON object", "{body:?}");
        }
        assert!(is_nothing(b"") && is_nothing(b"\xef\xbb\xbf"));
        assert!(!is_nothing(b" ") && !is_nothing(b"\xef\xbb\xbf{}"));
    }

    #[test]
    fn null_is_absent() {
        let body = r#"{"name":null,"count":null,"ends":null,"begins":null}"#;
        assert_eq!(read(body), Ok(Body::default()));
        assert_eq!(read("{}"), Ok(Body::default()));
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let count = |text: &str| read(&format!("{{\"count\":{text}}}")).map(|body| body.count);
        for (text, number) in [
            ("5000", 5_000),
            ("5000.0", 5_000),
            ("5e3", 5_000),
            ("5E+3", 5_000),
            ("0", 0),
            ("-0", 0),
            ("-0.0", 0),
            ("4294967295", u32::MAX),
            ("4294967295.0", u32::MAX),
        ] {
            assert_eq!(count(text), Ok(Some(number)), "{text}");
        }
        for text in [
            "5000.5",
            "0.1",
            "-1",
            "-1.0",
            "4294967296",
            "1e10",
            "1e300",
            "18446744073709551616",
            "true",
            "\"5\"",
            "[5]",
            "{}",
        ] {
            let refused = count(text).expect_err(text);
            assert!(refused.contains("a whole number in its range"), "{refused}");
        }
        for text in ["1e400", "05", "+5", "NaN", "5."] {
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_may_have_a_fraction_and_stay_exact() {
        let both = |text: &str| {
            let body = format!("{{\"ends\":{text},\"begins\":{text}}}");
            read(&body).ok().map(|body| (body.ends, body.begins))
        };
        for (text, down, up) in [
            ("1900000000", 1_900_000_000, 1_900_000_000),
            ("1900000000.5", 1_900_000_000, 1_900_000_001),
            ("1.9e9", 1_900_000_000, 1_900_000_000),
            ("-0.5", -1, 0),
            (
                "9007199254740991",
                9_007_199_254_740_991,
                9_007_199_254_740_991,
            ),
        ] {
            assert_eq!(both(text), Some((Some(down), Some(up))), "{text}");
        }
        for text in [
            "9007199254740992",
            "9007199254740993",
            "-9007199254740993",
            "1e18",
            "1e300",
            "\"1\"",
            "true",
        ] {
            assert_eq!(both(text), None, "{text}");
        }
    }

    #[test]
    fn doubled_and_unknown_members_are_refused() {
        for body in [
            r#"{"count":1,"count":1}"#,
            r#"{"count":null,"count":1}"#,
            r#"{"other":1}"#,
            "{\"name\":\"\u{feff}\"} {}",
        ] {
            assert!(read(body).is_err(), "{body}");
        }
        assert!(object::<Body>(b"{\"name\":\"\xff\"}").is_err(), "not UTF-8");
    }
}
