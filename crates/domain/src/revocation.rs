//! An isolate's copy of an organization's revocation log, for calls that may rest on an answer that
//! is a little old (bounded mode). A copy that is older than the bound answers nothing, and what it
//! does not know is asked of the Ledger.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::id::TokenId;
use super::time::Timestamp;

/// Most tokens that a copy holds; a full one is emptied, and each is asked for again.
pub const CAPACITY: usize = 8_192;

/// Most changes in one [`Delta`]. After more, a copy starts anew.
pub const MAX_CHANGES: usize = 1_000;

/// Longest time between two questions for changes, in milliseconds: uses are reported with them, as
/// often as a Ledger writes uses.
pub const LONGEST_WAIT_MS: i64 = 8_000;

/// What happened to an organization's tokens after a version of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The version that the log had reached when it was read.
    pub version: i64,
    /// Tokens whose standing has changed since, at most [`MAX_CHANGES`]; `None` = too many to
    /// list, or the log cannot tell.
    pub changed: Option<Vec<TokenId>>,
}

/// The copy. What it holds was live at a version that it has reached, and has not changed up to
/// `version`. Every later change has a later version, so the next delta names it.
#[derive(Debug, Default)]
pub struct Copy {
    version: i64,
    /// The isolate's clock when it last asked for what is here: before the log was read.
    as_of: Option<Timestamp>,
    live: HashSet<TokenId>,
}

impl Copy {
    /// Whether a token lived less than `bound_ms` ago. No is no refusal, but a question for the
    /// Ledger.
    pub fn lives(&self, token: TokenId, now: Timestamp, bound_ms: i64) -> bool {
        self.is_fresh(now, bound_ms) && self.live.contains(&token)
    }

    /// Whether the copy is younger than `bound_ms`.
    fn is_fresh(&self, now: Timestamp, bound_ms: i64) -> bool {
        self.as_of.is_some_and(|as_of| {
            // A clock that went back makes ages unknown.
            (0..bound_ms).contains(&now.as_millis().saturating_sub(as_of.as_millis()))
        })
    }

    /// After how many milliseconds changes are to be asked for: before the bound is reached, and at
    /// once where the copy is too old to answer anything.
    pub fn wait_ms(&self, now: Timestamp, bound_ms: i64) -> i64 {
        match self.is_fresh(now, bound_ms) {
            true => (bound_ms * 4 / 5).min(LONGEST_WAIT_MS),
            false => 0,
        }
    }

    /// The version to ask for changes after.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Takes in that the Ledger, asked at `asked`, said that a token is active, at `version` of its
    /// log.
    pub fn join(&mut self, token: TokenId, version: i64, asked: Timestamp) {
        if self.as_of.is_none() {
            (self.version, self.as_of) = (version, Some(asked));
        }
        // An answer from before what is already known here: a change in between would be missed.
        if version < self.version {
            return;
        }
        if self.live.len() >= CAPACITY {
            self.live.clear();
        }
        self.live.insert(token);
    }

    /// Takes in the changes after version `since`, which were asked for at `asked`.
    pub fn advance(&mut self, since: i64, delta: &Delta, asked: Timestamp) {
        let Some(changed) = &delta.changed else {
            *self = Self {
                version: delta.version,
                as_of: Some(asked),
                live: HashSet::new(),
            };
            return;
        };
        if since > self.version || delta.version < self.version {
            // It does not reach back to what is known here, or another was faster.
            return;
        }
        for token in changed {
            self.live.remove(token);
        }
        self.version = delta.version;
        self.as_of = self.as_of.max(Some(asked));
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::Id;
    use super::*;

    const BOUND: i64 = 5_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn token(n: u128) -> TokenId {
        Id::from_u128(n)
    }

    fn delta(version: i64, changed: &[u128]) -> Delta {
        Delta {
            version,
            changed: Some(changed.iter().map(|n| token(*n)).collect()),
        }
    }

    fn lives(copy: &Copy, n: u128, ms: i64) -> bool {
        copy.lives(token(n), at(ms), BOUND)
    }

    #[test]
    fn an_answer_holds_until_the_bound_and_not_a_moment_longer() {
        let mut copy = Copy::default();
        assert!(!lives(&copy, 1, 0));
        copy.join(token(1), 3, at(1_000));
        assert!(lives(&copy, 1, 1_000));
        assert!(lives(&copy, 1, 5_999));
        assert!(!lives(&copy, 1, 6_000));
        assert!(!lives(&copy, 1, 999), "the clock went back");
        assert!(!lives(&copy, 2, 1_000), "never asked for");
        copy.advance(3, &delta(3, &[]), at(6_500));
        assert!(lives(&copy, 1, 11_499));
    }

    #[test]
    fn a_token_that_is_told_to_have_changed_is_asked_for_again() {
        let mut copy = Copy::default();
        copy.join(token(1), 3, at(0));
        copy.join(token(2), 3, at(0));
        copy.advance(3, &delta(4, &[1]), at(100));
        assert!(!lives(&copy, 1, 100));
        assert!(lives(&copy, 2, 100));
        copy.advance(
            4,
            &Delta {
                version: 9_000,
                changed: None,
            },
            at(200),
        );
        assert!(!lives(&copy, 2, 200), "too many changes to list");
        copy.join(token(2), 9_000, at(300));
        assert!(lives(&copy, 2, 300));
        copy.advance(
            9_000,
            &Delta {
                version: 2,
                changed: None,
            },
            at(400),
        );
        assert!(!lives(&copy, 2, 400), "another log");
        assert_eq!(copy.version(), 2);
    }

    /// The Ledger answers "live" at version 3; before that answer arrives, another one brings the
    /// revocation at version 4.
    #[test]
    fn an_answer_that_comes_late_does_not_bring_a_token_back() {
        let mut copy = Copy::default();
        copy.join(token(2), 3, at(0));
        copy.advance(3, &delta(4, &[1]), at(10));
        copy.join(token(1), 3, at(5));
        assert!(!lives(&copy, 1, 11));
    }

    #[test]
    fn a_delta_that_does_not_fit_changes_nothing() {
        let mut copy = Copy::default();
        copy.join(token(1), 5, at(0));
        for (since, version) in [(6, 7), (4, 4)] {
            copy.advance(since, &delta(version, &[1]), at(4_000));
            assert!(lives(&copy, 1, 4_999));
            assert!(!lives(&copy, 1, 5_000), "its time counted");
            assert_eq!(copy.version(), 5);
        }
    }

    #[test]
    fn joining_makes_nothing_else_younger() {
        let mut copy = Copy::default();
        copy.join(token(1), 1, at(0));
        copy.join(token(2), 1, at(4_999));
        assert!(!lives(&copy, 1, 5_000));
        assert!(!lives(&copy, 2, 5_000));
    }

    #[test]
    fn a_full_copy_starts_anew() {
        let mut copy = Copy::default();
        for n in 0..=CAPACITY as u128 {
            copy.join(token(n), 1, at(0));
        }
        assert!(!lives(&copy, 0, 1));
        assert!(lives(&copy, CAPACITY as u128, 1));
    }
}
