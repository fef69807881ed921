//! What a yes is: a value that says to whom, for what and how far, and that nothing beside `decide` and
//! its rules can make.

use crate::id::{OrganizationId, TokenId};
use crate::operation::Operation;
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

    /// Whom a write with this permit is for, as the Ledger is told. Whoever ends its own token
    /// proves no more than that it has it, which it may do in any state of the token.
    pub fn actor(&self) -> Actor {
        match (self.operation, self.token) {
            (Operation::TokenRevokeOwn, _) | (_, None) => Actor::NotAToken,
            (_, Some(token)) => Actor::Token(token),
        }
    }

    /// Whether the permit reaches into an organization: a token's reaches into its own only.
    pub fn reaches(&self, organization: OrganizationId) -> bool {
        match self.reach {
            Reach::Nothing => false,
            Reach::One(own) => own == organization,
            Reach::All => true,
        }
    }
}
