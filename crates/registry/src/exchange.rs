//! CI jobs become tokens (R47): a job token is verified, its organization is found, and that one's Ledger
//! decides by its trust rules. Whatever fails, whoever presents the token learns one sentence.

use std::rc::Rc;

use super::config::{Ci, Config};
use super::error::{Error, JobFault, Result};
use super::jobs::verify;
use super::ports::{Clock, Directory, Entropy, Facts, Isolate, JobKeys, Ledgers};
use postern_domain::audit::Requester;
use postern_domain::decide::Denial;
use postern_domain::id::Organization;
use postern_domain::name::Label;
use postern_domain::scope::Named;
use postern_domain::secret::Secret;
use postern_domain::token::{Format, TokenFacts, Verifier};
use postern_domain::trust::Way;
use postern_ledger::{BindCommand, ExchangeAnswer, ExchangeCommand};
use postern_wire::job::{PresentedJob, VerifiedJob};
use postern_wire::{jwt, opaque};

/// How a job presents itself, as its request says.
#[derive(Debug, Clone, Copy)]
pub struct Presenting<'r> {
    /// The job token.
    pub token: &'r Secret,
    /// The organization that the request names.
    pub named: Option<&'r str>,
    /// Who asks, from where.
    pub requester: &'r Requester,
}

/// What a job gets for its job token.
pub struct Exchanged {
    /// The token's facts.
    pub facts: Rc<TokenFacts>,
    /// Its plaintext, which nobody has but who reads the answer.
    pub token: Secret,
}

/// `POST /oauth/token`: a token of this format in place of a job token, once. `audience` is what the request
/// says of the job token's own.
///
/// # Errors
/// `JobToken` for whatever is wrong with it, its job or its organization; `Invalid` for an audience that is
/// not the token's; `CiTokenRate`; `Unavailable`: then the job token may be used up.
pub async fn exchange<P>(
    asked: Presenting<'_>,
    (format, audience): (Format, Option<&str>),
    config: &Config,
    ports: &P,
) -> Result<Exchanged>
where
    P: Clock + Directory + Entropy + Facts + Isolate + JobKeys + Ledgers,
{
    let verified = verify(asked.token, config, ports).await?;
    let ci = config.ci.as_ref().ok_or(JobFault::Off)?;
    if let Some(audience) = audience
        && ci.audiences.read(audience).as_ref() != Some(verified.audience())
    {
        return Err(Error::invalid(
            "audience_invalid",
            "`audience` must be the one that the job token was made for: leave it out",
        ));
    }
    let (organization, job) = before(verified, asked.named, Way::Exchange, ci, ports).await?;
    let exchanged = match format {
        Format::Opaque => {
            let mut entropy = zeroize::Zeroizing::new([0; opaque::MINT_ENTROPY]);
            ports.fill(&mut *entropy)?;
            let token = opaque::mint(job.token_id(), &*entropy, &config.root_keys)
                .map_err(|_| Error::unavailable("entropy without enough usable digits"))?;
            let verifier = opaque::verifier(&token, &config.root_keys.pepper);
            let facts = given(organization, &job, verifier, asked.requester, ports).await?;
            Exchanged {
                facts: Rc::new(facts),
                token,
            }
        }
        Format::Jwt => {
            let unsigned = Verifier::Jwt { signed: None };
            let facts = given(organization, &job, unsigned, asked.requester, ports).await?;
            signed(facts, config, ports).await?
        }
    };
    ports.publish(&exchanged.facts);
    Ok(exchanged)
}

/// Signs the JWT of a token that was just given, and has the Ledger bind the token to it. Its claims say
/// what the rule gives, so it cannot be signed before.
async fn signed<P: Ledgers>(facts: TokenFacts, config: &Config, ports: &P) -> Result<Exchanged> {
    let issued = jwt::issue(&facts, &config.token_keys)
        .map_err(|_| Error::unavailable("the claims do not serialize"))?;
    let unbound = || Error::unavailable("the Ledger did not bind a token");
    let Verifier::Jwt {
        signed: Some(signed),
    } = &issued.verifier
    else {
        return Err(unbound());
    };
    let command = BindCommand {
        token: facts.id,
        signed: signed.clone(),
    };
    let bound = ports.bind(&facts.organization, &command).await?;
    let bound = bound.filter(|bound| bound.verifier == issued.verifier);
    Ok(Exchanged {
        facts: Rc::new(bound.ok_or_else(unbound)?),
        token: issued.token,
    })
}

