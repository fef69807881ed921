//! Messages about tokens that were found in public, and the rule for what becomes of each.

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::id::TokenId;
use postern_domain::leak::OnLeak;
use postern_domain::standing::{Standing, State};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

/// Revoke or quarantine a token that was found in public.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakCommand {
    /// The token that was found.
    pub token: TokenId,
    /// What its organization wants done.
    pub on_leak: OnLeak,
    /// Who reported it, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of a token that was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakAnswer {
    /// Revoked by this report.
    Revoked,
    /// Quarantined by this report.
    Quarantined,
    /// It was revoked or quarantined before, or there is none.
    Unchanged,
}

impl LeakCommand {
    /// What the report does to a token of this standing at `now`. System tokens are the
    /// administrator's to revoke (R10): a report quarantines them, whatever the organization
    /// wants of the others.
    pub fn outcome(&self, standing: &Standing, facts: &TokenFacts, now: Timestamp) -> LeakAnswer {
        match self.on_leak {
            OnLeak::Revoke if !facts.is_system => match standing.revocable(now) {
                true => LeakAnswer::Revoked,
                false => LeakAnswer::Unchanged,
            },
            OnLeak::Revoke | OnLeak::Quarantine => {
                let settled = standing.quarantined
                    || standing.state == State::Revoked
                    || !standing.revocable(now)
                    || facts.expired(now);
                match settled {
                    true => LeakAnswer::Unchanged,
                    false => LeakAnswer::Quarantined,
                }
            }
        }
    }
}

/// Release a quarantined token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCommand {
    /// The token.
    pub token: TokenId,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// Whether there was anything to release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseAnswer {
    /// It is active again, unless it has expired.
    Released,
    /// It was not quarantined, or has been revoked since.
    NotHeld,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use postern_domain::id::Id;
    use postern_domain::scope::Scope;

    fn now() -> Timestamp {
        Timestamp::from_millis(10_000)
    }

    fn outcome(on_leak: OnLeak, standing: Standing, facts: &TokenFacts) -> LeakAnswer {
        let command = LeakCommand {
            token: Id::from_u128(7),
            on_leak,
            requester: Requester {
                actor: "leak-report".to_owned(),
                tier: "open".to_owned(),
                address: None,
                user_agent: None,
                request_id: "r".to_owned(),
            },
        };
        command.outcome(&standing, facts, now())
    }

    fn standing(state: State, quarantined: bool) -> Standing {
        Standing {
            state,
            revoked_at: (state == State::Revoked).then_some(Timestamp::from_millis(9_000)),
            quarantined,
            expires_at: None,
        }
    }

    #[test]
    fn a_report_revokes_in_every_state_but_revoked() {
        let facts = testing::facts(7, Scope::Organization);
        for state in [State::Pending, State::Live] {
            for quarantined in [false, true] {
                let standing = standing(state, quarantined);
                let found = outcome(OnLeak::Revoke, standing, &facts);
                assert_eq!(found, LeakAnswer::Revoked, "{standing:?}");
            }
        }
        let revoked = standing(State::Revoked, false);
        assert_eq!(
            outcome(OnLeak::Revoke, revoked, &facts),
            LeakAnswer::Unchanged
        );
    }

    #[test]
    fn a_report_quarantines_once() {
        let facts = testing::facts(7, Scope::Organization);
        for (state, quarantined, expected) in [
            (State::Pending, false, LeakAnswer::Quarantined),
            (State::Live, false, LeakAnswer::Quarantined),
            (State::Live, true, LeakAnswer::Unchanged),
            (State::Revoked, false, LeakAnswer::Unchanged),
        ] {
            let found = outcome(OnLeak::Quarantine, standing(state, quarantined), &facts);
            assert_eq!(found, expected, "{state:?} {quarantined}");
        }
        let mut expired = facts;
        expired.expires_at = Some(now());
        let live = standing(State::Live, false);
        assert_eq!(
            outcome(OnLeak::Quarantine, live, &expired),
            LeakAnswer::Unchanged
        );
    }

    #[test]
    fn r10_a_report_revokes_no_system_token() {
        let mut system = testing::facts(7, Scope::Organization);
        system.is_system = true;
        let live = standing(State::Live, false);
        assert_eq!(
            outcome(OnLeak::Revoke, live, &system),
            LeakAnswer::Quarantined
        );
    }
}
