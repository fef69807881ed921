//! What a trust rule gives: a scope, policies, a life, and conditions on each token.

use serde::{Deserialize, Serialize};

use super::rule::{
    DEFAULT_LIFE_SECONDS, MAX_LIFE_SECONDS, MAX_POLICIES, MIN_LIFE_SECONDS, RuleError,
};
use crate::conditions::Conditions as TokenConditions;
use crate::policy::Policy;
use crate::scope::Scope;

/// What a rule gives. Whether its author may give that, `decide` says, as for a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredGives")]
pub struct Gives {
    scope: Scope,
    policies: Vec<Policy>,
    longest_life_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_conditions: Option<Box<TokenConditions>>,
}

impl Gives {
    /// A project, or one workflow of it; policies; and for how long at most, in seconds.
    ///
    /// # Errors
    /// The first thing that no job can get.
    pub fn new(
        scope: Scope,
        mut policies: Vec<Policy>,
        longest_life_seconds: Option<u32>,
    ) -> Result<Self, RuleError> {
        if scope.project().is_none() {
            return Err(RuleError::WholeOrganization);
        }
        policies.sort_unstable();
        policies.dedup();
        if policies.is_empty() {
            return Err(RuleError::NoPolicy);
        }
        if policies.len() > MAX_POLICIES {
            return Err(RuleError::TooManyPolicies);
        }
        let life = longest_life_seconds.unwrap_or(DEFAULT_LIFE_SECONDS);
        if !(MIN_LIFE_SECONDS..=MAX_LIFE_SECONDS).contains(&life) {
            return Err(RuleError::Life);
        }
        Ok(Self {
            scope,
            policies,
            longest_life_seconds: life,
            token_conditions: None,
        })
    }

    /// The same, for tokens under these conditions (R53).
    #[must_use]
    pub fn under(self, token_conditions: Option<Box<TokenConditions>>) -> Self {
        Self {
            token_conditions,
            ..self
        }
    }

    /// The project, or the workflow.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The policies, in order.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The conditions on each token.
    pub fn token_conditions(&self) -> Option<&TokenConditions> {
        self.token_conditions.as_deref()
    }

    /// For how long at most.
    pub fn longest_life_seconds(&self) -> u32 {
        self.longest_life_seconds
    }
}

/// What a rule gives, as stores have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredGives {
    scope: Scope,
    policies: Vec<Policy>,
    longest_life_seconds: u32,
    #[serde(default)]
    token_conditions: Option<Box<TokenConditions>>,
}

impl TryFrom<StoredGives> for Gives {
    type Error = RuleError;

    fn try_from(stored: StoredGives) -> Result<Self, RuleError> {
        let life = Some(stored.longest_life_seconds);
        let gives = Self::new(stored.scope, stored.policies, life)?;
        Ok(gives.under(stored.token_conditions))
    }
}
