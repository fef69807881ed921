//! How many calls of a token the isolates may let through (R53): counted by second over the last minute,
//! and given out in parts, so that a token that is used much costs about sixty questions a minute.
//!
//! In memory, written with the uses, and read again by the next instance: an idle object loses its
//! memory after ten seconds.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;

/// For how many seconds a call counts. One more than a minute has: a second is counted as a whole.
const COUNTED_SECONDS: i64 = 61;
/// Into how many parts the calls of a minute are given out.
const PARTS: u32 = 60;

/// What a question for calls is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenCalls {
    /// So many calls may be let through, by the isolate that asked.
    pub granted: u32,
    /// Where there are none: after how many seconds to ask again.
    pub wait_seconds: u32,
}

/// What has been given of one token within the last minute: seconds with the calls of each, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window(VecDeque<(i64, u32)>);

impl Window {
    /// Whether nothing counts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what counts no more. After a clock that went back far, all counts anew.
    fn pass(&mut self, second: i64) {
        let over = |told: &(i64, u32)| {
            second - told.0 >= COUNTED_SECONDS || told.0 - second >= COUNTED_SECONDS
        };
        self.0.retain(|told| !over(told));
    }

    /// Gives calls of a token that may make `limit` of them a minute: one, or a part of them.
    fn give(&mut self, limit: u32, is_one: bool, second: i64) -> GivenCalls {
        self.pass(second);
        let given: u32 = self.0.iter().map(|(_, calls)| calls).sum();
        let part = if is_one { 1 } else { (limit / PARTS).max(1) };
        let granted = limit.saturating_sub(given).min(part);
        if granted == 0 {
            let oldest = self.0.iter().map(|(at, _)| *at).min().unwrap_or(second);
            let wait = (oldest + COUNTED_SECONDS - second).clamp(1, COUNTED_SECONDS);
            return GivenCalls {
                granted,
                wait_seconds: u32::try_from(wait).unwrap_or(1),
            };
        }
        match self.0.back_mut() {
            Some((last, calls)) if *last == second => *calls = calls.saturating_add(granted),
            _ => self.0.push_back((second, granted)),
        }
        GivenCalls {
            granted,
            wait_seconds: 0,
        }
    }
}

/// The windows of a Ledger's tokens.
#[derive(Debug, Default)]
pub struct CallWindows {
    windows: HashMap<TokenId, Window>,
    /// Those that have changed since they were last written.
    changed: HashSet<TokenId>,
    /// Whether what an earlier instance has written was read.
    is_read: bool,
}

impl CallWindows {
    /// Whether what an earlier instance has written is still to be read.
    pub fn is_new(&self) -> bool {
        !self.is_read
    }

    /// Takes in what an earlier instance has written.
    pub fn begin(&mut self, windows: impl IntoIterator<Item = (TokenId, Window)>) {
        self.windows.extend(windows);
        self.is_read = true;
    }

    /// Gives calls of a token.
    pub fn give(
        &mut self,
        token: TokenId,
        (limit, is_one): (u32, bool),
        now: Timestamp,
    ) -> GivenCalls {
        let second = now.as_millis().div_euclid(1000);
        let window = self.windows.entry(token).or_default();
        let given = window.give(limit, is_one, second);
        if given.granted > 0 {
            self.changed.insert(token);
        }
        given
    }

    /// Counts for a successor what counts for the token whose place it takes: a rotation begins no new minute.
    /// Tells whether there was any.
    pub fn succeed(&mut self, old: TokenId, successor: TokenId) -> bool {
        let Some(window) = self.windows.get(&old).filter(|window| !window.is_empty()) else {
            return false;
        };
        self.windows.insert(successor, window.clone());
        self.changed.insert(successor);
        true
    }

