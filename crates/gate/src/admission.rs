//! From a credential to a caller: where its Ledger is, then one question to it. Calls for the
//! origin and management go through here alike.

mod conditions;
mod home;
mod offers;
mod usable;

pub use home::{Home, home, sought};
pub(crate) use usable::{active, running, usable};

use core::net::IpAddr;
use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Admission, AdmitQuery, BindCommand, Liveness, Purpose};

use self::usable::expired;
use crate::Gate;
use crate::activity::KnownToken;
use crate::ask::{Machine, Pending};
use crate::binding::bind;
use crate::credential::Presented;
use crate::error::{CredentialError, Error, Result};
use crate::proof::{bindable, prove};
use crate::question::{Admit, Bind, Find};
use crate::upstream::{Offer, UpstreamNames};

/// An authenticated caller, with what is known of the run that was asked about.
#[derive(Debug)]
pub struct Admitted {
    /// Who is calling.
    pub caller: Caller,
    /// The run that was asked about, if it is known.
    pub run: Option<Rc<RunFacts>>,
    /// The origin's id of the workflow that the token is for, where a run or a workflow was asked
    /// about and the id was learned.
    pub pin: Option<WorkflowId>,
    /// The upstream credential that was found for the call.
    pub(crate) upstream: Option<Offer>,
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

/// What is asked of a credential, and what for.
#[derive(Debug)]
pub(crate) struct Sought {
    pub about: About,
    pub purpose: Purpose,
    /// The names by which the upstream credential of the call is chosen, where it is to be.
    pub names: Option<UpstreamNames>,
}

/// A machine that can ask who a credential belongs to.
pub(crate) trait Asks: Machine {
    fn find(pending: Pending<Find, Self>) -> Self;
    fn admit(pending: Pending<Admit, Self>) -> Self;
    fn bind(pending: Pending<Bind, Self>) -> Self;
    /// Notes which token the credential is of, active or not.
    fn known(call: &mut Self::Call, token: KnownToken);
    /// The client's address, where it is known.
    fn address(call: &Self::Call) -> Option<IpAddr>;
}

/// What is to become of an admission.
type Then<M> =
    Box<dyn FnOnce(&mut <M as Machine>::Call, &mut Gate, Timestamp, Admitted) -> Result<M>>;

/// A credential that is being asked about.
struct CredentialQuery<M: Machine> {
    presented: Rc<Presented>,
    id: TokenId,
    organization: OrganizationId,
    known: Option<Rc<TokenFacts>>,
    run: Option<RunId>,
    known_run: Option<Rc<RunFacts>>,
    pin: Option<WorkflowId>,
    names: Option<UpstreamNames>,
    upstream: Option<Offer>,
    /// Whether the token's conditions are looked at: not where it is only looked at itself.
    is_use: bool,
    then: Then<M>,
}

/// Turns a presented credential into a caller, asking the Ledger whether the token lives and, in
/// the same question, for what the call names. A call for the origin may rest on what this isolate
/// was told, while a lease lasts (R41).
pub(crate) fn admit<M: Asks + 'static>(
    (call, gate, now): (&mut M::Call, &mut Gate, Timestamp),
    presented: &Rc<Presented>,
    Sought {
        about,
        purpose,
        names,
    }: Sought,
    then: impl FnOnce(&mut M::Call, &mut Gate, Timestamp, Admitted) -> Result<M> + 'static,
) -> Result<M> {
    let Some(id) = presented.token() else {
        let admitted = Admitted {
            caller: Caller::Administrator(presented.key_name()),
            run: None,
            pin: None,
            upstream: None,
        };
        return then(call, gate, now, admitted);
    };
    let known = gate.memory.facts(id);
    let presented = Rc::clone(presented);
    let run = match about {
        About::Run(run) => Some(run),
        About::Nothing | About::Workflow => None,
    };
    let is_use = purpose != Purpose::Look;
    let config = gate.config();
    let names = names.filter(|_| config.is_upstream());
    match home(&presented, known.as_deref(), &config)? {
        Home::Known(organization) => {
            let query = CredentialQuery {
                presented,
                id,
                organization,
                known,
                run,
                known_run: None,
                pin: None,
                names,
                upstream: None,
                is_use,
                then: Box::new(then),
            };
            query.ask((call, gate, now), about, purpose)
        }
        Home::Sought => {
            let then: Then<M> = Box::new(then);
            let found =
                move |call: &mut M::Call, gate: &mut Gate, now, found: Option<TokenFacts>| {
                    let organization = sought(&presented, found.as_ref(), &gate.config())?;
                    let query = CredentialQuery {
                        presented,
                        id,
                        organization,
                        known: None,
                        run,
                        known_run: None,
                        pin: None,
                        names,
                        upstream: None,
                        is_use,
                        then,
                    };
                    query.ask((call, gate, now), about, purpose)
                };
            Ok(M::find(Pending::new(Find { token: id }, found)))
        }
    }
}

