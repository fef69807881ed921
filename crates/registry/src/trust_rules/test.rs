//! What a job token would get by the rules, and why not more: for the organization's own people. It is
//! verified as when it is presented, and nothing is used up by it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::permit;
use crate::conditions::ConditionsView;
use crate::config::Config;
use crate::error::{Error, JobFault, Result};
use crate::jobs;
use crate::organization::resolve_id;
use crate::ports::{Clock, Directory, Isolate, JobKeys, Ledgers};
use crate::registry::read_body;
use postern_domain::caller::Caller;
use postern_domain::id::{self, Id, Organization, Project, TrustRuleId, Workflow};
use postern_domain::name::Label;
use postern_domain::operation::Operation;
use postern_domain::policy::Policy;
use postern_domain::scope::Named;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_domain::trust::{Explained, Job, JobFacts, NoGrant, TrustRule, Way, explain, grant};
use postern_ledger::ListTrustRulesCommand;
use postern_wire::job::{PresentedJob, VerifiedJob};
use postern_wire::rfc3339;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestRequest {
    token: String,
}

/// What would become of a job token.
#[derive(Debug, Serialize)]
pub struct Tested {
    /// Whether it is a job token that counts here and now.
    verified: bool,
    /// Why it would open nothing; `None` = it would.
    refusal: Option<String>,
    /// Whether it was presented before: exchanged, or shown as it is.
    presented: bool,
    /// The job, as a token that is made from it shows it.
    job: Option<Value>,
    /// What became of each rule, the oldest first.
    rules: Vec<RuleOutcome>,
    /// What the job would get.
    gives: Option<GivesView>,
}

/// What became of a rule.
#[derive(Debug, Serialize)]
struct RuleOutcome {
    id: TrustRuleId,
    repository: Option<String>,
    chosen: bool,
    met: bool,
    /// The first condition that the job does not meet, and what rule and token say there.
    unmet: Option<&'static str>,
    asks: Option<String>,
    says: Option<String>,
}

impl From<Explained<'_>> for RuleOutcome {
    fn from(explained: Explained<'_>) -> Self {
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        let rule = explained.rule;
        Self {
            id: rule.id(),
            repository: rule.repository().map(|name| name.as_str().to_owned()),
            chosen: explained.chosen,
            met: explained.unmet.is_none(),
            unmet: explained.unmet.map(|unmet| unmet.code()),
            asks: said(explained.wanted),
            says: said(explained.found),
        }
    }
}

/// What a job would get.
#[derive(Debug, Serialize)]
struct GivesView {
    project: Option<Named<Project>>,
    workflow: Option<Named<Workflow>>,
    policies: Vec<Policy>,
    #[serde(flatten)]
    conditions: ConditionsView,
    expires_at: String,
}

/// `POST /org/trust-rules/test`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization; `Unavailable`, also where the issuer's keys
/// cannot be had.
pub async fn test<P>(
    caller: &Caller,
    organization: Option<&str>,
    body: &[u8],
    config: &Config,
    ports: &P,
) -> Result<Tested>
where
    P: Clock + Directory + Isolate + JobKeys + Ledgers,
{
    let permit = permit(caller, Operation::TrustRuleList)?;
    let request: TestRequest = read_body(body)?;
    let token = Secret::new(request.token);
    let organization = resolve_id(caller, organization, ports).await?;
    let verified = match jobs::verify(&token, config, ports).await {
        Ok(verified) => verified,
        Err(Error::JobToken(fault)) => return Ok(Tested::unverified(fault)),
        Err(error) => return Err(error),
    };
    let command = ListTrustRulesCommand {};
    let told = ports.send(&permit.over(&organization)?, &command).await?;
    let is_trusted = told.trusts(verified.job().issuer.url());
    let rules: Vec<TrustRule> = told.rules.into_iter().map(|state| state.rule).collect();
    let job = shown(verified.job())?;
    let outcomes = explain(&rules, verified.job());
    let mut outcomes: Vec<RuleOutcome> = outcomes.into_iter().map(RuleOutcome::from).collect();
    let presented = before(verified, &organization, config)?;
    let became = match &presented {
        Ok(job) => ports.describe(&organization, job.token_id()).await?,
        Err(_) => None,
    };
    let given = presented.and_then(|job| match &became {
        None if !is_trusted => Err(JobFault::IssuerNotTrusted),
        None => given(&rules, job.job(), job.ends_at(), ports.now()),
        // One that is shown as it is goes on with what it was given then; an exchange of it would be refused.
        Some(token) if token.is_job_token() => has(token, ports.now()),
        Some(_) => Err(JobFault::Used),
    });
    let (refusal, gives) = match given {
        Ok(gives) => (None, Some(gives)),
        Err(fault) => (Some(fault.to_string()), None),
    };
    // No rule counts for a token that opens nothing.
    for outcome in &mut outcomes {
        outcome.chosen &= gives.is_some();
    }
    Ok(Tested {
        verified: true,
        refusal,
        presented: became.is_some(),
        job: Some(job),
        rules: outcomes,
        gives,
    })
}

