//! Moments and spans in milliseconds. Nothing here reads a clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// Always within ±2^53, so that it survives a trip through a JavaScript number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

const DAY_MS: i64 = 86_400_000;

/// The latest moment the gateway handles: 9999-12-31T23:59:59.999Z, the last one of RFC 3339.
pub const LATEST: Timestamp = Timestamp(253_402_300_799_999);

impl Timestamp {
    /// The moment `ms` milliseconds after the epoch, moved into `0..=`[`LATEST`] if outside.
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(0, LATEST.0))
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the unit of JWT claims.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment without its fraction of a second. Expiry is kept in whole seconds so that a
    /// row and its JWT's `exp` are equal.
    #[must_use]
    pub fn floor_to_second(self) -> Self {
        Self(self.as_seconds() * 1000)
    }

    /// `ms` milliseconds later, at most [`LATEST`].
    #[must_use]
    pub fn plus_millis(self, ms: i64) -> Self {
        Self::from_millis(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when it is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The moment as text (RFC 3339), in UTC, with milliseconds where it has any.
    pub fn rfc3339(self) -> String {
        let (days, ms) = (self.0.div_euclid(DAY_MS), self.0.rem_euclid(DAY_MS));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        match ms % 1000 {
            0 => format!("{text}Z"),
            ms => format!("{text}.{ms:03}Z"),
        }
    }
}

/// Year, month and day of so many days after 1970-01-01, in the Gregorian calendar. A year begins with March
/// here, so that the leap day is its last, and an era of 400 years always has as many days.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = match month < 10 {
        true => (month + 3, 0),
        false => (month - 9, 1),
    };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::from_millis(-5).as_millis(), 0);
        assert_eq!(Timestamp::from_millis(5).plus_millis(i64::MAX), LATEST);
        assert_eq!(
            Timestamp::from_millis(1_999).floor_to_second().as_millis(),
            1_000
        );
    }
}
