//! What becomes of a token in a rebuild: the narrowest that D1's log and D1's row allow.

use postern_domain::standing::Standing;
use postern_domain::time::Timestamp;

use super::RecordedToken;

/// How long after its expiry a token is certainly refused: longer than any leeway for a JWT.
const LONGEST_LEEWAY_MS: i64 = 60_000;

/// What D1's log says of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logged {
    /// It was created, adopted, or is a successor.
    pub created: bool,
    /// It was revoked, or its creation was abandoned.
    pub ended: bool,
    /// It was quarantined and not released.
    pub quarantined: bool,
    /// It has a successor.
    pub replaced: bool,
    /// The token that it succeeds.
    pub replaces: Option<String>,
    /// The address that it was created from.
    pub address: Option<String>,
}

/// What becomes of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Revoked, as of then.
    Revoked(Timestamp),
    /// Quarantined since then.
    Quarantined(Timestamp),
    /// As it was: it has expired.
    Expired,
    /// Usable.
    Active,
}

/// Decides what becomes of a token of D1. `own` is what the Ledger has of it: its expiry is the one
/// that counts afterwards, so an expiry of D1's alone settles nothing. Nor does an end of D1's alone,
/// where there is a successor: no key covers it, and somebody may have put it off.
pub fn verdict(
    token: &RecordedToken,
    logged: &Logged,
    own: &Standing,
    keeps_active: bool,
    now: Timestamp,
) -> Verdict {
    let ended = token.revoked_at.filter(|end| *end <= now);
    if logged.ended || ended.is_some() {
        return Verdict::Revoked(ended.unwrap_or(now));
    }
    if let Some(since) = token.quarantined_at {
        return Verdict::Quarantined(since);
    }
    // A row that the log knows nothing of, or one that has a successor and no end, or an end that
    // only D1 has: somebody else than the Ledger may have written to D1, or D1 lacks a change.
    let has_an_end = token.revoked_at.is_some() && own.revoked_at.is_some();
    let is_doubtful = !logged.created || (logged.replaced && !has_an_end);
    if logged.quarantined || is_doubtful {
        return Verdict::Quarantined(now);
    }
    let is_over = |expiry: Option<Timestamp>| {
        expiry.is_some_and(|end| end.plus_millis(LONGEST_LEEWAY_MS) <= now)
    };
    if is_over(token.facts.expires_at) && is_over(own.expires_at) {
        return Verdict::Expired;
    }
    match keeps_active {
        true => Verdict::Active,
        false => Verdict::Quarantined(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, facts};
    use postern_domain::scope::Scope;
    use postern_domain::standing::State;
    use postern_domain::token::TokenFacts;

    /// A token that the Ledger has just taken from D1's row.
    fn taken(token: &RecordedToken) -> Standing {
        Standing {
            state: State::Live,
            revoked_at: None,
            quarantined: false,
            expires_at: token.facts.expires_at,
        }
    }

    #[test]
    fn r11_what_any_of_the_witnesses_calls_ended_is_ended() {
        let token = RecordedToken {
            facts: facts(1, Scope::Organization),
            description: None,
            created_at: at(0),
            minted_by: None,
            revoked_at: None,
            quarantined_at: None,
            uses: 0,
            used_at: None,
        };
        let created = Logged {
            created: true,
            ..Logged::default()
        };
        let expiring = |ms| RecordedToken {
            facts: TokenFacts {
                expires_at: Some(at(ms)),
                ..token.facts.clone()
            },
            ..token.clone()
        };
        let revoked = |ms| RecordedToken {
            revoked_at: Some(at(ms)),
            ..token.clone()
        };
        let quarantined = RecordedToken {
            quarantined_at: Some(at(5)),
            ..token.clone()
        };
        let logged = |change: fn(&mut Logged)| {
            let mut logged = created.clone();
            change(&mut logged);
            logged
        };
        let now = at(100_000);
        let held = Verdict::Quarantined(now);
        let rows = [
            ("active", token.clone(), created.clone(), Verdict::Active),
            (
                "revoked",
                revoked(9),
                created.clone(),
                Verdict::Revoked(at(9)),
            ),
            (
                "its end is D1's alone",
                revoked(200_000),
                logged(|l| l.replaced = true),
                held,
            ),
            (
                "its end is missing",
                token.clone(),
                logged(|l| l.replaced = true),
                held,
            ),
            (
                "revoked by the log alone",
                token.clone(),
                logged(|l| l.ended = true),
                Verdict::Revoked(now),
            ),
            (
                "with a later end in the row",
                revoked(200_000),
                logged(|l| l.ended = true),
                Verdict::Revoked(now),
            ),
            (
                "quarantined",
                quarantined.clone(),
                created.clone(),
                Verdict::Quarantined(at(5)),
            ),
            (
                "quarantined by the log alone",
                token.clone(),
                logged(|l| l.quarantined = true),
                held,
            ),
            ("unknown to the log", token.clone(), Logged::default(), held),
            (
                "expired",
                expiring(40_000),
                created.clone(),
                Verdict::Expired,
            ),
            (
                "expired, within a leeway",
                expiring(40_001),
                created.clone(),
                Verdict::Active,
            ),
            ("expired and unknown", expiring(1), Logged::default(), held),
        ];
        for (what, token, logged, expected) in rows {
            let own = taken(&token);
            let found = verdict(&token, &logged, &own, true, now);
            assert_eq!(found, expected, "{what}");
            let closed = match expected {
                Verdict::Active => held,
                other => other,
            };
            let found = verdict(&token, &logged, &own, false, now);
            assert_eq!(found, closed, "{what}");
        }
        // Being rotated out, as the Ledger has it too.
        let replaced = logged(|l| l.replaced = true);
        let own = Standing {
            revoked_at: Some(at(150_000)),
            ..taken(&token)
        };
        let rows = [
            (revoked(200_000), Verdict::Active),
            (revoked(9), Verdict::Revoked(at(9))),
            (token.clone(), held),
        ];
        for (token, expected) in rows {
            assert_eq!(verdict(&token, &replaced, &own, true, now), expected);
        }
        // An expiry that the Ledger does not have, or another one.
        let token = expiring(1);
        for expires_at in [None, Some(at(40_001))] {
            let own = Standing {
                expires_at,
                ..taken(&token)
            };
            let found = |keeps| verdict(&token, &created, &own, keeps, now);
            assert_eq!([found(true), found(false)], [Verdict::Active, held]);
        }
    }
}