/// The token of a job whose job token is shown as it is: made by its first call, and found by later ones.
///
/// # Errors
/// As of [`exchange`].
pub async fn bearer<P>(asked: Presenting<'_>, config: &Config, ports: &P) -> Result<TokenFacts>
where
    P: Clock + Directory + Isolate + JobKeys + Ledgers,
{
    let verified = verify(asked.token, config, ports).await?;
    let ci = config.ci.as_ref().ok_or(JobFault::Off)?;
    let (organization, job) = before(verified, asked.named, Way::Bearer, ci, ports).await?;
    let verifier = Verifier::Jwt {
        signed: Some(job.signed().clone()),
    };
    given(organization, &job, verifier, asked.requester, ports).await
}

/// Presents a verified job to its organization. INVARIANT (strangers create nothing): nothing is asked
/// before the token was verified, and an organization without rules writes nothing.
async fn before<P: Directory>(
    verified: VerifiedJob,
    named: Option<&str>,
    way: Way,
    ci: &Ci,
    ports: &P,
) -> Result<(Named<Organization>, PresentedJob)> {
    // From here on it is known whose job it is, and the log says so.
    let of = |fault: JobFault, name: &str| Error::from(fault.of(verified.job(), name));
    let unknown = |name: &str| of(JobFault::UnknownOrganization, name);
    let named = named.map(str::trim).filter(|name| !name.is_empty());
    let named = named.map(Label::parse).transpose();
    let named = named.map_err(|_| unknown("a name that is none"))?;
    let audience = verified.audience().clone();
    let label = audience.organization(named, way, ci.fixed().cloned());
    let label = label.map_err(|fault| of(fault.into(), "nobody"))?;
    let id = ports.organization_id(label.as_str()).await?;
    let organization = Named {
        id: id.ok_or_else(|| unknown(label.as_str()))?,
        name: label.as_str().to_owned(),
    };
    let job = verified.before(organization.id, &label);
    Ok((organization, job.map_err(JobFault::from)?))
}

/// Has the Ledger decide, and give the token.
async fn given<P: Ledgers>(
    organization: Named<Organization>,
    job: &PresentedJob,
    verifier: Verifier,
    requester: &Requester,
    ports: &P,
) -> Result<TokenFacts> {
    let command = ExchangeCommand {
        organization,
        token: job.token_id(),
        job: job.job().clone(),
        ends_at: job.ends_at(),
        verifier,
        requester: Requester {
            // The Ledger puts the rule in its place.
            actor: "ci-job".to_owned(),
            tier: "ci-job".to_owned(),
            ..requester.clone()
        },
    };
    let answer = match ports.exchange(&command.organization, &command).await {
        Err(Error::Misdirected { .. }) => {
            let fault = JobFault::UnknownOrganization;
            return Err(fault.of(job.job(), &command.organization.name).into());
        }
        answer => answer?,
    };
    let fault = match answer {
        ExchangeAnswer::Given(facts) => return Ok(*facts),
        ExchangeAnswer::NoRule => JobFault::NoRule,
        ExchangeAnswer::IssuerNotTrusted => JobFault::IssuerNotTrusted,
        // Its job meets a rule, so it may know.
        ExchangeAnswer::Paused => return Err(Denial::OrganizationPaused.into()),
        ExchangeAnswer::Ended => JobFault::Ended,
        ExchangeAnswer::Used => JobFault::Used,
        ExchangeAnswer::Revoked => JobFault::Revoked,
        ExchangeAnswer::TooMany {
            limit,
            retry_after_seconds,
        } => {
            return Err(Error::CiTokenRate {
                limit,
                retry_after_seconds,
            });
        }
        ExchangeAnswer::RecordUnavailable { cause } => return Err(Error::Unavailable { cause }),
    };
    Err(fault.of(job.job(), &command.organization.name).into())
}

#[cfg(test)]
mod tests;
