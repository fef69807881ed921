//! The token bucket that limits minting (R26), kept as one number: the moment at which it will be
//! full again.
//!
//! Taking one moves that moment one interval further away; a bucket whose moment has passed is
//! full and needs no memory at all, so an idle address leaves nothing behind.

/// How many takes an hour, which is also how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_hour: u32,
}

const HOUR_MICROS: i64 = 3_600_000_000;

/// The state of a bucket: microseconds since the epoch at which it is full again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FullAt(pub i64);

/// An allowed take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// When the bucket will be full again.
    pub full_at: FullAt,
    /// Takes left right now.
    pub remaining: u32,
}

/// A refused take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Empty {
    /// Whole seconds until one take is possible, at least 1.
    pub retry_after_seconds: u32,
}

impl Rate {
    /// A rate of 1 to 1,000,000 an hour; `None` outside.
    pub fn per_hour(per_hour: u32) -> Option<Self> {
        (1..=1_000_000)
            .contains(&per_hour)
            .then_some(Self { per_hour })
    }

    /// Takes an hour.
    pub fn limit(self) -> u32 {
        self.per_hour
    }

    fn interval(self) -> i64 {
        HOUR_MICROS / i64::from(self.per_hour)
    }

    /// Takes one at `now_micros`, from a bucket that may be unknown (= full).
    ///
    /// # Errors
    /// [`Empty`] with the wait, and the bucket stays as it was.
    pub fn take(self, bucket: Option<FullAt>, now_micros: i64) -> Result<Taken, Empty> {
        let capacity = self.interval() * i64::from(self.per_hour);
        // A moment too far ahead comes from a higher rate or a clock that ran ahead: cap it.
        let full_at = bucket
            .map_or(now_micros, |full| full.0)
            .clamp(now_micros, now_micros + capacity);
        let after = full_at + self.interval();
        let debt = after - now_micros;
        if debt > capacity {
            let wait = (debt - capacity + 999_999) / 1_000_000;
            return Err(Empty {
                retry_after_seconds: u32::try_from(wait).unwrap_or(u32::MAX).max(1),
            });
        }
        let remaining = (capacity - debt) / self.interval();
        Ok(Taken {
            full_at: FullAt(after),
            remaining: u32::try_from(remaining).unwrap_or(0),
        })
    }

    /// Gives one back: the take bought nothing.
    #[must_use]
    pub fn give_back(self, bucket: FullAt) -> FullAt {
        FullAt(bucket.0 - self.interval())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn r26_ten_at_once_then_one_every_six_minutes() {
        let rate = Rate::per_hour(10).expect("in range");
        let now = 1_000 * SECOND;
        let mut bucket = None;
        for left in (0..10).rev() {
            let taken = rate.take(bucket, now).expect("within the burst");
            assert_eq!(taken.remaining, left);
            bucket = Some(taken.full_at);
        }
        assert_eq!(
            rate.take(bucket, now),
            Err(Empty {
                retry_after_seconds: 360
            })
        );
        let later = now + 359 * SECOND;
        assert_eq!(
            rate.take(bucket, later),
            Err(Empty {
                retry_after_seconds: 1
            })
        );
        let taken = rate
            .take(bucket, now + 360 * SECOND)
            .expect("one has refilled");
        assert_eq!(taken.remaining, 0);
    }

    #[test]
    fn a_full_bucket_is_no_bucket() {
        let rate = Rate::per_hour(10).expect("in range");
        let old = Some(FullAt(5 * SECOND));
        assert_eq!(rate.take(old, 9 * SECOND), rate.take(None, 9 * SECOND));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let rate = Rate::per_hour(1).expect("in range");
        let taken = rate.take(None, 0).expect("full");
        assert!(rate.take(Some(taken.full_at), 0).is_err());
        assert!(rate.take(Some(rate.give_back(taken.full_at)), 0).is_ok());
    }

    #[test]
    fn a_moment_far_ahead_never_locks_out_for_more_than_an_interval() {
        let rate = Rate::per_hour(10).expect("in range");
        assert_eq!(
            rate.take(Some(FullAt(i64::MAX)), 0),
            Err(Empty {
                retry_after_seconds: 360
            })
        );
    }

    #[test]
    fn rates_have_bounds() {
        assert_eq!(Rate::per_hour(0), None);
        assert_eq!(Rate::per_hour(1_000_001), None);
    }
}
