//! The one way into a Ledger's commands: whom a command is for is looked at in the step of its write,
//! before anything else, and again before a new token becomes active.
//!
//! INVARIANT (the actor is active at the moment of the write): only [`Ledger::acting`] makes an
//! [`Acting`]; every command begins by giving one up, and so does the step that makes a token live.

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Request, Response};

use super::name::misdirected;
use super::{Ledger, storage};
use crate::objects::ledger_client::NAME_HEADER;
use crate::platform::{config, now};
use postern_domain::id::TokenId;
use postern_domain::standing::{Actor, Inactive};
use postern_domain::token::Format;
use postern_ledger::ACTOR;

/// Proof that an actor was active in this step. Used up by what it allows, so that it does not
/// outlast a wait.
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

    /// The name by which the command came, where it came by one.
    pub fn name(self) -> Option<String> {
        self.by
    }
}

/// Why a command was not carried out.
pub enum Stop {
    /// Its actor is not active, or is no longer.
    Inactive(Inactive),
    Failed(worker::Error),
}

impl From<worker::Error> for Stop {
    fn from(error: worker::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Inactive> for Stop {
    fn from(inactive: Inactive) -> Self {
        Self::Inactive(inactive)
    }
}

/// What a command gives.
pub type Done<A> = Result<A, Stop>;

/// Reads what was sent as it was written: the platform's own reader makes a float of every number.
pub(super) async fn sent<C: DeserializeOwned>(request: &mut Request) -> worker::Result<C> {
    Ok(serde_json::from_str(&request.text().await?)?)
}

impl Ledger {
    /// Reads a command and carries it out: 200 with its answer, 401 with why its actor is not active,
    /// or 421 where it came by another organization's name.
    pub(super) async fn command<C, A, F>(
        &self,
        mut request: Request,
        run: F,
    ) -> worker::Result<Response>
    where
        C: DeserializeOwned,
        A: Serialize,
        F: AsyncFnOnce(&Self, Acting, C) -> Done<A>,
    {
        let by = request.headers().get(NAME_HEADER)?;
        let actor = match request.headers().get(ACTOR)? {
            None => Actor::NotAToken,
            Some(id) => Actor::Token(TokenId::parse(&id).map_err(|_| "an actor that is no token")?),
        };
        let command = sent(&mut request).await?;
        // From here to the first write nothing is awaited.
        if !self.is_for(by.as_deref())? {
            return misdirected();
        }
        let done = match self.acting(actor) {
            Ok(acting) => run(self, Acting { by, ..acting }, command).await,
            Err(stop) => Err(stop),
        };
        match done {
            Ok(answer) => Response::from_json(&answer),
            Err(Stop::Inactive(why)) => Ok(Response::from_json(&why)?.with_status(401)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Whether the actor is active now.
    pub(super) fn acting(&self, actor: Actor) -> Done<Acting> {
        let Some(token) = actor.token() else {
            return Ok(Acting { actor, by: None });
        };
        if !self.exists()? {
            return Err(Inactive::Unknown.into());
        }
        let Some(standing) = self.db.standing(token)? else {
            return Err(Inactive::Unknown.into());
        };
        let now = now();
        match standing.active(now, 0) {
            // A JWT that was let in with leeway does not lose it here.
            Err(Inactive::Expired) => standing.active(now, self.leeway_ms(token)?)?,
            found => found?,
        }
        Ok(Acting { actor, by: None })
    }

    fn leeway_ms(&self, token: TokenId) -> worker::Result<i64> {
        let config = config(&self.env).map_err(|problems| problems.join("; "))?;
        let jwt = storage::token(&self.db, token)?
            .is_some_and(|stored| stored.facts.verifier.format() == Format::Jwt);
        Ok(if jwt {
            config.jwt_leeway_seconds * 1000
        } else {
            0
        })
    }
}