    /// Takes what is to be written: each window that has changed, and those that are over, which are
    /// empty then. Where one is left that is not over, this is to be asked again.
    pub fn take_changed(&mut self, now: Timestamp) -> (Vec<(TokenId, Window)>, bool) {
        let second = now.as_millis().div_euclid(1000);
        let mut changed = core::mem::take(&mut self.changed);
        for (token, window) in &mut self.windows {
            window.pass(second);
            if window.is_empty() {
                changed.insert(*token);
            }
        }
        let window = |token| (token, self.windows.get(&token).cloned().unwrap_or_default());
        let written = changed.into_iter().map(window).collect();
        self.windows.retain(|_, window| !window.is_empty());
        (written, !self.windows.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::id::Id;

    use super::*;

    const TOKEN: TokenId = Id::from_u128(7);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn give(windows: &mut CallWindows, limit: u32, is_one: bool, ms: i64) -> (u32, u32) {
        let given = windows.give(TOKEN, (limit, is_one), at(ms));
        (given.granted, given.wait_seconds)
    }

    #[test]
    fn r53_calls_are_given_in_parts_of_a_sixtieth() {
        for (limit, part) in [(1, 1), (59, 1), (60, 1), (119, 1), (120, 2), (6_000, 100)] {
            let mut windows = CallWindows::default();
            assert_eq!(give(&mut windows, limit, false, 0), (part, 0), "{limit}");
            let mut windows = CallWindows::default();
            assert_eq!(give(&mut windows, limit, true, 0), (1, 0), "{limit}, one");
        }
    }

    #[test]
    fn r53_the_last_part_is_what_is_left_and_then_one_waits() {
        let mut windows = CallWindows::default();
        assert_eq!(give(&mut windows, 3, true, 0), (1, 0));
        assert_eq!(give(&mut windows, 3, true, 10_999), (1, 0));
        assert_eq!(give(&mut windows, 3, true, 20_000), (1, 0));
        // Until the first one counts no more.
        assert_eq!(give(&mut windows, 3, true, 21_000), (0, 40));
        assert_eq!(give(&mut windows, 3, true, 60_999), (0, 1));
        assert_eq!(give(&mut windows, 3, true, 61_000), (1, 0));
        assert_eq!(give(&mut windows, 3, true, 61_000), (0, 10));
    }

    #[test]
    fn r53_a_successor_goes_on_in_the_minute_of_the_token_before() {
        const SUCCESSOR: TokenId = Id::from_u128(8);
        let mut windows = CallWindows::default();
        assert!(!windows.succeed(TOKEN, SUCCESSOR), "nothing was given yet");
        for _ in 0..2 {
            assert_eq!(give(&mut windows, 3, true, 1_000), (1, 0));
        }
        assert!(windows.succeed(TOKEN, SUCCESSOR));
        let (written, _) = windows.take_changed(at(2_000));
        assert!(written.iter().any(|(token, _)| *token == SUCCESSOR));
        let mut of_successor = |ms| {
            let given = windows.give(SUCCESSOR, (3, true), at(ms));
            (given.granted, given.wait_seconds)
        };
        assert_eq!(of_successor(3_000), (1, 0), "what was left");
        assert_eq!(of_successor(3_000), (0, 59));
        assert_eq!(of_successor(62_000), (1, 0));
    }

    #[test]
    fn r53_a_limit_that_was_lowered_counts_what_was_given_before() {
        let mut windows = CallWindows::default();
        assert_eq!(give(&mut windows, 600, false, 0), (10, 0));
        assert_eq!(give(&mut windows, 12, true, 0), (1, 0));
        assert_eq!(give(&mut windows, 10, true, 0), (0, 61));
    }

    #[test]
    fn r53_a_clock_that_goes_back_stops_nobody_for_good() {
        let mut windows = CallWindows::default();
        assert_eq!(give(&mut windows, 1, true, 1_000_000), (1, 0));
        // A little: it still counts. Far: it does not.
        assert_eq!(give(&mut windows, 1, true, 999_000).0, 0);
        assert_eq!(give(&mut windows, 1, true, 0), (1, 0));
    }

    #[test]
    fn r53_what_was_given_outlives_the_instance() {
        let mut windows = CallWindows::default();
        assert!(windows.is_new());
        give(&mut windows, 1, true, 0);
        let (written, is_left) = windows.take_changed(at(8_000));
        assert!(is_left);
        assert_eq!(windows.take_changed(at(16_000)), (Vec::new(), true), "once");
        let over = (vec![(TOKEN, Window::default())], false);
        assert_eq!(windows.take_changed(at(61_000)), over, "it is deleted");
        assert_eq!(windows.take_changed(at(62_000)), (Vec::new(), false));
        let text = serde_json::to_string(&written[0].1).expect("serializes");
        assert_eq!(text, "[[0,1]]");
        let mut next = CallWindows::default();
        let read = serde_json::from_str(&text).expect("reads");
        next.begin([(TOKEN, read)]);
        assert!(!next.is_new());
        assert_eq!(give(&mut next, 1, true, 5_000), (0, 56));
    }

    /// In any sixty seconds no more is given than the limit.
    #[test]
    fn r53_no_minute_gives_more_than_its_limit() {
        for seed in 1..=300 {
            let mut dice = crate::testing::dice::Dice::new(seed);
            let limit = 1 + u32::try_from(dice.roll(200)).expect("small");
            let mut windows = CallWindows::default();
            let mut now = 0;
            let mut given: Vec<(i64, u32)> = Vec::new();
            for _ in 0..200 {
                now += dice.span(3_000);
                let is_one = dice.one_in(2);
                let (granted, wait) = give(&mut windows, limit, is_one, now);
                assert_eq!(granted == 0, wait > 0, "seed {seed}");
                given.push((now, granted));
                let lately = given.iter().filter(|(at, _)| now - at <= 60_000);
                let sum: u32 = lately.map(|(_, calls)| calls).sum();
                assert!(sum <= limit, "seed {seed}: {sum} of {limit}");
            }
        }
    }
}
