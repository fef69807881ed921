//! Introspection (RFC 7662) and revocation by the holder (RFC 7009), so that origins and tools can
//! use standard clients. Why a token is inactive is not told.

use serde::Serialize;

use super::authenticate::{Admitted, Presented, examine, possession, present};
use super::config::{AdminKey, Config};
use super::error::{Error, Result};
use super::ports::{Clock, Facts, Isolate, Ledgers};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Target, decide};
use postern_domain::name::Label;
use postern_domain::operation::Operation;
use postern_domain::secret::Secret;
use postern_domain::token::TokenFacts;
use postern_domain::trust::JobFacts;
use postern_gate::credential::is_job_token;
use postern_ledger::RevokeCommand;
use postern_wire::jwt::{API_TOKEN_AUDIENCE, ISSUER};

/// The answer to an introspection (RFC 7662, section 2.2); all but `active` only for active ones.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Introspection {
    /// Whether it is a token that can be used.
    pub active: bool,
    /// The name of the administrator key, where it is the caller's own, and has one. It is no token.
    #[serde(skip_serializing_if = "Option::is_none")]
    administrator: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Details {
    /// The policies, separated by spaces.
    scope: String,
    token_type: &'static str,
    iss: &'static str,
    aud: &'static str,
    sub: String,
    jti: String,
    token_name: String,
    org_id: String,
    org_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_name: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// The CI job that it was made for, where a trust rule gave it (R47).
    #[serde(skip_serializing_if = "Option::is_none")]
    ci_job: Option<Box<JobFacts>>,
}

impl From<&TokenFacts> for Details {
    fn from(facts: &TokenFacts) -> Self {
        let project = facts.scope.project();
        let workflow = facts.scope.workflow();
        let policies: Vec<&str> = facts
            .policies
            .iter()
            .map(|policy| policy.as_str())
            .collect();
        Self {
            scope: policies.join(" "),
            token_type: "Bearer",
            iss: ISSUER,
            aud: API_TOKEN_AUDIENCE,
            sub: format!("api-token:{}", facts.id),
            jti: facts.id.to_string(),
            token_name: facts.name.as_str().to_owned(),
            org_id: facts.organization.id.to_string(),
            org_name: facts.organization.name.clone(),
            project_id: project.map(|project| project.id.to_string()),
            project_name: project.map(|project| project.name.clone()),
            workflow_id: workflow.map(|workflow| workflow.id.to_string()),
            workflow_name: workflow.map(|workflow| workflow.name.clone()),
            exp: facts.expires_at.map(|end| end.as_seconds()),
            ci_job: facts.ci_job.clone(),
        }
    }
}

/// `POST /oauth/introspect`. A token that the caller may not read is not active, like one that
/// does not exist; a caller may always look at itself. Looking is no use of the token.
///
/// # Errors
/// `Unavailable`: whether the token is active could not be found out.
pub async fn introspect<P>(
    caller: &Caller,
    token: &str,
    config: &Config,
    ports: &P,
) -> Result<Introspection>
where
    P: Clock + Facts + Isolate + Ledgers,
{
    if let Some(name) = caller.admin_name()
        && is_key(token, name, config)
    {
        return Ok(Introspection {
            administrator: Some(name.as_str().to_owned()),
            ..Introspection::default()
        });
    }
    let Some(facts) = holder(token, config, ports).await? else {
        return Ok(Introspection::default());
    };
    let itself = matches!(caller, Caller::Token(own) if own.id == facts.id);
    if !itself && decide(caller, Operation::TokenRead, Target::Token(&facts)).is_err() {
        return Ok(Introspection::default());
    }
    Ok(Introspection {
        active: true,
        details: Some((&*facts).into()),
        ..Introspection::default()
    })
}

/// Whether a text is the administrator key of this name.
fn is_key(text: &str, name: &Label, config: &Config) -> bool {
    let found = config.admin.as_ref().and_then(|keys| keys.find(text));
    let found = found.and_then(AdminKey::name);
    found.is_some_and(|found| *found == *name)
}

/// `POST /oauth/revoke`. Holding a token is the authorization to revoke it, in any state. Unknown
/// and revoked tokens, and JWTs that have expired, get the same answer: there is nothing to do.
///
/// # Errors
/// `Invalid` for a system token (R10) and for a job token, `Unavailable`.
pub async fn revoke_own<P>(
    token: &str,
    mut requester: Requester,
    config: &Config,
    ports: &P,
) -> Result<()>
where
    P: Clock + Facts + Isolate + Ledgers,
{
    // Nothing would end, and its holder must not believe so.
    if is_job_token(&Secret::new(token.to_owned()), config) {
        return Err(Error::invalid(
            "unsupported_token_type",
            "a job token cannot be revoked: revoke the token that it became, or let it end",
        ));
    }
    let Some(presented) = read(token, config, ports) else {
        return Ok(());
    };
    let Some(facts) = possession(&presented, config, ports).await? else {
        return Ok(());
    };
    let caller = Caller::Token(facts.clone());
    let permit =
        decide(&caller, Operation::TokenRevokeOwn, Target::Token(&facts)).map_err(|denial| {
            match denial {
                Denial::SystemToken => Error::invalid("unsupported_token_type", denial.public()),
                denial => denial.into(),
            }
        })?;
    requester.actor = caller.provenance();
    requester.tier = caller.tier().to_owned();
    let command = RevokeCommand {
        token: facts.id,
        requester,
        respond_async: false,
    };
    let grant = permit.over(&facts.organization)?;
    ports.send(&grant, &command).await?;
    Ok(())
}

/// The credential that a text is, if it passes the offline check and is a token.
fn read<P: Clock>(token: &str, config: &Config, ports: &P) -> Option<Presented> {
    let header = zeroize::Zeroizing::new(format!("Bearer {token}"));
    present(Some(&header), config, ports.now())
        .ok()
        .filter(|presented| !matches!(presented, Presented::Administrator(_)))
}

/// The active token that a text is, if it is one.
async fn holder<P>(
    token: &str,
    config: &Config,
    ports: &P,
) -> Result<Option<std::rc::Rc<TokenFacts>>>
where
    P: Clock + Facts + Isolate + Ledgers,
{
    let Some(presented) = read(token, config, ports) else {
        return Ok(None);
    };
    match examine(&std::rc::Rc::new(presented), ports).await {
        Ok(Admitted {
            caller: Caller::Token(facts),
            ..
        }) => Ok(Some(facts)),
        // In a pause no token can be used (R53).
        Ok(_) | Err(Error::Credential(_) | Error::Denied(Denial::OrganizationPaused)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
