//! Spans as text: `90d`, `1d12h`, or ISO 8601 `P1DT12H` (R7). Refuses months and years, whose
//! length depends on when they begin.

/// Longest span that is read: 100 years of 365 days.
pub const MAX_SECONDS: i64 = 100 * 365 * 86_400;

/// The span in seconds, at least 1; `None` for any other text.
pub fn parse_seconds(text: &str) -> Option<i64> {
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
    (1..=MAX_SECONDS).contains(&seconds).then_some(seconds)
}

fn iso_8601(text: &str) -> Option<i64> {
    const DATE: [(char, i64); 2] = [('W', 604_800), ('D', 86_400)];
    const TIME: [(char, i64); 3] = [('H', 3_600), ('M', 60), ('S', 1)];
    match text.split_once('T') {
        None => parts(text, &DATE),
        Some(("", time)) => parts(time, &TIME),
        Some((date, time)) => parts(date, &DATE)?.checked_add(parts(time, &TIME)?),
    }
}

/// Sums `<digits><unit>` parts; units in the given order, each at most once, at least one.
fn parts(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut units = units.iter();
    let mut total: i64 = 0;
    loop {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        let (digits, rest) = text.split_at(end);
        let mut rest = rest.chars();
        let unit = rest.next()?;
        let &(_, seconds) = units.find(|(name, _)| *name == unit)?;
        let count: i64 = digits.parse().ok()?;
        total = total.checked_add(count.checked_mul(seconds)?)?;
        text = rest.as_str();
        if text.is_empty() {
            return Some(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_spans_in_both_notations() {
        let rows = [
            ("90d", Some(7_776_000)),
            ("12h", Some(43_200)),
            ("1d12h", Some(129_600)),
            ("1w", Some(604_800)),
            ("PT1H", Some(3_600)),
            ("P1DT12H", Some(129_600)),
            ("P2W", Some(1_209_600)),
            ("", None),
            ("90", None),
            ("d", None),
            ("0s", None),
            ("-1d", None),
            ("1h1d", None),
            ("1d1d", None),
            ("1.5h", None),
            ("1y", None),
            ("P1Y", None),
            ("P", None),
            ("PT", None),
            ("P1H", None),
            ("P1DT", None),
            ("99999999999999999999d", None),
            ("9223372036854775807w", None),
            ("36501d", None),
            ("1d ", None),
            ("1é", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_seconds(text), expected, "{text}");
        }
    }
}
