//! What an isolate has met of clients' addresses that it could not read: how often operators are told,
//! and for how long.

use postern_domain::time::Timestamp;

/// How often an isolate tells, in milliseconds.
const TOLD_EVERY_MS: i64 = 60_000;
/// How long the last address that could not be read is remembered, in milliseconds.
const REMEMBERED_MS: i64 = 600_000;

/// The last address that could not be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientAddresses {
    met: Option<Timestamp>,
    told: Option<Timestamp>,
}

impl ClientAddresses {
    /// None was met.
    pub const NONE: Self = Self {
        met: None,
        told: None,
    };

    /// Takes note of one. Tells whether operators are to be told now.
    pub fn unread(&mut self, now: Timestamp) -> bool {
        self.met = Some(now);
        let is_due = !is_within(self.told, now, TOLD_EVERY_MS);
        if is_due {
            self.told = Some(now);
        }
        is_due
    }

    /// As `/readyz` has it: `unreadable` where one was met of late.
    pub fn state(&self, now: Timestamp) -> &'static str {
        match is_within(self.met, now, REMEMBERED_MS) {
            true => "unreadable",
            false => "readable",
        }
    }
}

fn is_within(moment: Option<Timestamp>, now: Timestamp, millis: i64) -> bool {
    moment.is_some_and(|moment| now.since(moment) < millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_operators_are_told_once_a_minute_and_readyz_tells_for_ten() {
        let at = Timestamp::from_millis;
        let mut addresses = ClientAddresses::NONE;
        assert_eq!(addresses.state(at(0)), "readable");
        // Moment, whether it is told, and what is said just after.
        let rows = [
            (0, true),
            (1, false),
            (TOLD_EVERY_MS - 1, false),
            (TOLD_EVERY_MS, true),
            (2 * TOLD_EVERY_MS - 1, false),
        ];
        for (moment, told) in rows {
            assert_eq!(addresses.unread(at(moment)), told, "{moment}");
            assert_eq!(addresses.state(at(moment)), "unreadable");
        }
        let last = 2 * TOLD_EVERY_MS - 1;
        assert_eq!(addresses.state(at(last + REMEMBERED_MS - 1)), "unreadable");
        assert_eq!(addresses.state(at(last + REMEMBERED_MS)), "readable");
    }
}
