//! Whether the token that a command is for is active: checked in the step of the write, and again
//! before a new token becomes active.
//!
//! INVARIANT (the actor is active at the moment of the write): only [`Ledger::active`] makes an
//! [`Acting`]; every command begins by giving one up, and so does the step that makes a token active.

use postern_domain::id::TokenId;
use postern_domain::standing::{Actor, Inactive};
use postern_domain::time::Timestamp;
use postern_domain::token::{Format, TokenFacts};

use crate::done::Stop;
use crate::machine::Ledger;
use crate::sql::{Result, Sql};

/// Proof that an actor was active in this turn. It is used up by what it allows, so it does not
/// outlast a wait.
#[derive(Debug)]
pub struct Acting {
    actor: Actor,
    /// The name by which the command came, which is the organization's.
    by: Option<String>,
}

impl Acting {
    /// Whom it is for, to look again after a wait.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// The same, for a command that came by the organization's name.
    pub(crate) fn by(self, name: Option<&str>) -> Self {
        let by = name.map(str::to_owned);
        Self { by, ..self }
    }

    /// The name by which the command came, where it came by one.
    pub fn name(self) -> Option<String> {
        self.by
    }
}

impl<S: Sql> Ledger<S> {
    /// Whether the actor is active now, and its organization not paused: a pause stops tokens, and
    /// nobody else.
    pub(crate) fn acting(
        &mut self,
        actor: Actor,
        now: Timestamp,
    ) -> core::result::Result<Acting, Stop> {
        let acting = self.active(actor, now)?;
        match actor.token().is_some() && self.is_paused()? {
            true => Err(Stop::Paused),
            false => Ok(acting),
        }
    }

    /// Whether the actor is active now.
    pub(crate) fn active(
        &mut self,
        actor: Actor,
        now: Timestamp,
    ) -> core::result::Result<Acting, Stop> {
        let Some(token) = actor.token() else {
            return Ok(Acting { actor, by: None });
        };
        if !self.store.exists()? {
            return Err(Inactive::Unknown.into());
        }
        let Some(standing) = self.store.standing(token)? else {
            return Err(Inactive::Unknown.into());
        };
        match standing.active(now, 0) {
            // A JWT that was let in with leeway does not lose it here.
            Err(Inactive::Expired) => standing.active(now, self.leeway_ms(token)?)?,
            found => found?,
        }
        Ok(Acting { actor, by: None })
    }

    fn leeway_ms(&self, token: TokenId) -> Result<i64> {
        let stored = self.store.token(token)?;
        // What a trust rule gave ends when the rule says, in either format.
        let lenient =
            |facts: &TokenFacts| facts.verifier.format() == Format::Jwt && facts.ci_job.is_none();
        let jwt = stored.is_some_and(|stored| lenient(&stored.facts));
        Ok(if jwt { self.settings.jwt_leeway_ms } else { 0 })
    }
}
