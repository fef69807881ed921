//! Values for tests.

use postern_domain::id::Id;
use postern_domain::name::TokenName;
use postern_domain::scope::{Named, Scope};
use postern_domain::token::{TokenFacts, Verifier};

/// A JWT of organization 1, without policies and without end.
pub fn facts(id: u128, scope: Scope) -> TokenFacts {
    TokenFacts {
        id: Id::from_u128(id),
        name: TokenName::parse("ci").expect("a good name"),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        scope,
        verifier: Verifier::Jwt { signed: None },
        policies: Vec::new(),
        is_system: false,
        expires_at: None,
    }
}
