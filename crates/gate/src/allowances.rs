//! The calls that this isolate may let through of tokens that may make only so many a minute (R53), as
//! Ledgers have given them. Lost without harm: what is forgotten is asked for again, and counts.

use std::collections::HashMap;

use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;
use postern_ledger::GivenCalls;

/// For how long given calls may be let through, in milliseconds: as long as they count.
const LASTS_MS: i64 = 60_000;
/// Most tokens of which something is known; then all are forgotten.
const CAPACITY: usize = 8_192;

/// What is known of one token's calls.
#[derive(Debug, Clone, Copy, Default)]
struct Allowance {
    /// So many may be let through,
    left: u32,
    /// until then.
    until: Option<Timestamp>,
    /// Before this there are none for anybody.
    waits_until: Option<Timestamp>,
}

/// Whether a call of a token may be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Yes: there are calls.
    Some,
    /// The Ledger is asked.
    Unknown,
    /// No, for so many seconds.
    Exceeded(u32),
}

/// What is known of all tokens that have a limit.
#[derive(Debug, Default)]
pub struct Allowances {
    tokens: HashMap<TokenId, Allowance>,
}

impl Allowances {
    /// Whether a call may be let through.
    pub fn room(&self, token: TokenId, now: Timestamp) -> Room {
        let Some(known) = self.tokens.get(&token) else {
            return Room::Unknown;
        };
        if known.left > 0 && known.until.is_some_and(|until| now < until) {
            return Room::Some;
        }
        match known.waits_until.map(|until| until.since(now)) {
            // One that is further ahead than any wait is of a clock that has gone back.
            Some(left @ 1..=LASTS_MS) => {
                Room::Exceeded(u32::try_from(left.div_euclid(1000) + 1).unwrap_or(1))
            }
            _ => Room::Unknown,
        }
    }

    /// Takes one call, where there is room.
    pub fn take(&mut self, token: TokenId, now: Timestamp) -> Room {
        let room = self.room(token, now);
        if room == Room::Some
            && let Some(known) = self.tokens.get_mut(&token)
        {
            known.left = known.left.saturating_sub(1);
        }
        room
    }

