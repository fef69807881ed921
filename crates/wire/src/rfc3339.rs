//! Moments as text (RFC 3339). A date without a time zone is an error.

use chrono::DateTime;

use postern_domain::time::Timestamp;

/// Reads `2026-11-21T23:34:17Z` or any other RFC 3339 moment.
pub fn parse(text: &str) -> Option<Timestamp> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Timestamp::from_millis(moment.timestamp_millis()))
}

/// Writes a moment in UTC, with milliseconds where it has any.
pub fn print(moment: Timestamp) -> String {
    moment.rfc3339()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_round_trip() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-11-21T23:34:17.250Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            assert_eq!(parse(text).map(print).as_deref(), Some(text));
        }
        assert_eq!(
            parse("2026-11-22T00:34:17+01:00").map(print).as_deref(),
            Some("2026-11-21T23:34:17Z")
        );
    }

    /// Every day of eight hundred years, at some moment of it.
    #[test]
    fn every_day_is_written_as_the_calendar_has_it() {
        for day in 0..292_194 {
            let ms = day * 86_400_000 + day * 7_919 % 86_400_000;
            let moment = Timestamp::from_millis(ms);
            assert_eq!(parse(&print(moment)), Some(moment), "{}", print(moment));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-11-21",
            "2026-11-21T23:34:17",
            "2026-13-01T00:00:00Z",
            "1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
