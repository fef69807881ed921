//! Spans as text: `90d`, `1d12h`, or ISO 8601 `P1DT12H` (R7). Months and years are refused: their
//! length depends on when they begin.

/// Longest span that is read: 100 years of 365 days.
pub const MAX_SECONDS: i64 = 100 * 365 * 86_400;

/// Why a text is no span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanError {
    /// It is no span.
    Malformed,
    /// Longer than [`MAX_SECONDS`].
    TooLong,
}

/// A span as text that [`parse_seconds`] reads: in its largest unit that leaves no rest, up to days.
pub fn print_seconds(seconds: u32) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let whole = units
        .into_iter()
        .find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = whole.filter(|_| seconds > 0).unwrap_or((1, 's'));
    format!("{}{name}", seconds / unit)
}

/// The span in seconds; `0s` and its like are none.
///
/// # Errors
/// The reason.
pub fn parse_seconds(text: &str) -> Result<i64, SpanError> {
    let seconds = match text.strip_prefix('P') {
        Some(iso) => iso_8601(iso)?,
        None => parts(
            text,
            &[
                ('w', 604_800),
                ('d', 86_400),
                ('h', 3_600),
                ('m', 60),
                ('s', 1),
            ],
        )?,
    };
    match seconds <= MAX_SECONDS {
        true => Ok(seconds),
        false => Err(SpanError::TooLong),
    }
}

fn iso_8601(text: &str) -> Result<i64, SpanError> {
    const DATE: [(char, i64); 2] = [('W', 604_800), ('D', 86_400)];
    const TIME: [(char, i64); 3] = [('H', 3_600), ('M', 60), ('S', 1)];
    match text.split_once('T') {
        None => parts(text, &DATE),
        Some(("", time)) => parts(time, &TIME),
        Some((date, time)) => Ok(parts(date, &DATE)?.saturating_add(parts(time, &TIME)?)),
    }
}

/// Sums `<digits><unit>` parts; units in the given order, each at most once, at least one.
fn parts(mut text: &str, units: &[(char, i64)]) -> Result<i64, SpanError> {
    let mut units = units.iter();
    let mut total: i64 = 0;
    loop {
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = text.split_at(end.ok_or(SpanError::Malformed)?);
        let mut rest = rest.chars();
        let unit = rest.next();
        let &(_, seconds) = units
            .find(|(name, _)| Some(*name) == unit)
            .ok_or(SpanError::Malformed)?;
        if digits.is_empty() {
            return Err(SpanError::Malformed);
        }
        // Of digits, only too many are no number.
        let count: i64 = digits.parse().unwrap_or(i64::MAX);
        total = total.saturating_add(count.saturating_mul(seconds));
        text = rest.as_str();
        if text.is_empty() {
            return Ok(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MALFORMED: Result<i64, SpanError> = Err(SpanError::Malformed);
    const TOO_LONG: Result<i64, SpanError> = Err(SpanError::TooLong);

    #[test]
    fn a_span_is_printed_as_it_is_read() {
        for (seconds, text) in [
            (0, "0s"),
            (1, "1s"),
            (90, "90s"),
            (120, "2m"),
            (3_600, "1h"),
            (5_400, "90m"),
            (86_400, "1d"),
            (90 * 86_400, "90d"),
            (90_000, "25h"),
            (u32::MAX, "4294967295s"),
        ] {
            assert_eq!(print_seconds(seconds), text);
            let read = parse_seconds(text);
            assert!(
                read == Ok(seconds.into()) || read == Err(SpanError::TooLong),
                "{text}"
            );
        }
    }

    #[test]
    fn r7_spans_in_both_notations() {
        let rows = [
            ("90d", Ok(7_776_000)),
            ("12h", Ok(43_200)),
            ("1d12h", Ok(129_600)),
            ("1w", Ok(604_800)),
            ("PT1H", Ok(3_600)),
            ("P1DT12H", Ok(129_600)),
            ("P2W", Ok(1_209_600)),
            ("", MALFORMED),
            ("90", MALFORMED),
            ("d", MALFORMED),
            ("0s", Ok(0)),
            ("P0D", Ok(0)),
            ("36500d", Ok(MAX_SECONDS)),
            ("99999999999999999999x", MALFORMED),
            ("-1d", MALFORMED),
            ("1h1d", MALFORMED),
            ("1d1d", MALFORMED),
            ("1.5h", MALFORMED),
            ("1y", MALFORMED),
            ("P1Y", MALFORMED),
            ("P", MALFORMED),
            ("PT", MALFORMED),
            ("P1H", MALFORMED),
            ("P1DT", MALFORMED),
            ("99999999999999999999d", TOO_LONG),
            ("9223372036854775807w", TOO_LONG),
            ("36501d", TOO_LONG),
            ("1d ", MALFORMED),
            ("1é", MALFORMED),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_seconds(text), expected, "{text}");
        }
    }
}