impl<M: Asks + 'static> CredentialQuery<M> {
    /// Asks the Ledger, unless all that is asked is whether the token is active, and a lease of this
    /// isolate says so.
    fn ask(
        mut self,
        (call, gate, now): (&mut M::Call, &mut Gate, Timestamp),
        about: About,
        purpose: Purpose,
    ) -> Result<M> {
        let config = gate.config();
        // What is known now holds for this call, whatever is forgotten while it waits.
        let key = self.run.map(|run| (self.organization, run));
        self.known_run = key.and_then(|(organization, run)| gate.memory.run(organization, run));
        self.pin = gate.memory.pin(self.id);
        self.upstream = self.kept(gate, now);
        let known = self.known.as_deref();
        let is_settled = self
            .known_run
            .as_ref()
            .is_some_and(|run| settled(known, self.pin, run));
        // What has expired is no use; whether it was revoked before, the Ledger tells.
        let is_leased = purpose == Purpose::Forward
            && config.revocation_lease_ms > 0
            && !known.is_some_and(|facts| expired(facts, &config, now));
        let query = AdmitQuery {
            upstream: self.upstream_query(),
            token: self.id,
            facts: known.is_none(),
            run: self.run.filter(|_| !is_settled),
            pin: matches!(about, About::Workflow) && self.pin.is_none() && known.is_none_or(narrow),
            shown: None,
            // The call is counted when it ends.
            counts: false,
            claim: None,
            revision: known.map_or(0, |facts| facts.revision),
            calls: self.asks_calls((call, gate, now)),
        };
        let asks = query.facts
            || query.pin
            || query.run.is_some()
            || query.upstream.is_some()
            || query.calls;
        let alone = is_leased && !asks;
        let leases = &mut gate.memory.leases;
        if alone && leases.is_active(self.organization, (self.id, query.revision), now) {
            return self.told((call, gate, now), Admission::LIVE);
        }
        // With the moment before the question: what happens meanwhile is not in the answer.
        let asked = is_leased.then(|| leases.ask(self.organization, now));
        let question = Admit {
            organization: self.organization,
            query: AdmitQuery {
                claim: asked.map(|asked| asked.claim()),
                ..query
            },
        };
        let revision = question.query.revision;
        let mut this = self;
        let answered = move |call: &mut M::Call, gate: &mut Gate, at, admission: Admission| {
            this.revised((gate, now, at), &admission);
            let Admission {
                liveness, delta, ..
            } = &admission;
            let leases = &mut gate.memory.leases;
            let is_taken = match &asked {
                Some(asked) => {
                    let token = (this.id, admission.revision(revision));
                    leases.told(asked, token, *liveness, delta.as_ref(), at)
                }
                None => {
                    if *liveness != Liveness::Live {
                        leases.forget(this.organization, this.id);
                    }
                    false
                }
            };
            this.offered(gate, &admission, is_taken);
            this.told((call, gate, at), admission)
        };
        Ok(M::admit(Pending::new(question, answered)))
    }

    /// Takes the Ledger's word.
    fn told(
        self,
        (call, gate, now): (&mut M::Call, &mut Gate, Timestamp),
        admission: Admission,
    ) -> Result<M> {
        if admission.liveness != Liveness::Unknown {
            let token = KnownToken {
                organization: self.organization,
                token: self.id,
            };
            M::known(call, token);
        }
        active(admission.liveness)?;
        let config = gate.config();
        let Admission {
            facts,
            run,
            pin,
            paused,
            ..
        } = admission;
        let facts = match &self.known {
            Some(known) => Rc::clone(known),
            None => {
                let learned = facts.map(Rc::new).ok_or_else(|| {
                    Error::unavailable("the Ledger gave no facts of a live token")
                })?;
                prove(&self.presented, &learned, &config.root_keys.pepper)?;
                learned
            }
        };
        if expired(&facts, &config, now) {
            return Err(CredentialError::Expired("row expired").into());
        }
        // Not before it is proven: only the holder of a token learns of a pause.
        running(paused)?;
        let learned = (run, pin);
        match bindable(&self.presented, &facts, &config)? {
            None => self.conditioned((call, gate, now), &facts, learned),
            Some(signed) => {
                let question = Bind {
                    organization: facts.organization.clone(),
                    command: BindCommand {
                        token: facts.id,
                        signed,
                    },
                };
                let bound =
                    move |call: &mut M::Call, gate: &mut Gate, now, bound: Option<TokenFacts>| {
                        let bound = bound
                            .filter(|bound| !bound.unbound())
                            .ok_or_else(|| Error::unavailable("the Ledger did not bind a token"))?;
                        // Somebody else's may have come first.
                        prove(&self.presented, &bound, &gate.config().root_keys.pepper)?;
                        self.conditioned((call, gate, now), &Rc::new(bound), learned)
                    };
                Ok(M::bind(Pending::new(question, bound)))
            }
        }
    }

    /// Remembers what was learned, and goes on.
    fn admitted(
        self,
        (call, gate, now): (&mut M::Call, &mut Gate, Timestamp),
        facts: &Rc<TokenFacts>,
        (told, learned_pin): (Option<RunFacts>, Option<WorkflowId>),
    ) -> Result<M> {
        let memory = &mut gate.memory;
        memory.remember_facts(facts);
        // The Ledger has not heard of a run that is known here: it does not know either that the
        // token's workflow is the run's.
        let is_news = |run: &&Rc<RunFacts>| {
            told.is_none()
                && !settled(self.known.as_deref(), self.pin, run)
                && run.is_of(&facts.scope)
        };
        let news = self.known_run.as_ref().filter(is_news);
        let shown = news.map(|run| run.workflow_id);
        let run = match (self.run, told) {
            (Some(id), Some(told)) => {
                let told = Rc::new(told);
                memory.believe_run(self.organization, id, &told);
                Some(told)
            }
            _ => self.known_run,
        };
        if let (None, Some(learned)) = (self.pin, learned_pin) {
            memory.remember_pin(self.id, learned);
        }
        let admitted = Admitted {
            caller: Caller::Token(Rc::clone(facts)),
            run,
            pin: self.pin.or(learned_pin),
            upstream: self.upstream,
        };
        match shown {
            Some(shown) if admitted.pin.is_none() => {
                Ok(bind(facts, shown, move |call, gate, now, pin| {
                    (self.then)(call, gate, now, Admitted { pin, ..admitted })
                }))
            }
            _ => (self.then)(call, gate, now, admitted),
        }
    }
}

/// Whether the Ledger has no more to tell of a run that this isolate knows. A workflow token's
/// first run tells it which workflow the token is for.
pub(crate) fn settled(facts: Option<&TokenFacts>, pin: Option<WorkflowId>, run: &RunFacts) -> bool {
    facts
        .is_some_and(|facts| pin.is_some() || run.workflow_id.is_none() || !run.is_of(&facts.scope))
}

/// Whether a token is for one workflow.
fn narrow(facts: &TokenFacts) -> bool {
    facts.scope.workflow().is_some()
}
