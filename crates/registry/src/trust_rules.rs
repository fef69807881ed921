//! Trust rules for jobs of CI systems (R47): added, listed, removed, and tried with a job token. What a
//! rule gives, its author must be able to give as a token.

mod add;
mod body;
mod find;
mod list;
mod remove;
mod test;

pub use add::add;
pub use find::{FoundView, find};
pub use list::{RuleList, RuleView, list, read};
pub use remove::{RemovedRule, remove};
pub use test::{Tested, test};

use super::config::{Ci, Config};
use super::error::{Error, Result};
use postern_domain::caller::Caller;
use postern_domain::decide::{Permit, Target, decide};
use postern_domain::id::TrustRuleId;
use postern_domain::operation::{Managed, Operation};
use postern_domain::trust::RuleError;

/// A rule is the whole organization's matter: whom it trusts, nobody who is confined to a project
/// decides.
fn permit(caller: &Caller, operation: Operation) -> Result<Permit> {
    let target = Target::Tokens(Managed::OrganizationTokens);
    Ok(decide(caller, operation, target)?)
}

/// What the deployment says of job tokens, where it takes any.
fn ci(config: &Config) -> Result<&Ci> {
    config.ci.as_ref().ok_or_else(|| Error::Conflict {
        code: "job_tokens_off",
        detail: "job tokens are off here: whoever runs the gateway sets `CI_ISSUERS` and \
                 `CI_AUDIENCES`"
            .into(),
    })
}

/// The id in a path.
fn rule_id(text: &str) -> Result<TrustRuleId> {
    TrustRuleId::parse(text).map_err(|_| {
        Error::invalid(
            "trust_rule_id_invalid",
            "the id of a trust rule must be a UUID with hyphens",
        )
    })
}

/// A rule that cannot be made, in its own words.
fn refused(why: &RuleError) -> Error {
    Error::invalid("trust_rule_invalid", why.to_string())
}

const UNKNOWN: Error = Error::NotFound { what: "trust rule" };

#[cfg(test)]
mod tests;
