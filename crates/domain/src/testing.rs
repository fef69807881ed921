//! Values for tests of the crates above this one: an organization, its project and workflow, and a
//! token of it.
#![expect(clippy::expect_used, reason = "made for tests: it may fail")]

use crate::id::{Id, Project, Workflow};
use crate::name::TokenName;
use crate::scope::{Named, Scope};
use crate::token::{TokenFacts, Verifier};

/// A JWT of the organization `acme`, without policies and without end.
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
        ci_job: None,
        conditions: None,
        revision: 0,
    }
}

/// Its project.
pub fn project() -> Named<Project> {
    Named {
        id: Id::from_u128(2),
        name: "shop".to_owned(),
    }
}

/// The workflow of its project.
pub fn workflow() -> Named<Workflow> {
    Named {
        id: Id::from_u128(3),
        name: "release".to_owned(),
    }
}
