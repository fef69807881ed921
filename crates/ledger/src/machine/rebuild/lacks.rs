//! What D1's log lacks after a rebuild: ends that only the Ledger or a row knew, and quarantines for
//! which no other event stands. Their events are written after the rebuild's own, some in a turn: a
//! later rebuild, of a Ledger that is lost, has the log alone.

use postern_domain::audit::Action;
use postern_domain::standing::State;
use postern_domain::time::Timestamp;

use super::Ledger;
use crate::RecordChange;
use crate::machine::events::{about_token, ledger_itself};
use crate::rebuild::{Logged, REBUILD_TOKENS, RecordedToken, Verdict};
use crate::sql::{Result, Sql};
use crate::store::rebuild::Lack;

/// Whether the log lacks what has become of a token. A rotation has no event for an end that D1's row
/// has too; and where active tokens are quarantined, the event of the rebuild stands for each.
pub(super) fn lack(
    found: Verdict,
    logged: &Logged,
    token: Option<&RecordedToken>,
    keeps_active: bool,
) -> Option<Lack> {
    match found {
        Verdict::Revoked(at) => {
            let recorded = token.and_then(|token| token.revoked_at);
            let is_rotation = logged.replaced && recorded.is_some_and(|end| end <= at);
            (!logged.ended && !is_rotation).then_some(Lack::End)
        }
        Verdict::Quarantined(_) => {
            (keeps_active && !logged.quarantined).then_some(Lack::Quarantine)
        }
        Verdict::Expired | Verdict::Active => None,
    }
}

impl<S: Sql> Ledger<S> {
    /// Writes some of the events that the log lacks, and tells whether there may be more. What has
    /// changed since has an event of its own.
    pub(crate) fn write_lacking(&mut self, now: Timestamp) -> Result<bool> {
        let lacking = self.store.lacking(REBUILD_TOKENS)?;
        if lacking.is_empty() {
            return Ok(false);
        }
        let requester = ledger_itself("rebuild");
        self.step(now, |step| {
            for (id, lack) in &lacking {
                step.store.forget_lack(*id)?;
                let found = (step.store.standing(*id)?, step.store.subject(*id)?);
                let (Some(standing), Some(stored)) = found else {
                    continue;
                };
                let is_revoked = standing.state == State::Revoked;
                let (token, subject) = (*id, &stored.subject);
                let organization = subject.organization();
                let (change, action) = match lack {
                    Lack::End if is_revoked => {
                        let change = RecordChange::RevokeToken {
                            organization,
                            token,
                            at: stored.revoked_at.unwrap_or(now),
                            by: requester.actor.clone(),
                        };
                        (change, Action::TokenRevoke)
                    }
                    Lack::Quarantine if standing.quarantined && !is_revoked => {
                        let change = RecordChange::Quarantine {
                            organization,
                            token,
                            at: step.store.quarantined_at(token)?,
                            sequence: step.next_sequence(),
                        };
                        (change, Action::TokenQuarantine)
                    }
                    Lack::End | Lack::Quarantine => continue,
                };
                let event = about_token(subject, now, action, None, &requester);
                step.change_with_event(change, event)?;
            }
            Ok(())
        })?;
        Ok(lacking.len() >= REBUILD_TOKENS as usize)
    }
}
