//! Revoke: one token, many in one step, or what has been idle too long (R11, R12, R14). No tombstone
//! waits for D1, and none is undone.
//!
//! INVARIANT (a revoke that has answered is final): the machine's driver holds an answer back until
//! what was written before it is on disk.

use postern_domain::audit::{Action, Requester};
use postern_domain::id::TokenId;
use postern_domain::standing::State;
use postern_domain::time::Timestamp;

use super::events::about_token;
use super::{Acting, Ledger};
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::{Result, Sql};
use crate::store::Subject;
use crate::store::journal::Step;
use crate::{
    MAX_SELECTED, RecordChange, RevokeAnswer, RevokeCommand, RevokeManyAnswer, RevokeManyCommand,
    SweepAnswer, SweepCommand,
};

const DAY_MS: i64 = 86_400_000;

impl Carried for RevokeCommand {
    type Suspended = Never;

    fn ends(&self, token: TokenId) -> bool {
        self.token == token
    }

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(RevokeAnswer::Unknown));
        }
        ledger.prepare_write(acting, now)?;
        let standing = ledger.store.standing(self.token)?;
        let stored = ledger.store.subject(self.token)?;
        let (Some(standing), Some(stored)) = (standing, stored) else {
            return Ok(Done::Answer(RevokeAnswer::Unknown));
        };
        // A token that is being rotated out ends now instead; one that is pending, or quarantined,
        // is revoked like any other. A tombstone is told as it was written, whatever the clock says.
        if let Some(first) = stored.revoked_at
            && !standing.revocable(now)
        {
            let mut version = stored.version.unwrap_or_default();
            // One that a rotation has ended gets its tombstone: no clock that goes back makes it
            // active again.
            if standing.state != State::Revoked {
                ledger.step(now, |step| {
                    let version = step.version()?;
                    step.store.revoke(self.token, first, version)
                })?;
                version = ledger.store.head()?.version;
            }
            return ledger.revoked(first, version, self.respond_async);
        }
        ledger.revoke_all([&stored.subject], now, Action::TokenRevoke, &self.requester)?;
        // From here on the token is revoked, whatever D1 says.
        let version = ledger.store.head()?.version;
        ledger.revoked(now, version, self.respond_async)
    }
}

impl Carried for RevokeManyCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(RevokeManyAnswer::Done {
                tokens: Vec::new(),
                used_in_last_day: 0,
                at: now,
                version: 0,
            }));
        }
        ledger.prepare_write(acting, now)?;
        ledger.settle(now)?;
        let mut selected = ledger.store.select(&self, now, MAX_SELECTED)?;
        if selected.len() > MAX_SELECTED as usize {
            return Ok(Done::Answer(RevokeManyAnswer::TooMany {
                limit: MAX_SELECTED,
            }));
        }
        if self.selector.never_used {
            selected.retain(|token| !ledger.tallies.is_in_use(token.subject.id, now));
        }
        // A call that is yet to be told counts too: it would break.
        let lately = |used: Timestamp| now.since(used) < DAY_MS;
        let used = selected.iter().filter(|token| {
            token.used_at.is_some_and(lately) || ledger.tallies.is_in_use(token.subject.id, now)
        });
        let used_in_last_day = u32::try_from(used.count()).unwrap_or(u32::MAX);
        let writes = !self.dry_run && !selected.is_empty();
        if writes {
            let tokens = selected.iter().map(|token| &token.subject);
            ledger.revoke_all(tokens, now, Action::TokenRevoke, &self.requester)?;
        }
        let version = ledger.store.head()?.version;
        let answer = RevokeManyAnswer::Done {
            tokens: selected.iter().map(|token| token.subject.id).collect(),
            used_in_last_day,
            at: now,
            version,
        };
        match self.dry_run {
            true => Ok(Done::Answer(answer)),
            // To match nothing says of every token that fits that it is revoked already.
            false => ledger.when_final(version, answer),
        }
    }
}

impl Carried for SweepCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(SweepAnswer { tokens: Vec::new() }));
        }
        ledger.prepare_write(acting, now)?;
        // What is still in memory is a use too.
        ledger.settle(now)?;
        let mut idle = ledger.store.idle(self.idle_since(now), now)?;
        idle.retain(|token| !ledger.tallies.is_in_use(token.id, now));
        let answer = SweepAnswer {
            tokens: idle.iter().map(|token| token.id).collect(),
        };
        if idle.is_empty() {
            return Ok(Done::Answer(answer));
        }
        ledger.revoke_all(&idle, now, Action::TokenRevokeIdle, &self.requester)?;
        let version = ledger.store.head()?.version;
        ledger.when_final(version, answer)
    }
}

impl<S: Sql> Ledger<S> {
    /// The answer to a revoke, of now or before, as of the version of its tombstone.
    fn revoked(
        &mut self,
        at: Timestamp,
        version: i64,
        respond_async: bool,
    ) -> Outcome<RevokeCommand> {
        if respond_async {
            let final_in_ms = self.becomes_final_in_ms(version)?;
            let answer = RevokeAnswer::Revoked { at, final_in_ms };
            // At once: D1 follows by the alarm.
            return Ok(Done::Answer(answer));
        }
        let final_in_ms = 0;
        self.when_final(version, RevokeAnswer::Revoked { at, final_in_ms })
    }

    /// Revokes tokens in one step: one version for all of them, and for each its tombstone, audit
    /// event and entry of the outbox.
    pub(super) fn revoke_all<'f>(
        &mut self,
        tokens: impl IntoIterator<Item = &'f Subject>,
        at: Timestamp,
        action: Action,
        requester: &Requester,
    ) -> Result<()> {
        self.step(at, |step| revoke_in(step, tokens, at, (action, requester)))?;
        Ok(())
    }
}

/// Revokes tokens in a step that is under way, as [`Ledger::revoke_all`] does.
pub(super) fn revoke_in<'f, S: Sql>(
    step: &mut Step<'_, S>,
    tokens: impl IntoIterator<Item = &'f Subject>,
    at: Timestamp,
    (action, requester): (Action, &Requester),
) -> Result<()> {
    let version = step.version()?;
    for token in tokens {
        step.store.revoke(token.id, at, version)?;
        let revoke = RecordChange::RevokeToken {
            organization: token.organization(),
            token: token.id,
            at,
            by: requester.actor.clone(),
        };
        step.change_with_event(revoke, about_token(token, at, action, None, requester))?;
    }
    Ok(())
}
