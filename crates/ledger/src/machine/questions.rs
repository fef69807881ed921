//! The questions to a Ledger: whether a token lives, what it is, what has changed. None creates
//! anything; only the workflow that an active token is for is learned from one.

use postern_domain::audit::verify::Row;
use postern_domain::id::TokenId;
use postern_domain::standing::{Inactive, Standing};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use super::{Ledger, USES_MS};
use crate::done::Stop;
use crate::sql::{Result, Sql};
use crate::store::Terms;
use crate::{Admission, AdmitQuery, GivenCalls, KeptQuery, Liveness};

impl<S: Sql> Ledger<S> {
    /// Whether a token lives, and what else was asked. Whether it has expired the asker judges by
    /// itself.
    ///
    /// # Errors
    /// [`Stop::Rebuilding`], or that the database fails.
    pub fn admit(
        &mut self,
        now: Timestamp,
        query: AdmitQuery,
    ) -> core::result::Result<Admission, Stop> {
        let (token, run) = (query.token, query.run);
        let not_live = |liveness| Admission {
            liveness,
            ..Admission::LIVE
        };
        if let Some(claim) = &query.claim {
            self.begin_leases()?;
            self.leases.acknowledge(claim);
        }
        if self.is_rebuilding()? {
            return Err(Stop::Rebuilding);
        }
        let (standing, terms) = match self.standing_in_force(token, now)? {
            Ok(found) => found,
            Err(liveness) => return Ok(not_live(liveness)),
        };
        // An expired credential is refused by its holder's end of this question: no use of it.
        let is_good = standing.expires_at.is_none_or(|end| end > now);
        if query.counts && is_good {
            self.tallies.used(token, 1, now, now);
            self.wake_within(now, USES_MS);
        } else if query.claim.is_some() && is_good {
            self.tallies.asked(token, now);
        }
        // What the asker knows may be of another revision: it allows more, or less.
        let facts = query.facts || query.revision != terms.revision;
        // Neither the version nor a plain yes needs them.
        let needs = run.is_some() || query.shown.is_some() || query.upstream.is_some();
        let stored = match facts || needs {
            true => self.store.token(token)?.map(|stored| stored.facts),
            false => None,
        };
        // Before an isolate knows a token it asks for its facts: one that was minted here by another
        // organization's name, which earlier releases took, opens nothing.
        if let Some(stored) = &stored
            && !self.is_for(Some(&stored.organization.name))?
        {
            return Ok(not_live(Liveness::Unknown));
        }
        // No lease either, and nothing that may be repeated: whoever knows the token asks each time.
        if self.is_paused()? {
            return Ok(Admission {
                facts: stored.filter(|_| facts),
                paused: true,
                ..Admission::LIVE
            });
        }
        let (run, pin) = match run {
            Some(run) => self.known_run(run, token, stored.as_ref())?,
            None if query.pin => {
                let shown = query.shown.filter(|_| stored.as_ref().is_some_and(narrow));
                (None, self.store.pin(token, shown)?)
            }
            None => (None, None),
        };
        let upstream = match (&query.upstream, &stored) {
            (Some(asked), Some(facts)) => self.upstream(asked, facts, run.as_ref(), now)?,
            _ => None,
        };
        // One that is being rotated out ends without another change: it is asked about each time.
        let claim = query.claim.filter(|_| standing.rotatable());
        let delta = claim.map(|claim| self.delta(&claim)).transpose()?;
        let calls = match terms.calls_per_minute.filter(|_| query.calls && is_good) {
            // An isolate that asks without a claim keeps nothing.
            Some(limit) => Some(self.give_calls(token, (limit, query.claim.is_none()), now)?),
            None => None,
        };
        Ok(Admission {
            liveness: Liveness::Live,
            facts: stored.filter(|_| facts),
            run,
            pin,
            delta,
            upstream,
            paused: false,
            calls,
        })
    }

    /// Gives calls of a token that may make only so many a minute.
    fn give_calls(
        &mut self,
        token: TokenId,
        limit: (u32, bool),
        now: Timestamp,
    ) -> Result<GivenCalls> {
        if self.calls.is_new() {
            self.calls.begin(self.store.call_windows()?);
        }
        let given = self.calls.give(token, limit, now);
        self.wake_within(now, USES_MS);
        Ok(given)
    }

    /// Counts for a successor what was given of the token before it within the minute.
    pub(super) fn succeed_calls(
        &mut self,
        old: TokenId,
        successor: TokenId,
        now: Timestamp,
    ) -> Result<()> {
        if self.calls.is_new() {
            self.calls.begin(self.store.call_windows()?);
        }
        if self.calls.succeed(old, successor) {
            self.wake_within(now, USES_MS);
        }
        Ok(())
    }

    /// The standing of a token that lives, or why it does not.
    fn standing_in_force(
        &mut self,
        token: TokenId,
        now: Timestamp,
    ) -> Result<core::result::Result<(Standing, Terms), Liveness>> {
        if !self.store.exists()? {
            return Ok(Err(Liveness::Unknown));
        }
        let Some((standing, terms)) = self.store.terms(token)? else {
            return Ok(Err(Liveness::Unknown));
        };
        Ok(match standing.in_force(now) {
            Ok(()) => Ok((standing, terms)),
            Err(Inactive::Unknown) => Err(Liveness::Unknown),
            Err(Inactive::Revoked | Inactive::Expired) => Err(Liveness::Revoked),
        })
    }

    /// Whether the name is known to be the organization's; no = nothing was written yet.
    ///
    /// # Errors
    /// [`Stop::Misdirected`] where it is another's.
    pub fn confirm(&mut self, by: Option<&str>) -> core::result::Result<bool, Stop> {
        self.check_name(by)?;
        Ok(self.name()?.is_some())
    }

    /// The facts of a token in whatever state, pending ones too: D1 shows them already, and what is
    /// shown can be revoked.
    ///
    /// # Errors
    /// [`Stop::Misdirected`], [`Stop::Rebuilding`], or that the database fails.
    pub fn describe(
        &mut self,
        by: Option<&str>,
        token: TokenId,
    ) -> core::result::Result<Option<TokenFacts>, Stop> {
        self.check_name(by)?;
        if !self.store.exists()? {
            return Ok(None);
        }
        if self.is_rebuilding()? {
            return Err(Stop::Rebuilding);
        }
        Ok(self.store.token(token)?.map(|stored| stored.facts))
    }

    /// The events of which there is a copy, as far as they were asked for, with their numbers.
    ///
    /// # Errors
    /// [`Stop::Misdirected`], or that the database fails.
    pub fn kept_events(
        &mut self,
        by: Option<&str>,
        query: KeptQuery,
    ) -> core::result::Result<Vec<(u64, Row)>, Stop> {
        self.check_name(by)?;
        if !self.store.exists()? {
            return Ok(Vec::new());
        }
        Ok(self.store.kept_events(query)?)
    }
}

/// Whether a token is for one workflow.
fn narrow(facts: &TokenFacts) -> bool {
    facts.scope.workflow().is_some()
}