impl Tested {
    fn unverified(fault: JobFault) -> Self {
        Self {
            verified: false,
            refusal: Some(fault.to_string()),
            presented: false,
            job: None,
            rules: Vec::new(),
            gives: None,
        }
    }
}

/// The job before the organization, as whoever presents its token and names the organization would
/// have it.
fn before(
    verified: VerifiedJob,
    organization: &Named<Organization>,
    config: &Config,
) -> Result<core::result::Result<PresentedJob, JobFault>> {
    let name = Label::parse(&organization.name)
        .map_err(|_| Error::unavailable("an organization's name is no label"))?;
    let fixed = config.ci.as_ref().and_then(|ci| ci.fixed().cloned());
    let audience = verified.audience().clone();
    // Where the origin would be sent what the caller shows, job tokens are exchanged and not shown.
    let way = match config.takes_bearers() {
        true => Way::Bearer,
        false => Way::Exchange,
    };
    Ok(audience
        .organization(Some(name), way, fixed)
        .map_err(JobFault::from)
        .and_then(|name| Ok(verified.before(organization.id, &name)?)))
}

fn given(
    rules: &[TrustRule],
    job: &Job,
    ends_at: Timestamp,
    now: Timestamp,
) -> core::result::Result<GivesView, JobFault> {
    let grant = grant(rules, job, ends_at, now).map_err(|none| match none {
        NoGrant::NoRule => JobFault::NoRule,
        NoGrant::Ended => JobFault::Ended,
    })?;
    let gives = grant.rule.gives();
    Ok(GivesView {
        project: gives.scope().project().cloned(),
        workflow: gives.scope().workflow().cloned(),
        policies: gives.policies().to_vec(),
        conditions: gives.token_conditions().into(),
        expires_at: rfc3339::print(grant.ends_at),
    })
}

/// What a job token that is shown as it is has got. Whether that was revoked, the Ledger says to its next call.
fn has(token: &TokenFacts, now: Timestamp) -> core::result::Result<GivesView, JobFault> {
    let ends_at = token.expires_at.filter(|end| *end > now);
    Ok(GivesView {
        project: token.scope.project().cloned(),
        workflow: token.scope.workflow().cloned(),
        policies: token.policies.clone(),
        conditions: token.conditions.as_deref().into(),
        expires_at: rfc3339::print(ends_at.ok_or(JobFault::Ended)?),
    })
}

/// The job as `ci_job` of a token has it, but for the rule, which is told beside it.
fn shown(job: &Job) -> Result<Value> {
    let none = Id::<id::TrustRule>::from_u128(0);
    let facts = serde_json::to_value(JobFacts::of(job, none)).map_err(Error::unavailable)?;
    let Value::Object(mut members) = facts else {
        return Err(Error::unavailable("the facts of a job are no object"));
    };
    members.remove("rule");
    Ok(Value::Object(members))
}
