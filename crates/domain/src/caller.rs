//! Who is calling. `postern_registry::ways_in` and `authenticate` find it out.

use std::rc::Rc;

use super::id::{Organization, PersonId, Project};
use super::name::Label;
use super::policy::Policy;
use super::scope::Named;
use super::session::UserId;
use super::standing::Actor;
use super::time::Timestamp;
use super::token::TokenFacts;

/// How an administrator key is written into audit rows and `created_by`; where it has a name, `:` and
/// the name follow.
pub const ADMINISTRATOR_ACTOR: &str = "admin-token";
/// What stands before a token's prefix there.
pub const TOKEN_ACTOR: &str = "org-token:";

/// An authenticated caller.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody in particular, while the registry is open for its first token (tier 0, R22).
    Bootstrap,
    /// A person whose browser session the control plane has verified (tier 1, R23).
    Session(Rc<Session>),
    /// The holder of an active token of the registry (tier 2a of R24).
    Token(Rc<TokenFacts>),
    /// The holder of an administrator key (tier 2b of R24), by the key's name where it has one; above
    /// organizations.
    Administrator(Option<Rc<Label>>),
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
            Self::Administrator(None) => ADMINISTRATOR_ACTOR.to_owned(),
            Self::Administrator(Some(name)) => format!("{ADMINISTRATOR_ACTOR}:{}", name.as_str()),
            Self::Person(user) => format!("person:{user}"),
            Self::Token(facts) | Self::WorkflowReader(facts) => {
                format!("{TOKEN_ACTOR}{}", facts.display_prefix())
            }
        }
    }

    /// The tier that admitted the caller, for the log and for audit rows.
    pub fn tier(&self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Session(_) => "session",
            Self::Token(_) => "token",
            Self::Administrator(_) => "admin",
            Self::WorkflowReader(_) => "workflow_read",
            Self::Person(_) => "person",
        }
    }

    /// The caller's token, where a token is what it came with.
    pub fn token(&self) -> Option<&Rc<TokenFacts>> {
        match self {
            Self::Token(facts) | Self::WorkflowReader(facts) => Some(facts),
            Self::Bootstrap | Self::Session(_) | Self::Administrator(_) | Self::Person(_) => None,
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
            Self::Bootstrap | Self::Administrator(_) | Self::Person(_) => None,
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
            | Self::Administrator(_)
            | Self::Token(_)
            | Self::Person(_) => None,
        }
    }

    /// Whose new tokens are counted together, where creators have a limit of their own: the
    /// provenance, with the whole id in place of the prefix, which two tokens could share. All
    /// administrator keys count together, whatever their names.
    pub fn minter(&self) -> String {
        match self {
            Self::Token(facts) | Self::WorkflowReader(facts) => {
                format!("{TOKEN_ACTOR}{}", facts.id)
            }
            Self::Administrator(_) => ADMINISTRATOR_ACTOR.to_owned(),
            Self::Bootstrap | Self::Session(_) | Self::Person(_) => self.provenance(),
        }
    }

    /// The name of the administrator key, where that is what the caller came with and it has one.
    pub fn admin_name(&self) -> Option<&Rc<Label>> {
        match self {
            Self::Administrator(name) => name.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r21_r24_audit_names_the_administrator_key_and_limits_do_not() {
        let ops = Label::parse("ops").map(Rc::new).ok();
        for (name, actor) in [(None, "admin-token"), (ops, "admin-token:ops")] {
            let caller = Caller::Administrator(name.clone());
            assert_eq!(caller.provenance(), actor);
            assert_eq!(caller.admin_name(), name.as_ref());
            assert_eq!(
                (caller.minter().as_str(), caller.tier()),
                ("admin-token", "admin")
            );
        }
    }
}
