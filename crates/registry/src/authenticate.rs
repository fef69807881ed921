//! From an `Authorization` header to a caller, in two steps: offline, then with one question to
//! the organization's Ledger. Refuses to decide what the caller may do.
//!
//! INVARIANT (strangers create nothing): [`present`] touches no store; only what it lets through
//! reaches [`admit`].

mod proof;

use std::rc::Rc;

use self::proof::{bind, prove};
use super::body::BodyRead;
use super::config::Config;
use super::error::{CredentialError, Error, Result};
use super::ports::{Clock, Facts, Ledgers, Memory, Revocations};
use postern_domain::caller::Caller;
use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::{OPAQUE_PREFIX, TokenFacts};
use postern_ledger::{Admission, AdmitQuery, Liveness, Purpose};
use postern_wire::bearer::{self, BearerError};
use postern_wire::jwt::{self, JwtError, Verified};
use postern_wire::opaque::{self, OpaqueError};

/// A credential that passed every check that needs no store.
#[derive(Debug)]
pub enum Presented {
    /// An administrator key.
    Administrator,
    /// An opaque key whose check digits are ours.
    Opaque {
        /// The id in it.
        id: TokenId,
        /// The whole key.
        key: Secret,
    },
    /// A JWT that a key of ours has signed.
    Jwt(Box<Verified>),
}

impl Presented {
    /// The id that the credential names; `None` for an administrator key.
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Self::Administrator => None,
            Self::Opaque { id, .. } => Some(*id),
            Self::Jwt(verified) => Some(verified.id),
        }
    }
}

/// An authenticated caller, with what the Ledger knew of the run that was asked about.
#[derive(Debug)]
pub struct Admitted {
    /// Who is calling.
    pub caller: Caller,
    /// The run that was asked about, if it is known.
    pub run: Option<Rc<RunFacts>>,
    /// The origin's id of the workflow that the token is for, where a run or a workflow was asked
    /// about and the id was learned.
    pub pin: Option<WorkflowId>,
    /// How old the Ledger's word may be that this rests on, in milliseconds; 0 = it was asked.
    pub bound_ms: i64,
}

/// Checks the header offline.
///
/// # Errors
/// The reason; see [`CredentialError`] for what the client learns of it.
pub fn present(
    header: Option<&str>,
    config: &Config,
    now: Timestamp,
) -> core::result::Result<Presented, CredentialError> {
    let credential = bearer::credential(header).map_err(|error| match error {
        BearerError::Missing => CredentialError::Missing,
        BearerError::NotBearer => CredentialError::Malformed("another scheme than Bearer"),
        BearerError::Several => CredentialError::Malformed("more than one credential"),
        BearerError::TooLong => CredentialError::Malformed("longer than any token"),
        BearerError::Malformed => CredentialError::Malformed("not a Bearer credential"),
    })?;
    let text = credential.expose();
    if text.starts_with(OPAQUE_PREFIX) {
        return match opaque::check(&credential, &config.root_keys.check) {
            Ok(id) => Ok(Presented::Opaque {
                id,
                key: credential,
            }),
            Err(OpaqueError::Malformed) => Err(CredentialError::Malformed("opaque key grammar")),
            Err(OpaqueError::Checksum) => Err(CredentialError::Malformed("opaque key checksum")),
            Err(OpaqueError::NotOurs) => {
                Err(CredentialError::Refused("opaque key check digits: forged"))
            }
        };
    }
    let admin = config.admin.as_ref();
    if admin.is_some_and(|admin| admin.matches(text)) {
        return Ok(Presented::Administrator);
    }
    if text.split('.').count() == 3 {
        return jwt::verify(
            &credential,
            config.jwt_keys(),
            now,
            config.jwt_leeway_seconds,
        )
        .map(|verified| Presented::Jwt(Box::new(verified)))
        .map_err(jwt_refusal);
    }
    // A wrong administrator key and random text look the same, and get the same answer.
    Err(CredentialError::NoForm)
}

