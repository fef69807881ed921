//! How long a caller waits, as gRPC writes it (`grpc-timeout`, PROTOCOL-HTTP2 of gRPC). What the
//! grammar does not have is refused, as servers do: a deadline that is not understood is none.

/// Most digits of the number.
const MAX_DIGITS: usize = 8;

/// Milliseconds of a `grpc-timeout`, rounded up; `None` for another grammar.
pub fn millis(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let digital =
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| digital)?;
    match unit {
        "H" => number.checked_mul(3_600_000),
        "M" => number.checked_mul(60_000),
        "S" => number.checked_mul(1000),
        "m" => Some(number),
        "u" => Some(number.div_ceil(1000)),
        "n" => Some(number.div_ceil(1_000_000)),
        _ => None,
    }
}

/// Writes a `grpc-timeout`: at most eight digits, in the smallest unit that they suffice for, rounded down.
pub fn write(millis: u64) -> String {
    const LEAST_TOO_LONG: u64 = 10_u64.pow(MAX_DIGITS as u32);
    let units = [("m", 1), ("S", 1_000), ("M", 60_000), ("H", 3_600_000)];
    let written = units.map(|(unit, ms)| (millis / ms, unit));
    let fits = written.iter().find(|(number, _)| *number < LEAST_TOO_LONG);
    let (number, unit) = fits.copied().unwrap_or((LEAST_TOO_LONG - 1, "H"));
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit() {
        let rows = [
            ("0m", 0),
            ("1n", 1),
            ("1000001n", 2),
            ("1u", 1),
            ("2500u", 3),
            ("250m", 250),
            ("3S", 3000),
            ("2M", 120_000),
            ("1H", 3_600_000),
            ("99999999H", 359_999_996_400_000),
            ("00000001m", 1),
        ];
        for (text, expected) in rows {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_does_not_have() {
        for text in [
            "",
            "m",
            "5",
            "-1m",
            "+1m",
            "1.5S",
            "1 m",
            " 1m",
            "1s",
            "1h",
            "1ms",
            "123456789m",
            "1m, 1m",
            "1\u{b5}",
        ] {
            assert_eq!(millis(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for (ms, expected) in [
            (0, "0m"),
            (5000, "5000m"),
            (99_999_999, "99999999m"),
            (100_000_000, "100000S"),
            (9_999_999_999, "9999999S"),
            (99_999_999_999, "99999999S"),
            (100_000_000_000, "1666666M"),
            (359_999_996_400_000, "99999999H"),
            (u64::MAX, "99999999H"),
        ] {
            assert_eq!(write(ms), expected);
            let read = millis(expected).expect("its own grammar");
            assert!(read <= ms, "{ms} is made longer");
        }
    }
}
