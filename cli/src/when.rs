//! Moments as flags take them: RFC 3339, a day, or a span from now such as `14d`.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

const FORM: &str = "must be a moment such as 2030-01-31T12:00:00Z, a day, or a span such as 24h";

/// Reads a moment; a span is as long ago.
///
/// # Errors
/// What it must be, for a flag's error.
pub fn past(text: &str) -> Result<String, String> {
    read(text, |span| Utc::now().checked_sub_signed(span))
}

/// Reads a moment; a span is from now on.
///
/// # Errors
/// What it must be, for a flag's error.
pub fn future(text: &str) -> Result<String, String> {
    read(text, |span| Utc::now().checked_add_signed(span))
}

/// Reads a span, and gives the moment as long ago.
///
/// # Errors
/// What it must be, for a flag's error.
pub fn ago(text: &str) -> Result<String, String> {
    let moment = span(text).and_then(|span| Utc::now().checked_sub_signed(span));
    moment
        .map(written)
        .ok_or_else(|| "must be a span such as 1h, 24h or 7d".to_owned())
}

fn read(
    text: &str,
    of_span: impl Fn(TimeDelta) -> Option<DateTime<Utc>>,
) -> Result<String, String> {
    // As it was written: the gateway reads it itself.
    if DateTime::parse_from_rfc3339(text).is_ok() {
        return Ok(text.to_owned());
    }
    if text.parse::<NaiveDate>().is_ok() {
        return Ok(format!("{text}T00:00:00Z"));
    }
    let moment = span(text).and_then(of_span);
    moment.map(written).ok_or_else(|| FORM.to_owned())
}

fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `90s`, `30m`, `24h`, `7d`, `2w`.
fn span(text: &str) -> Option<TimeDelta> {
    let number = text.strip_suffix(['s', 'm', 'h', 'd', 'w'])?;
    let length = match text.get(number.len()..)? {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => 604_800,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = number.parse().ok().filter(|_| digits)?;
    TimeDelta::try_seconds(number.checked_mul(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_stay_as_they_are_written() {
        for (text, expected) in [
            ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00Z"),
            ("2030-01-31T12:00:00.5+02:00", "2030-01-31T12:00:00.5+02:00"),
            ("2030-01-31", "2030-01-31T00:00:00Z"),
        ] {
            assert_eq!(past(text).as_deref(), Ok(expected));
            assert_eq!(future(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn spans_go_back_or_ahead() {
        let now = Utc::now();
        for (text, hours) in [
            ("48h", 48),
            ("2d", 48),
            ("1w", 168),
            ("7200s", 2),
            ("60m", 1),
        ] {
            for (read, sign) in [(past as fn(&str) -> _, -1), (future, 1), (ago, -1)] {
                let moment: String = read(text).unwrap();
                let moment = DateTime::parse_from_rfc3339(&moment).unwrap();
                let distance = moment.to_utc() - now - TimeDelta::hours(sign * hours);
                assert!(distance.num_seconds().abs() < 60, "{text}: {distance}");
            }
        }
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "24",
            "h",
            "-1h",
            "+1h",
            "1.5h",
            "1y",
            "yesterday",
            "2030-13-01",
            "99999999999999w",
        ] {
            assert_eq!(past(text), Err(FORM.to_owned()), "{text}");
        }
        assert!(ago("2030-01-31").is_err());
    }
}
