//! How long a revoked token still reads in bounded mode, across many locations: a model of the network around the
//! gateway's own `domain::revocation`. A model, not a measurement: latencies and losses are drawn.

use std::fmt::Write as _;

use postern_domain::id::{Id, TokenId};
use postern_domain::revocation::{Copy, Delta};
use postern_domain::time::Timestamp;

use crate::chance::Chance;
use crate::statistics::median;

/// Locations, each with one isolate.
const LOCATIONS: u64 = 300;
/// Of a hundred calls to the Ledger, as many are lost.
const LOST: u64 = 2;

/// Milliseconds until the next read at so many a hundred seconds: exponential.
fn until_read(chance: &mut Chance, per_hundred_seconds: u64) -> i64 {
    #[expect(clippy::cast_precision_loss, reason = "a model")]
    let wait = {
        let share = (chance.below(1_000_000) + 1) as f64 / 1_000_001.0;
        -share.ln() * 100_000.0 / per_hundred_seconds as f64
    };
    (wait as i64).max(1)
}

/// One way to the Ledger, in milliseconds: 5 to 150, and ten times that for one in a hundred.
fn way(chance: &mut Chance) -> i64 {
    let way = 5 + i64::try_from(chance.below(146)).unwrap_or(0);
    if chance.below(100) == 0 {
        way * 10
    } else {
        way
    }
}

/// An answer of the Ledger on its way.
enum Answer {
    Lives {
        version: i64,
        asked: i64,
    },
    Changes {
        since: i64,
        delta: Delta,
        asked: i64,
    },
}

/// One location; gives how long after the revoke its last read passed, in milliseconds.
fn location(chance: &mut Chance, bound: i64, rate: u64) -> i64 {
    let token: TokenId = Id::from_u128(1);
    let at = Timestamp::from_millis;
    let revoked = bound * 3 + i64::try_from(chance.below(10_000)).unwrap_or(0);
    let version_at = |time: i64| if time < revoked { 1 } else { 2 };
    let mut copy = Copy::default();
    let mut answers: Vec<(i64, Answer)> = Vec::new();
    let mut sync_at: Option<i64> = None;
    let (mut now, mut last) = (0, 0);
    while now < revoked + bound * 3 {
        now += until_read(chance, rate);
        // What was due before this read, in its order.
        if let Some(asked) = sync_at.filter(|due| *due <= now) {
            sync_at = None;
            let reached = asked + way(chance);
            let (since, version) = (copy.version(), version_at(reached));
            let changed = (since < 2 && version == 2).then_some(token);
            let delta = Delta {
                version,
                changed: Some(changed.into_iter().collect()),
            };
            if chance.below(100) >= LOST {
                let answer = Answer::Changes {
                    since,
                    delta,
                    asked,
                };
                answers.push((reached + way(chance), answer));
            }
        }
        answers.sort_by_key(|(arrives, _)| *arrives);
        while answers.first().is_some_and(|(arrives, _)| *arrives <= now) {
            match answers.remove(0).1 {
                Answer::Lives { version, asked } => copy.join(token, version, at(asked)),
                Answer::Changes {
                    since,
                    delta,
                    asked,
                } => copy.advance(since, &delta, at(asked)),
            }
        }
        if copy.lives(token, at(now), bound) {
            last = last.max(now - revoked);
        } else {
            let reached = now + way(chance);
            if reached < revoked && chance.below(100) >= LOST {
                let answer = Answer::Lives {
                    version: version_at(reached),
                    asked: now,
                };
                answers.push((reached + way(chance), answer));
            }
        }
        if sync_at.is_none() {
            sync_at = Some(now + copy.wait_ms(at(now), bound));
        }
    }
    last
}

/// How long after a revoke the last read passed, in each location, in milliseconds.
pub fn simulate(bound_seconds: i64, reads_per_hundred_seconds: u64) -> Vec<i64> {
    let mut chance = Chance::new();
    (0..LOCATIONS)
        .map(|_| location(&mut chance, bound_seconds * 1000, reads_per_hundred_seconds))
        .collect()
}

/// The model's table.
pub fn markdown() -> String {
    let mut text = format!(
        "A model, not a measurement: {LOCATIONS} locations, 5 to 150 ms one way to the Ledger (one in a hundred ten times that), \
         {LOST} % of calls lost. Seconds after the revoke in which a location still let a read through.\n\n\
         | bound | reads/s in a location | locations with any | median of all | longest |\n|---|---|---|---|---|\n"
    );
    for bound in [1, 5, 30] {
        for rate in [10, 100, 10_000] {
            let lasts = simulate(bound, rate);
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a model")]
            let seconds: Vec<f64> = lasts.iter().map(|last| *last as f64 / 1000.0).collect();
            let any = lasts.iter().filter(|last| **last > 0).count();
            let longest = seconds.iter().copied().fold(0.0, f64::max);
            let rate = f64::from(u32::try_from(rate).unwrap_or(0)) / 100.0;
            let _ = writeln!(
                text,
                "| {bound} s | {rate} | {any} | {:.2} | {longest:.2} |",
                median(&seconds)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_location_lets_a_read_through_once_the_bound_is_over() {
        for bound in [1, 5, 30] {
            for rate in [10, 100, 10_000] {
                let lasts = simulate(bound, rate);
                assert!(
                    lasts.iter().all(|last| *last < bound * 1000),
                    "{bound} {rate}"
                );
            }
        }
    }

    #[test]
    fn the_model_is_of_bounded_mode() {
        let lasts = simulate(5, 10_000);
        assert!(
            lasts.iter().any(|last| *last > 2_000),
            "no read rests on a word"
        );
    }
}