    /// Takes in what a Ledger has answered to a question that was asked at a moment.
    pub fn given(&mut self, token: TokenId, given: GivenCalls, asked: Timestamp, now: Timestamp) {
        if self.tokens.len() >= CAPACITY && !self.tokens.contains_key(&token) {
            self.tokens.clear();
        }
        let known = self.tokens.entry(token).or_default();
        if given.granted == 0 {
            let wait = i64::from(given.wait_seconds) * 1000;
            known.waits_until = Some(now.plus_millis(wait.min(LASTS_MS)));
            return;
        }
        // What is left of before ends no later than what has come.
        let is_over = known.until.is_none_or(|until| until <= now);
        let left = if is_over { 0 } else { known.left };
        let until = asked.plus_millis(LASTS_MS);
        *known = Allowance {
            left: left.saturating_add(given.granted),
            until: Some(match known.until {
                Some(own) if left > 0 => own.min(until),
                _ => until,
            }),
            waits_until: None,
        };
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::conditions::Conditions;
    use postern_domain::id::Id;
    use postern_ledger::testing::{self, Sqlite, open};
    use postern_ledger::{AdmitQuery, Claim, Ledger};

    use super::*;

    const TOKEN: TokenId = Id::from_u128(7);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn given(allowances: &mut Allowances, granted: u32, wait_seconds: u32, ms: i64) {
        let given = GivenCalls {
            granted,
            wait_seconds,
        };
        allowances.given(TOKEN, given, at(ms), at(ms));
    }

    #[test]
    fn r53_what_was_given_is_let_through_once() {
        let mut allowances = Allowances::default();
        assert_eq!(allowances.take(TOKEN, at(0)), Room::Unknown);
        given(&mut allowances, 2, 0, 0);
        assert_eq!(
            allowances.room(TOKEN, at(0)),
            Room::Some,
            "a look takes none"
        );
        assert_eq!(allowances.take(TOKEN, at(1)), Room::Some);
        assert_eq!(allowances.take(TOKEN, at(2)), Room::Some);
        assert_eq!(allowances.take(TOKEN, at(3)), Room::Unknown);
    }

    #[test]
    fn r53_what_was_given_ends_after_a_minute() {
        let mut allowances = Allowances::default();
        given(&mut allowances, 2, 0, 0);
        assert_eq!(allowances.take(TOKEN, at(59_999)), Room::Some);
        assert_eq!(allowances.take(TOKEN, at(60_000)), Room::Unknown);
        // What comes later does not bring it back,
        given(&mut allowances, 1, 0, 60_000);
        assert_eq!(allowances.take(TOKEN, at(60_000)), Room::Some);
        assert_eq!(allowances.take(TOKEN, at(60_000)), Room::Unknown);
        // nor does it make what is left last longer.
        given(&mut allowances, 2, 0, 100_000);
        given(&mut allowances, 2, 0, 150_000);
        assert_eq!(allowances.take(TOKEN, at(159_999)), Room::Some);
        assert_eq!(allowances.take(TOKEN, at(160_000)), Room::Unknown);
    }

    #[test]
    fn r53_a_refusal_is_repeated_until_there_is_room() {
        let mut allowances = Allowances::default();
        given(&mut allowances, 0, 5, 1_000);
        assert_eq!(allowances.take(TOKEN, at(1_000)), Room::Exceeded(6));
        assert_eq!(allowances.take(TOKEN, at(5_999)), Room::Exceeded(1));
        assert_eq!(allowances.take(TOKEN, at(6_000)), Room::Unknown);
        // A clock that goes back refuses nobody for long.
        given(&mut allowances, 0, 5, 1_000_000);
        assert_eq!(allowances.take(TOKEN, at(0)), Room::Unknown);
    }

    #[test]
    fn r53_a_full_memory_asks_again() {
        let mut allowances = Allowances::default();
        for id in 0..=CAPACITY as u128 {
            let given = GivenCalls {
                granted: 1,
                wait_seconds: 0,
            };
            allowances.given(Id::from_u128(id), given, at(0), at(0));
        }
        assert_eq!(allowances.room(Id::from_u128(0), at(0)), Room::Unknown);
        let last = Id::from_u128(CAPACITY as u128);
        assert_eq!(allowances.room(last, at(0)), Room::Some);
    }

    use proptest::prelude::*;

    /// A call at one of four isolates, so many milliseconds after the one before.
    fn calls() -> impl Strategy<Value = Vec<(usize, i64)>> {
        let gap = prop_oneof![3 => 0..20_i64, 1 => 0..3_000_i64, 1 => 0..90_000_i64];
        prop::collection::vec((0..4_usize, gap), 1..600)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// The accuracy that docs/adr/0030 states, with the Ledger's own count: in any minute no more than
        /// the limit, and of each isolate what it had left of one part; and where a call is refused, no
        /// fewer than the limit without such rests were let through lately.
        #[test]
        fn r53_how_exact_the_limit_is(limit in 1..600_u32, calls in calls()) {
            let sql = Sqlite::new();
            let mut ledger = limited(&sql, limit);
            let mut isolates: Vec<Allowances> = (0..4).map(|_| Allowances::default()).collect();
            let part = (limit / 60).max(1);
            let (mut now, mut through) = (1_000_i64, Vec::new());
            for (isolate, later) in calls {
                now += later;
                let known = &mut isolates[isolate];
                let mut room = known.take(TOKEN, at(now));
                if room == Room::Unknown {
                    known.given(TOKEN, asked(&mut ledger, now), at(now), at(now));
                    room = known.take(TOKEN, at(now));
                }
                let lately = |ms| through.iter().filter(|at| now - **at < ms).count();
                let rests = 4 * (part as usize - 1);
                match room {
                    Room::Some => {
                        through.push(now);
                        let count = through.iter().filter(|at| now - **at < 60_000).count();
                        prop_assert!(count <= limit as usize + rests, "{count} of {limit}");
                    }
                    Room::Exceeded(_) => {
                        // A refusal is repeated for at most as long as it was told to wait.
                        let count = lately(122_000);
                        prop_assert!(count + rests >= limit as usize, "{count} of {limit}");
                    }
                    Room::Unknown => prop_assert!(false, "the Ledger said nothing"),
                }
            }
        }
    }

    fn limited(sql: &Sqlite, limit: u32) -> Ledger<Sqlite> {
        let mut ledger = open(sql);
        let mut mint = testing::mint(7, "ci", 0);
        let conditions = Conditions::new(Vec::new(), Some(limit)).expect("good conditions");
        mint.facts.conditions = conditions.map(Box::new);
        testing::minted(&mut ledger, 0, mint);
        ledger
    }

    fn asked(ledger: &mut Ledger<Sqlite>, now: i64) -> GivenCalls {
        let query = AdmitQuery {
            calls: true,
            claim: Some(Claim {
                holder: Id::from_u128(9),
                applied: None,
                lease: true,
            }),
            ..AdmitQuery::look(TOKEN)
        };
        let admission = ledger.admit(at(now), query).expect("an answer");
        admission.calls.expect("the token has a limit")
    }
}
