//! Uses of a token by day, from totals that only grow. A day without a total had no use.

use super::time::Timestamp;

/// Most days that are kept; today is one of them.
pub const MAX_DAYS: u32 = 30;

const DAY_MS: i64 = 86_400_000;

/// How often a token had been used by the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayTotal {
    /// Since 1970, in UTC.
    pub day: i64,
    /// The uses.
    pub uses: u64,
}

/// The day of a moment, counted since 1970, in UTC.
#[must_use]
pub fn day(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(DAY_MS)
}

/// When a day begins, in UTC.
#[must_use]
pub fn begins(day: i64) -> Timestamp {
    Timestamp::from_millis(day.saturating_mul(DAY_MS))
}

/// The uses of each of the last `days` days, oldest first; the last is that of `now`, in UTC.
/// `totals` may stand in any order and reach further back.
#[must_use]
pub fn by_day(totals: &[DayTotal], now: Timestamp, days: u32) -> Vec<u64> {
    let total = |day: i64| {
        let until = totals.iter().filter(|total| total.day <= day);
        until.map(|total| total.uses).max().unwrap_or(0)
    };
    let today = day(now);
    let days = (0..i64::from(days)).rev().map(|back| today - back);
    days.map(|day| total(day).saturating_sub(total(day - 1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_what_its_total_has_more_than_the_one_before() {
        const TODAY: i64 = 20_000;
        type Row<'a> = (&'a [(i64, u64)], [u64; 4]);
        let rows: [Row<'_>; 8] = [
            (&[], [0, 0, 0, 0]),
            (&[(TODAY, 5)], [0, 0, 0, 5]),
            (&[(TODAY - 3, 5)], [5, 0, 0, 0]),
            // From before the days that are asked for, or before days were counted.
            (&[(TODAY - 4, 5)], [0, 0, 0, 0]),
            (&[(0, 100), (TODAY - 1, 103)], [0, 0, 3, 0]),
            (&[(TODAY, 9), (TODAY - 3, 2), (TODAY - 1, 8)], [2, 0, 6, 1]),
            // A clock that was ahead.
            (&[(TODAY - 1, 4), (TODAY + 1, 9)], [0, 0, 4, 0]),
            (&[(TODAY - 1, u64::MAX), (TODAY, 3)], [0, 0, u64::MAX, 0]),
        ];
        for (totals, expected) in rows {
            let totals: Vec<DayTotal> = totals
                .iter()
                .map(|(day, uses)| DayTotal {
                    day: *day,
                    uses: *uses,
                })
                .collect();
            for ms in [0, DAY_MS - 1] {
                let now = Timestamp::from_millis(TODAY * DAY_MS + ms);
                assert_eq!(by_day(&totals, now, 4), expected, "{totals:?}");
            }
        }
        assert_eq!(by_day(&[], Timestamp::from_millis(0), 0), Vec::<u64>::new());
    }
}