fn jwt_refusal(error: JwtError) -> CredentialError {
    match error {
        JwtError::Malformed(why) => CredentialError::Malformed(why),
        JwtError::Algorithm => CredentialError::Malformed("JWT algorithm is not HS256"),
        JwtError::Critical => CredentialError::Malformed("JWT with critical extensions"),
        JwtError::Stale => CredentialError::Stale,
        JwtError::Foreign => CredentialError::Refused("JWT of a foreign issuer"),
        JwtError::Claims(why) => CredentialError::Refused(why),
        JwtError::Audience => CredentialError::Refused("invalid audience"),
        JwtError::Expired => CredentialError::Expired("JWT expired"),
        JwtError::NotYetValid => CredentialError::Expired("JWT not valid yet"),
    }
}

/// What a call names that the Ledger knows more of.
#[derive(Debug, Clone, Copy)]
pub enum About {
    /// Nothing.
    Nothing,
    /// A run, and so a workflow.
    Run(RunId),
    /// A workflow by its name: a token for one workflow may be for another one of that name.
    Workflow,
}

/// Turns a presented credential into a caller, asking the Ledger whether the token lives and,
/// in the same question, for what the call names. A read may rest on what this isolate was
/// told, where the configuration sets a bound.
///
/// # Errors
/// The refusal, or `Unavailable` when a store or the Ledger does not answer: never a guess.
pub async fn admit<P>(
    presented: &Presented,
    about: About,
    purpose: Purpose,
    _: BodyRead,
    config: &Config,
    ports: &P,
) -> Result<Admitted>
where
    P: Clock + Facts + Ledgers + Memory + Revocations,
{
    ask_about(presented, about, purpose, config, ports).await
}

/// As [`admit`], for a credential that is no caller's: one that stood in a body. Looking is no use
/// of it.
///
/// # Errors
/// As [`admit`].
pub async fn examine<P>(presented: &Presented, config: &Config, ports: &P) -> Result<Admitted>
where
    P: Clock + Facts + Ledgers + Memory + Revocations,
{
    ask_about(presented, About::Nothing, Purpose::Look, config, ports).await
}

async fn ask_about<P>(
    presented: &Presented,
    about: About,
    purpose: Purpose,
    config: &Config,
    ports: &P,
) -> Result<Admitted>
where
    P: Clock + Facts + Ledgers + Memory + Revocations,
{
    let run = match about {
        About::Run(run) => Some(run),
        About::Nothing | About::Workflow => None,
    };
    let Some(id) = presented.token() else {
        return Ok(Admitted {
            caller: Caller::Administrator,
            run: None,
            pin: None,
            bound_ms: 0,
        });
    };
    let mut facts = Memory::facts(ports, id);
    let organization = home(presented, id, facts.as_deref(), config, ports).await?;
    let known_run = run.and_then(|run| ports.run(organization, run));
    let pin = ports.pin(id);
    let settled = known_run
        .as_ref()
        .is_some_and(|run| settled(facts.as_deref(), pin, run));
    let expired = |facts: &TokenFacts| facts.expired(lenient(presented, config, ports.now()));
    let bounded = purpose == Purpose::Read && config.revocation_bound_ms > 0;
    let query = AdmitQuery {
        token: id,
        facts: facts.is_none(),
        run: run.filter(|_| !settled),
        pin: matches!(about, About::Workflow)
            && pin.is_none()
            && facts.as_deref().is_none_or(narrow),
        counts: purpose != Purpose::Look,
        // What has expired is no use; whether it was revoked before, the Ledger tells.
        version: bounded && !facts.as_deref().is_some_and(expired),
    };
    let (admission, bound_ms) = ask(organization, query, config.revocation_bound_ms, ports).await?;
    match admission.liveness {
        Liveness::Live => {}
        Liveness::Revoked => return Err(CredentialError::Refused("revoked token").into()),
        Liveness::Unknown => return Err(CredentialError::Refused("unknown token").into()),
    }
    if facts.is_none() {
        let learned = admission
            .facts
            .map(Rc::new)
            .ok_or_else(|| Error::unavailable("the Ledger gave no facts of a live token"))?;
        prove(presented, &learned, &config.root_keys.pepper)?;
        facts = Some(learned);
    }
    let facts = facts.ok_or_else(|| Error::unavailable("no facts"))?;
    if expired(&facts) {
        return Err(CredentialError::Expired("row expired").into());
    }
    let facts = bind(presented, facts, config, ports).await?;
    ports.remember_facts(&facts);
    let run = match (known_run, run, admission.run) {
        (Some(known), _, _) => Some(known),
        (None, Some(id), Some(learned)) => {
            let learned = Rc::new(learned);
            ports.remember_run(organization, id, &learned);
            Some(learned)
        }
        _ => None,
    };
    if let (None, Some(learned)) = (pin, admission.pin) {
        ports.remember_pin(id, learned);
    }
    Ok(Admitted {
        caller: Caller::Token(facts),
        run,
        pin: pin.or(admission.pin),
        bound_ms,
    })
}

