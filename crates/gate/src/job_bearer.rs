//! Job tokens that are shown as they are (R47): the first call of a job has its token verified and made known
//! to the organization's Ledger, and later ones find it in this isolate's memory. From there on a job token
//! is a credential like others: leases, revokes and uses hold for it.
//!
//! INVARIANT (the origin never sees a job token): a call that shows one goes on without it, and only where
//! the origin is shown something else.

use std::rc::Rc;

use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::{Signed, TokenFacts, Verifier};

use crate::Gate;
use crate::ask::{Pending, Question};
use crate::call::{Call, Next};
use crate::credential::{Presented, Recognized, Shown};
use crate::error::{Error, JobFault, Result};
use crate::head::Head;
use crate::proof::prove;

/// The header that names the organization of a caller whose credential does not.
const ORGANIZATION: &str = "postern-organization";

/// A job token that a Ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobBearer {
    /// The token that it became.
    pub token: TokenId,
    /// In which organization.
    pub organization: OrganizationId,
    /// What was signed, and by which issuer.
    pub signed: Signed,
    /// When that token ends.
    pub ends_at: Timestamp,
    /// The organization that the request named with which it came, if one was: another name may mean another
    /// organization.
    named: Option<String>,
}

/// To verify a job token, and to have the organization's Ledger know it.
pub struct Identify {
    /// The job token.
    pub token: Secret,
    /// The organization that the request names.
    pub named: Option<String>,
}

impl core::fmt::Debug for Identify {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identify")
            .field("named", &self.named)
            .finish_non_exhaustive()
    }
}

impl Question for Identify {
    /// The facts of the token that it became.
    type Answer = TokenFacts;
}

type At<'a> = (&'a mut Call, &'a mut Gate, Timestamp);

/// Goes on with what a call has shown: a job token is made a credential of the registry first.
pub(crate) fn identified(
    (call, gate, now): At<'_>,
    head: &Head<'_>,
    shown: Option<Shown>,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Option<Recognized>) -> Result<Next> + 'static,
) -> Result<Next> {
    let token = match shown {
        Some(Shown::Job(token)) => token,
        Some(Shown::Checked(recognized)) => return then(call, gate, now, Some(recognized)),
        None => return then(call, gate, now, None),
    };
    let config = gate.config();
    if !config.takes_bearers() {
        return Err(JobFault::Passthrough.into());
    }
    let named = match call.kept.names.has(ORGANIZATION) {
        true => head.headers.value(ORGANIZATION),
        false => None,
    };
    let ours = |call: &mut Call, job: Rc<JobBearer>| {
        call.job = Some(Rc::clone(&job));
        Some(Recognized::Ours(Presented::Job(job)))
    };
    if let Some(job) = gate.memory.bearers.find(&token)
        && job.named == named
    {
        if job.ends_at <= now {
            return Err(JobFault::Ended.into());
        }
        let recognized = ours(call, job);
        return then(call, gate, now, recognized);
    }
    let question = Identify { token, named };
    let text = Secret::new(question.token.expose().to_owned());
    let named = question.named.clone();
    let known = move |call: &mut Call, gate: &mut Gate, now, facts: TokenFacts| {
        let job = bearer(&facts, named)?;
        let presented = Presented::Job(Rc::clone(&job));
        prove(&presented, &facts, &gate.config().root_keys.pepper)?;
        gate.memory.bearers.remember(text, &job);
        gate.memory.remember_facts(&Rc::new(facts));
        let recognized = ours(call, job);
        then(call, gate, now, recognized)
    };
    Ok(Next::Identify(Pending::new(question, known)))
}

/// A job token by the facts of the token that it became.
fn bearer(facts: &TokenFacts, named: Option<String>) -> Result<Rc<JobBearer>> {
    let (
        Verifier::Jwt {
            signed: Some(signed),
        },
        Some(ends_at),
    ) = (&facts.verifier, facts.expires_at)
    else {
        return Err(Error::unavailable(
            "the Ledger gave no token of a job token",
        ));
    };
    Ok(Rc::new(JobBearer {
        token: facts.id,
        organization: facts.organization.id,
        signed: signed.clone(),
        ends_at,
        named,
    }))
}
