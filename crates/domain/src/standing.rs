//! Where a token stands in its organization's Ledger, and what follows from that at a moment. The
//! Ledger stores it; every rule about it is here, a function of the standing and the time.

use serde::{Deserialize, Serialize};

use super::id::TokenId;
use super::time::Timestamp;

/// A token's state in the Ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its record is on the way to D1; it opens nothing yet.
    Pending,
    /// D1 has its row; it is active unless something below says otherwise.
    Live,
    /// Revoked, which is final.
    Revoked,
}

/// What decides whether a token is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state that is stored.
    pub state: State,
    /// When it was revoked; ahead of now for a token that is being rotated out.
    pub revoked_at: Option<Timestamp>,
    /// Quarantined after a report.
    pub quarantined: bool,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// Why a token is not active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inactive {
    /// The Ledger has no such token, or one that is still being created.
    Unknown,
    /// Revoked, quarantined, or rotated out.
    Revoked,
    /// It has expired.
    Expired,
}

/// What a token that was being created turned out to be, once D1 had its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It can be used.
    Active,
    /// Somebody revoked it meanwhile.
    Revoked,
    /// Somebody reported it meanwhile: it exists, and opens nothing until it is released.
    Quarantined,
}

impl State {
    /// The number that the Ledger's tables have for it.
    pub fn code(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Live => 1,
            Self::Revoked => 2,
        }
    }

    /// The state of a number of the tables. An unknown number counts as revoked.
    pub fn of(code: i64) -> Self {
        match code {
            0 => Self::Pending,
            1 => Self::Live,
            _ => Self::Revoked,
        }
    }
}

impl Standing {
    /// Whether the token opens anything at `now`, its expiry aside.
    ///
    /// # Errors
    /// `Unknown` or `Revoked`.
    pub fn in_force(&self, now: Timestamp) -> Result<(), Inactive> {
        match (self.state, self.revoked_at) {
            // Nobody has it yet: its mint has not been answered.
            (State::Pending, _) => Err(Inactive::Unknown),
            _ if self.quarantined => Err(Inactive::Revoked),
            (State::Live, None) => Ok(()),
            // Being rotated out: active until then, and not a moment longer.
            (State::Live, Some(end)) if end > now => Ok(()),
            _ => Err(Inactive::Revoked),
        }
    }

    /// Whether the token's holder may have something written at `now`. A JWT's expiry has
    /// `leeway_ms` of leeway, as everywhere; an opaque key's has none.
    ///
    /// # Errors
    /// Why not.
    pub fn active(&self, now: Timestamp, leeway_ms: i64) -> Result<(), Inactive> {
        self.in_force(now)?;
        match self.expires_at {
            Some(end) if end.plus_millis(leeway_ms) <= now => Err(Inactive::Expired),
            _ => Ok(()),
        }
    }

    /// Whether a revoke has anything to do at `now`: there is for every token that was not revoked
    /// yet, pending and quarantined ones too, and for one that is only being rotated out.
    pub fn revocable(&self, now: Timestamp) -> bool {
        self.state != State::Revoked && self.revoked_at.is_none_or(|end| end > now)
    }

    /// Whether a successor may take the token's place: it is live, and nothing has begun to end it.
    pub fn rotatable(&self) -> bool {
        self.state == State::Live && self.revoked_at.is_none() && !self.quarantined
    }

    /// Whether an edit of the token means anything: it opens something now, or may do so once it is
    /// released.
    pub fn editable(&self, now: Timestamp) -> bool {
        self.state == State::Live
            && self.revoked_at.is_none_or(|end| end > now)
            && self.expires_at.is_none_or(|end| end > now)
    }

    /// Whether there is a quarantine to release.
    pub fn releasable(&self) -> bool {
        self.quarantined && self.state != State::Revoked
    }

    /// What a pending token has become when D1 has its row.
    pub fn created(&self) -> Created {
        match self.state {
            State::Revoked => Created::Revoked,
            _ if self.quarantined => Created::Quarantined,
            State::Pending | State::Live => Created::Active,
        }
    }
}

