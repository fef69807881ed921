//! A permit: the value of a yes, which says to whom, for what and how far. Only `decide` and its
//! rules can make one. A write takes a [`Grant`], which a permit gives for one organization.

use super::Denial;
use crate::id::{Organization, OrganizationId, TokenId};
use crate::operation::Operation;
use crate::scope::Named;
use crate::standing::Actor;

/// Proof that [`decide`](super::decide) allowed one operation to one caller.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    pub(super) operation: Operation,
    pub(super) token: Option<TokenId>,
    pub(super) reach: Reach,
}

/// How far a permit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the origin with what is open to everybody; into no organization.
    Nothing,
    One(OrganizationId),
    All,
}

impl Permit {
    /// The operation that was allowed.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The token it was allowed to; `None` for callers without one.
    pub fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// Whom a write with this permit is for. A caller that revokes its own token need not be
    /// active: holding the token is enough.
    fn actor(&self) -> Actor {
        match (self.operation, self.token) {
            (Operation::TokenRevokeOwn, _) | (_, None) => Actor::NotAToken,
            (_, Some(token)) => Actor::Token(token),
        }
    }

    /// The right to write in an organization, if the permit reaches there: a token's reaches into
    /// its own organization only.
    ///
    /// # Errors
    /// [`Denial::Operation`] for every other organization.
    pub fn over(&self, organization: &Named<Organization>) -> Result<Grant, Denial> {
        let reaches = match self.reach {
            Reach::Nothing => false,
            Reach::One(own) => own == organization.id,
            Reach::All => true,
        };
        match reaches {
            true => Ok(Grant {
                organization: organization.clone(),
                actor: self.actor(),
            }),
            false => Err(Denial::Operation),
        }
    }
}

/// The right to write in one organization. Where a write goes, and whom it is for, is read from
/// here and from nowhere else, so neither can differ from what was decided.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    organization: Named<Organization>,
    actor: Actor,
}

impl Grant {
    /// Where it holds.
    pub fn organization(&self) -> &Named<Organization> {
        &self.organization
    }

    /// Whom the write is for, as the Ledger is told (R40).
    pub fn actor(&self) -> Actor {
        self.actor
    }
}
