//! The body by which a trust rule is added.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::refused;
use crate::error::{Error, Result};
use crate::mint;
use crate::registry::read_body;
use postern_domain::policy::Policy;
use postern_domain::trust::{ConditionsDraft, ForgeId, MAX_POLICIES, RuleDraft, RuleError};
use postern_wire::duration::{self, SpanError};
use postern_wire::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddRequest {
    issuer: String,
    repository: Option<String>,
    #[serde(default, deserialize_with = "forge_id")]
    repository_id: Option<ForgeId>,
    #[serde(default, deserialize_with = "forge_id")]
    repository_owner_id: Option<ForgeId>,
    #[serde(default, deserialize_with = "forge_id")]
    project_id: Option<ForgeId>,
    #[serde(default, deserialize_with = "forge_id")]
    namespace_id: Option<ForgeId>,
    subject: Option<String>,
    /// `null` is refused here and below, unlike elsewhere: it would make a rule without conditions.
    #[serde(default)]
    conditions: ConditionsDraft,
    project: Option<String>,
    workflow: Option<String>,
    policies: Option<Vec<String>>,
    longest_life: Option<String>,
}

/// What a body asks for.
pub(super) struct Asked {
    /// Whose jobs, under which conditions.
    pub draft: RuleDraft,
    /// The project, by its name or id.
    pub project: String,
    /// The workflow of it.
    pub workflow: Option<String>,
    /// What they get.
    pub policies: Vec<Policy>,
    /// For how long at most; `None` = the default.
    pub life_seconds: Option<u32>,
}

/// Reads a body.
///
/// # Errors
/// `Invalid`.
pub(super) fn read(body: &[u8]) -> Result<Asked> {
    let body: AddRequest = read_body(body)?;
    let project = body.project.ok_or(RuleError::WholeOrganization);
    let policies = body.policies.unwrap_or_default();
    if policies.len() > MAX_POLICIES {
        return Err(refused(&RuleError::TooManyPolicies));
    }
    Ok(Asked {
        project: project.map_err(|why| refused(&why))?,
        workflow: body.workflow,
        policies: mint::policies(policies)?,
        life_seconds: body.longest_life.as_deref().map(seconds).transpose()?,
        draft: RuleDraft {
            issuer: body.issuer,
            repository: body.repository,
            repository_id: body.repository_id,
            repository_owner_id: body.repository_owner_id,
            project_id: body.project_id,
            namespace_id: body.namespace_id,
            subject: body.subject,
            conditions: body.conditions,
        },
    })
}

/// How many seconds a life has; whether a rule may give it, the rule says.
fn seconds(span: &str) -> Result<u32> {
    match duration::parse_seconds(span) {
        Ok(seconds) => u32::try_from(seconds).map_err(|_| refused(&RuleError::Life)),
        Err(SpanError::TooLong) => Err(refused(&RuleError::Life)),
        Err(SpanError::Malformed) => Err(Error::invalid(
            "trust_rule_invalid",
            "`longest_life`: must be a span such as `15m`, `1h` or `PT15M`",
        )),
    }
}

/// Reads an id of a forge: its digits as text, or a whole number, however it is written. `null` is
/// absent.
fn forge_id<'de, D>(deserializer: D) -> core::result::Result<Option<ForgeId>, D::Error>
where
    D: Deserializer<'de>,
{
    let wrong = || de::Error::custom("an id of a forge must be a whole number from 1 to 2^53 - 1");
    let id = match Value::deserialize(deserializer)? {
        Value::String(digits) => Some(ForgeId::parse(&digits).map_err(|_| wrong())?),
        other => json::whole::<_, i64>(other)
            .map_err(|_| wrong())?
            .map(|number| u64::try_from(number).ok().and_then(ForgeId::new))
            .map(|id| id.ok_or_else(wrong))
            .transpose()?,
    };
    Ok(id)
}
