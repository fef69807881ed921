//! The credential that a call is sent on with in place of its caller's (R42): which one it needs,
//! whether this isolate knows it, and the question to the Ledger where it does not.

mod answers;
mod trouble;

pub(crate) use answers::{accepted, ended, repeated};
pub use trouble::UpstreamTrouble;

use std::rc::Rc;

use postern_domain::decide::{CallNames, ProjectNamed, RunFacts};
use postern_domain::id::{OrganizationId, UpstreamId};
use postern_domain::keys::KeyRing;
use postern_domain::name::Label;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::upstream::{Credential, Digest, Reach, Sealed, open};
use postern_ledger::{Admission, AdmitQuery, GivenUpstream, UpstreamQuery};

use crate::Gate;
use crate::admission::{Admitted, usable};
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::question::Admit;

/// A credential, opened. Its text is wiped when nobody has it any more.
#[derive(Debug)]
pub struct Upstream {
    /// Its version.
    pub id: UpstreamId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it is for.
    pub reach: Reach,
    /// What is shown of it.
    pub digest: Digest,
    credential: Credential,
}

impl Upstream {
    /// Opens what a Ledger has given.
    ///
    /// # Errors
    /// `Unavailable`, with what is wrong with the configuration as its cause.
    pub(crate) fn open(
        organization: OrganizationId,
        given: &GivenUpstream,
        keys: &KeyRing,
    ) -> Result<Self> {
        let sealed = Sealed {
            organization,
            reach: &given.reach,
            id: given.id,
        };
        let (digest, reach) = (&given.digest, &given.reach);
        let credential = open(&given.sealed, sealed, keys).map_err(|why| {
            let digest = digest.as_str();
            Error::unavailable(format!(
                "the upstream credential {digest} of {reach}: {why}"
            ))
        })?;
        Ok(Self {
            id: given.id,
            organization,
            reach: reach.clone(),
            digest: digest.clone(),
            credential,
        })
    }

    /// The text. INVARIANT (secrets have no Display): only to send it to the origin, and to find it
    /// in what the origin answers.
    pub(crate) fn expose(&self) -> &str {
        self.credential.expose()
    }
}

/// The names in a call by which its credential is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UpstreamNames {
    project: Option<Label>,
    workflow: Option<Label>,
}

/// Which credential a call needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The narrowest that is set for this.
    pub reach: Reach,
    /// This version instead, while there is it: the call's run began under it.
    pub began: Option<UpstreamId>,
}

/// Which credential was found for a call, while its caller was. `None` = none is set.
#[derive(Debug)]
pub(crate) struct Offer {
    pub wanted: Wanted,
    pub found: Result<Option<Rc<Upstream>>>,
}

impl UpstreamNames {
    /// Of an RPC's message. In modes that send no stored credential nothing is looked for.
    pub fn of_call<'n>(gate: &Gate, names: impl FnOnce() -> CallNames<'n>) -> Self {
        if !gate.config.is_upstream() {
            return Self::default();
        }
        let names = names();
        let project = match &names.project {
            ProjectNamed::Name(name) => Some(*name),
            ProjectNamed::Names(names) => match names.as_slice() {
                [one] => Some(*one),
                _ => None,
            },
            ProjectNamed::Open | ProjectNamed::Id(_) => None,
        };
        Self::named(project, Some(names.workflow))
    }

    /// Of these names. One that nothing can be called counts as none.
    pub fn named(project: Option<&str>, workflow: Option<&str>) -> Self {
        let label = |text: Option<&str>| Label::parse(text?).ok();
        Self {
            project: label(project),
            workflow: label(workflow),
        }
    }

    /// What a call with these names wants, of a token with this scope, about this run.
    pub fn wanted(&self, scope: &Scope, run: Option<&RunFacts>) -> Wanted {
        let project = self.project.as_ref().map(Label::as_str);
        let workflow = self.workflow.as_ref().map(Label::as_str);
        Wanted {
            reach: Reach::of_call(project, workflow, scope, run),
            began: run.and_then(|run| run.upstream),
        }
    }

    /// The question to the Ledger. It knows the token's scope, and may know more of the run.
    pub fn query(&self, run: Option<&RunFacts>) -> UpstreamQuery {
        if let Some(run) = run {
            return Wanted::of_run(run).query();
        }
        UpstreamQuery {
            project: self.project.clone(),
            workflow: self.workflow.clone(),
            is_exact: false,
            began: None,
        }
    }
}

