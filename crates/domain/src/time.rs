//! Moments and spans in milliseconds. Nothing here reads a clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// Always within ±2^53, so that it survives a trip through a JavaScript number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

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
