//! Who is calling. `postern_registry::ways_in` and `authenticate` find it out.

use std::rc::Rc;

use super::id::{Organization, PersonId, Project};
use super::policy::Policy;
use super::scope::Named;
use super::session::UserId;
use super::standing::Actor;
use super::time::Timestamp;
use super::token::TokenFacts;

/// An authenticated caller.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody in particular, while the registry is open for its first token (tier 0, R22).
    Bootstrap,
    /// A person whose browser session the control plane has verified (tier 1, R23).
    Session(Rc<Session>),
    /// The holder of an active token of the registry (tier 2a of R24).
    Token(Rc<TokenFacts>),
    /// The holder of an administrator key (tier 2b of R24); above organizations.
    Administrator,
    /// The holder of an active workflow token, admitted to read and for nothing else (tier 3, R25).
    WorkflowReader(Rc<TokenFacts>),
    /// A person with a user token of the control plane: for calls to the origin, which knows the
    /// person, and for nothing of the registry (R44).
    Person(PersonId),
}

/// A verified person in the one organization that the call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who it is.
    pub user: UserId,
    /// The organization that the call is about.
    pub organization: Named<Organization>,
    /// What the role in that organization gives.
    pub policies: Vec<Policy>,
}

impl Caller {
    /// How the caller is written into audit rows and `created_by` (R21).
    pub fn provenance(&self) -> String {
        match self {
            Self::Bootstrap => "bootstrap".to_owned(),
            Self::Session(session) => format!("session:{}", session.user.as_str()),
            Self::Administrator => "admin-token".to_owned(),
            Self::Person(user) => format!("person:{user}"),
            Self::Token(facts) | Self::WorkflowReader(facts) => {
                format!("org-token:{}", facts.display_prefix())
            }
        }
    }

    /// The tier that admitted the caller, for the log and for audit rows.
    pub fn tier(&self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Session(_) => "session",
            Self::Token(_) => "token",
            Self::Administrator => "admin",
            Self::WorkflowReader(_) => "workflow_read",
            Self::Person(_) => "person",
        }
    }

    /// The caller's token, where a token is what it came with.
    pub fn token(&self) -> Option<&Rc<TokenFacts>> {
        match self {
            Self::Token(facts) | Self::WorkflowReader(facts) => Some(facts),
            Self::Bootstrap | Self::Session(_) | Self::Administrator | Self::Person(_) => None,
        }
    }

    /// The person, where a user token is what it came with.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Person(user) => Some(*user),
            _ => None,
        }
    }

    /// Whom a write for this caller is for, as the Ledger is told.
    pub fn actor(&self) -> Actor {
        self.token()
            .map_or(Actor::NotAToken, |facts| Actor::Token(facts.id))
    }

    /// The organization that the caller belongs to; `None` for callers above organizations, and for
    /// people, whose organizations the origin knows.
    pub fn organization(&self) -> Option<&Named<Organization>> {
        match self {
            Self::Session(session) => Some(&session.organization),
            Self::Token(facts) | Self::WorkflowReader(facts) => Some(&facts.organization),
            Self::Bootstrap | Self::Administrator | Self::Person(_) => None,
        }
    }

    /// When what the caller came with ends; nothing that it creates may outlive that (R18).
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.token().and_then(|facts| facts.expires_at)
    }

    /// The one project whose tokens the caller may see, where it is one.
    pub fn confined_to(&self) -> Option<&Named<Project>> {
        match self {
            Self::WorkflowReader(facts) => facts.scope.project(),
            Self::Bootstrap
            | Self::Session(_)
            | Self::Administrator
            | Self::Token(_)
            | Self::Person(_) => None,
        }
    }

    /// Whose new tokens are counted together, where creators have a limit of their own: the
    /// provenance, with the whole id in place of the prefix, which two tokens could share.
    pub fn minter(&self) -> String {
        match self.token() {
            Some(facts) => format!("org-token:{}", facts.id),
            None => self.provenance(),
        }
    }
}
