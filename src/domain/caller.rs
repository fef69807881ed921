//! Who is calling, once that is established. Refuses to establish it: `app::authenticate` does.

use std::rc::Rc;

use super::token::TokenFacts;

/// An authenticated caller.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The holder of the administrator key (tier 2b of R24); above organizations.
    Administrator,
    /// The holder of a live token of the registry (tier 2a of R24).
    Token(Rc<TokenFacts>),
}

impl Caller {
    /// How the caller is written into audit rows and `created_by` (R21).
    pub fn provenance(&self) -> String {
        match self {
            Self::Administrator => "admin-token".to_owned(),
            Self::Token(facts) => format!("org-token:{}", facts.display_prefix()),
        }
    }

    /// The tier that admitted the caller, for the log.
    pub fn tier(&self) -> &'static str {
        match self {
            Self::Administrator => "administrator-key",
            Self::Token(_) => "api-token",
        }
    }
}