/// Whom a command is carried out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The holder of this token. The Ledger carries out nothing for one that is not active.
    Token(TokenId),
    /// Nobody whose token could have ended: an administrator key, a session, the open bootstrap,
    /// the schedule, or somebody who shows a token and so proves that it must not be trusted.
    ///
    /// A command of a release that named no actor is read as this: what that release checked by
    /// itself is then all that was checked, for as long as a deployment rolls out.
    NotAToken,
}

impl Actor {
    /// The token that has to be active.
    pub fn token(self) -> Option<TokenId> {
        match self {
            Self::Token(token) => Some(token),
            Self::NotAToken => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(10_000)
    }

    fn standing(state: State, revoked_at: Option<i64>, quarantined: bool) -> Standing {
        Standing {
            state,
            revoked_at: revoked_at.map(Timestamp::from_millis),
            quarantined,
            expires_at: None,
        }
    }

    #[test]
    fn r40_only_an_active_token_acts() {
        use State::{Live, Pending, Revoked};
        let rows = [
            (standing(Live, None, false), Ok(())),
            (standing(Live, Some(10_001), false), Ok(())),
            (standing(Live, Some(10_000), false), Err(Inactive::Revoked)),
            (standing(Live, None, true), Err(Inactive::Revoked)),
            (standing(Pending, None, false), Err(Inactive::Unknown)),
            (standing(Pending, None, true), Err(Inactive::Unknown)),
            (
                standing(Revoked, Some(9_000), false),
                Err(Inactive::Revoked),
            ),
        ];
        for (standing, expected) in rows {
            assert_eq!(standing.active(now(), 0), expected, "{standing:?}");
        }
    }

    #[test]
    fn r40_an_expired_token_acts_no_more_and_leeway_counts() {
        let expiring = |end| Standing {
            expires_at: Some(Timestamp::from_millis(end)),
            ..standing(State::Live, None, false)
        };
        assert_eq!(expiring(10_001).active(now(), 0), Ok(()));
        assert_eq!(expiring(10_000).active(now(), 0), Err(Inactive::Expired));
        assert_eq!(expiring(10_000).active(now(), 1), Ok(()));
        assert_eq!(expiring(9_999).active(now(), 1), Err(Inactive::Expired));
        // Of two reasons the graver one is told: a revoke is final, whatever the clock says.
        let both = Standing {
            expires_at: Some(Timestamp::from_millis(9_000)),
            ..standing(State::Revoked, Some(8_000), false)
        };
        assert_eq!(both.active(now(), 0), Err(Inactive::Revoked));
    }

    #[test]
    fn r11_every_token_that_was_not_revoked_can_be() {
        use State::{Live, Pending, Revoked};
        for state in [Pending, Live] {
            for quarantined in [false, true] {
                assert!(standing(state, None, quarantined).revocable(now()));
            }
        }
        assert!(standing(Live, Some(10_001), false).revocable(now()));
        assert!(!standing(Live, Some(10_000), false).revocable(now()));
        assert!(!standing(Revoked, Some(9_000), true).revocable(now()));
    }

    #[test]
    fn what_was_revoked_or_reported_while_pending_does_not_become_active() {
        use State::{Pending, Revoked};
        let rows = [
            (standing(Pending, None, false), Created::Active),
            (standing(Pending, None, true), Created::Quarantined),
            (standing(Revoked, Some(9_000), false), Created::Revoked),
            (standing(Revoked, Some(9_000), true), Created::Revoked),
        ];
        for (standing, expected) in rows {
            assert_eq!(standing.created(), expected, "{standing:?}");
        }
    }

    #[test]
    fn the_words_between_gate_and_ledger_are_pinned() {
        let rows = [
            (Inactive::Unknown, r#""unknown""#),
            (Inactive::Revoked, r#""revoked""#),
            (Inactive::Expired, r#""expired""#),
        ];
        for (inactive, text) in rows {
            assert_eq!(serde_json::to_string(&inactive).ok().as_deref(), Some(text));
            assert_eq!(serde_json::from_str::<Inactive>(text).ok(), Some(inactive));
        }
    }
}