impl Wanted {
    fn of_run(run: &RunFacts) -> Self {
        Self {
            reach: Reach::of(Some(&run.project), Some(&run.workflow)),
            began: run.upstream,
        }
    }

    /// The question to the Ledger: for exactly this, as the answer is remembered for exactly this.
    fn query(&self) -> UpstreamQuery {
        let names = UpstreamNames::named(self.reach.project(), self.reach.workflow());
        UpstreamQuery {
            project: names.project,
            workflow: names.workflow,
            is_exact: true,
            began: self.began,
        }
    }
}

fn put(call: &mut Call, found: Option<Rc<Upstream>>, wanted: Wanted) {
    call.upstream_unset = found.is_none().then_some(wanted.reach);
    call.upstream = found;
}

/// The credential that was put into the call.
///
/// # Errors
/// `UpstreamMissing`.
pub(crate) fn stored(call: &Call) -> Result<&Upstream> {
    let missing = || Error::UpstreamMissing {
        reach: call.upstream_unset.clone().unwrap_or(Reach::Organization),
    };
    call.upstream.as_deref().ok_or_else(missing)
}

/// Refuses to ask the origin for a run where there is no credential to ask with.
/// The report of the run may be on its way, and say what the call is about: the client is to try again.
///
/// # Errors
/// `Unavailable`.
pub(crate) fn can_ask(call: &Call) -> Result<()> {
    match &call.upstream_unset {
        None => Ok(()),
        Some(reach) => Err(Error::unavailable(format!(
            "the run is not known yet, and no upstream credential is set for {reach} to ask the \
             origin for it"
        ))),
    }
}

/// Puts the credential into the call that it goes to the origin with, and goes on: at once where it
/// was found with the caller or this isolate knows it by a lease, and otherwise once the Ledger has
/// said which it is. A call for which there is none goes on as well: [`Outbound::new`] refuses it,
/// as nothing leaves without one.
///
/// [`Outbound::new`]: crate::Outbound
pub(crate) fn choose(
    (call, gate, now): (&mut Call, &mut Gate, Timestamp),
    admitted: Admitted,
    wanted: impl FnOnce(&Scope) -> Wanted,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Admitted) -> Result<Next> + 'static,
) -> Result<Next> {
    let config = gate.config();
    let facts = admitted.caller.token();
    let Some(facts) = facts.filter(|_| config.is_upstream()) else {
        return then(call, gate, now, admitted);
    };
    let (organization, token) = (facts.organization.id, facts.id);
    let revision = facts.revision;
    let wanted = wanted(&facts.scope);
    let offer = admitted.upstream.as_ref();
    if let Some(offer) = offer.filter(|offer| offer.wanted == wanted) {
        put(call, offer.found.clone()?, wanted);
        return then(call, gate, now, admitted);
    }
    let leases = &mut gate.memory.leases;
    if let Some(known) = leases.upstream(organization, &wanted, now) {
        put(call, known, wanted);
        return then(call, gate, now, admitted);
    }
    let is_leased = config.revocation_lease_ms > 0;
    let asked = is_leased.then(|| leases.ask(organization, now));
    let question = Admit {
        organization,
        query: AdmitQuery {
            upstream: Some(wanted.query()),
            claim: asked.map(|asked| asked.claim()),
            revision,
            ..AdmitQuery::look(token)
        },
    };
    let told = move |call: &mut Call, gate: &mut Gate, at, admission: Admission| {
        // Facts of another revision are not the ones that this call was decided by: the next one asks.
        let revision = admission.revision(revision);
        let Admission {
            liveness,
            delta,
            upstream,
            ..
        } = &admission;
        let config = gate.config();
        let keys = &config.root_keys.upstream;
        let memory = &mut gate.memory;
        let is_taken = match &asked {
            Some(asked) => {
                memory
                    .leases
                    .told(asked, (token, revision), *liveness, delta.as_ref(), at)
            }
            None => {
                memory.told_active(organization, token, &admission)?;
                false
            }
        };
        usable(&admission)?;
        let given = (upstream.as_ref(), is_taken);
        let found = memory.leases.given(organization, &wanted, given, keys)?;
        put(call, found, wanted);
        then(call, gate, at, admitted)
    };
    Ok(Next::Admit(Pending::new(question, told)))
}