/// The organization whose Ledger has the token, where `known` are its facts as this isolate knows
/// them. What is known is proved already.
async fn home<P: Facts>(
    presented: &Presented,
    id: TokenId,
    known: Option<&TokenFacts>,
    config: &Config,
    ports: &P,
) -> Result<OrganizationId> {
    match (known, presented) {
        (Some(facts), _) => {
            prove(presented, facts, &config.root_keys.pepper)?;
            Ok(facts.organization.id)
        }
        (None, Presented::Jwt(verified)) if named_by_claim(verified) => {
            organization_claim(verified)
        }
        // An opaque key does not name its organization, nor does an old token of the origin: the
        // stores do. What else they say of it is believed only to refuse; what it may do comes
        // from the Ledger.
        (None, _) => {
            let found = Facts::facts(ports, id)
                .await?
                .ok_or(CredentialError::Refused("unknown token"))?;
            prove(presented, &found, &config.root_keys.pepper)?;
            Ok(found.organization.id)
        }
    }
}

/// Whether the Ledger has no more to tell of a run that this isolate knows. A workflow token's first
/// run tells it which workflow the token is for.
pub(super) fn settled(facts: Option<&TokenFacts>, pin: Option<WorkflowId>, run: &RunFacts) -> bool {
    facts
        .is_some_and(|facts| pin.is_some() || run.workflow_id.is_none() || !run.is_of(&facts.scope))
}

/// Asks the Ledger, unless all that is asked is whether the token lives, and this isolate was told
/// within the bound. Tells, beside the answer, how old it may be.
async fn ask<P>(
    organization: OrganizationId,
    query: AdmitQuery,
    bound_ms: i64,
    ports: &P,
) -> Result<(Admission, i64)>
where
    P: Clock + Ledgers + Revocations,
{
    let alone = query.version && !query.facts && !query.pin && query.run.is_none();
    if alone && ports.lived(organization, query.token, bound_ms) {
        return Ok((Admission::LIVE, bound_ms));
    }
    let asked = ports.now();
    let admission = ports.admit(organization, query).await?;
    if let (Liveness::Live, Some(version)) = (admission.liveness, admission.version) {
        ports.heard(organization, query.token, version, asked, bound_ms);
    }
    Ok((admission, 0))
}

/// Whether a token is for one workflow.
fn narrow(facts: &TokenFacts) -> bool {
    facts.scope.workflow().is_some()
}

/// The moment to hold a row's expiry against: a JWT's has the same leeway as its `exp`, which is
/// the same moment.
fn lenient(presented: &Presented, config: &Config, now: Timestamp) -> Timestamp {
    match presented {
        Presented::Jwt(_) => now.plus_millis(-1000 * config.jwt_leeway_seconds),
        Presented::Opaque { .. } | Presented::Administrator => now,
    }
}

/// Whether the token says which organization it belongs to. One that is minted here must.
fn named_by_claim(verified: &Verified) -> bool {
    verified.signed.is_some() || verified.claims.organization().is_some()
}

fn organization_claim(verified: &Verified) -> Result<OrganizationId> {
    verified
        .claims
        .org_id
        .as_deref()
        .and_then(|id| OrganizationId::parse(id).ok())
        .ok_or_else(|| CredentialError::Refused("organization claim is not a UUID").into())
}

mod possession;

pub use possession::possession;

#[cfg(test)]
mod adopted_tests;
#[cfg(test)]
mod signed_tests;
#[cfg(test)]
mod tests;
