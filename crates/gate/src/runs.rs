//! Which workflow a run belongs to (R32): learned from the answer to Init in passing, and asked of
//! the origin for a run that the gateway has not seen begin. An answer that is about something else
//! than what was asked is not believed. The Ledger hears of it behind the answer.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Grant, RunFacts, look_up_run};
use postern_domain::id::{RunId, UpstreamId, WorkflowId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Admission, AdmitQuery, BegunRun};
use postern_wire::message;
use postern_wire::protobuf::{self, ProtobufError};

use crate::Gate;
use crate::ask::Pending;
use crate::binding::bind;
use crate::call::{Call, Next};
use crate::error::Result;
use crate::lookup::ask;
use crate::memory::Memory;
use crate::question::Admit;
use crate::reply::foreign;

/// A run, and the origin's id of the workflow that the token is for.
pub(crate) type Pinned = (Rc<RunFacts>, Option<WorkflowId>);

/// The project and workflow that a call named whose answer makes a run, and for whom.
pub(crate) struct Naming {
    pub project: String,
    pub workflow: String,
    pub facts: Rc<TokenFacts>,
    /// The origin's id of the workflow that the token is for, where it was learned.
    pub pin: Option<WorkflowId>,
    /// The version of the upstream credential that the call was sent on with.
    pub upstream: Option<UpstreamId>,
    /// To write the run down.
    pub grant: Grant,
}

/// A run that the origin has told of, and the token whose call brought it.
pub(crate) struct LearnedRun {
    run: RunId,
    facts: Rc<RunFacts>,
    token: Rc<TokenFacts>,
    pin: Option<WorkflowId>,
    grant: Grant,
}

/// Reads the run in the answer to an Init that succeeded, so that the calls that name it can be
/// decided.
pub(crate) fn learn(naming: Naming, answer: &[u8]) -> Result<LearnedRun> {
    let Naming {
        project,
        workflow,
        facts,
        pin,
        upstream,
        grant,
    } = naming;
    let fields = read_init(answer)
        .map_err(|error| foreign(format!("the Init answer cannot be read: {error}")))?;
    let run = RunId::parse_any(fields.run)
        .map_err(|_| foreign("the Init answer has no run with a UUID"))?;
    let same = |answered: &str, asked: &str| answered.is_empty() || answered == asked;
    if !same(fields.workflow, &workflow) || !same(fields.project, &project) {
        return Err(foreign("the Init answer is about another workflow"));
    }
    let learned = RunFacts {
        workflow_id: WorkflowId::parse_any(fields.workflow_id).ok(),
        project,
        workflow,
        upstream,
    };
    Ok(LearnedRun {
        run,
        facts: Rc::new(learned),
        token: facts,
        pin,
        grant,
    })
}

impl LearnedRun {
    /// Remembers the run and makes its report due: the client need not wait for that, as its next
    /// call finds the run here, in the Ledger or at the origin. It waits only while its token is
    /// bound to the workflow, once in a token's life. Where that is not the one that the token was
    /// first used for, the client does not get the answer.
    pub fn then(
        self,
        (call, gate, now): (&mut Call, &mut Gate, Timestamp),
        then: impl FnOnce(&mut Call, &mut Gate, Timestamp) -> Result<Next> + 'static,
    ) -> Result<Next> {
        let shown = self.facts.workflow_id;
        let is_own = self.facts.is_of(&self.token.scope);
        let token = Rc::clone(&self.token);
        let pin = self.pin.or_else(|| gate.memory.pin(token.id));
        self.keep(&mut gate.memory);
        let bound = move |call: &mut Call, gate: &mut Gate, now, pin: Option<WorkflowId>| {
            if pin.is_some() && pin != shown {
                return Err(Denial::WorkflowReplaced.into());
            }
            then(call, gate, now)
        };
        match (pin, shown) {
            (None, Some(_)) if is_own => Ok(bind(&token, shown, bound)),
            _ => bound(call, gate, now, pin),
        }
    }

    /// Remembers the run in this isolate, and makes the report of it due.
    fn keep(self, memory: &mut Memory) {
        let Self {
            run,
            facts,
            token,
            grant,
            ..
        } = self;
        memory.remember_run(token.organization.id, run, &facts);
        let facts = (*facts).clone();
        memory.reports.add(grant, token.id, BegunRun { run, facts });
    }
}

/// Asks the origin which workflow a run belongs to, in the caller's name; `None` when
/// it says that the caller's organization has no such run, and no report of it has come meanwhile.
pub(crate) fn look_up(
    (call, gate, now): (&mut Call, &mut Gate, Timestamp),
    run: RunId,
    caller: &Caller,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Option<Pinned>) -> Result<Next> + 'static,
) -> Result<Next> {
    let permit = look_up_run(caller)?;
    let Caller::Token(facts) = caller else {
        return then(call, gate, now, None);
    };
    let grant = permit.over(&facts.organization)?;
    let facts = Rc::clone(facts);
    let sent = message::text(1, &run.to_string());
    ask(
        (call, gate, now),
        permit,
        caller,
        &sent,
        move |call, gate, now, reply| {
            let answer = match reply.ending.status {
                0 => reply.message,
                // Wrong request, no such run, not allowed, not in this state, no such call, nobody.
                3 | 5 | 7 | 9 | 12 | 16 => None,
                status => {
                    let words = &reply.ending.message;
                    return Err(foreign(format!(
                        "looking up a run: status {status}: {words}"
                    )));
                }
            };
            let learned = match answer {
                Some(answer) => viewed(&answer, run, &facts)?,
                None => None,
            };
            let Some(learned) = learned.map(Rc::new) else {
                return Ok(heard_since(&facts, run, then));
            };
            let learned_run = LearnedRun {
                run,
                facts: Rc::clone(&learned),
                token: Rc::clone(&facts),
                pin: None,
                grant,
            };
            learned_run.keep(&mut gate.memory);
            let pin = gate.memory.pin(facts.id);
            let shown = learned.workflow_id;
            let is_own = learned.is_of(&facts.scope);
            let bound = move |call: &mut Call, gate: &mut Gate, now, pin| {
                then(call, gate, now, Some((learned, pin)))
            };
            match pin {
                // What the Ledger knows of a token's workflow it tells with the run, and it did not
                // know the run.
                None if is_own => Ok(bind(&facts, shown, bound)),
                _ => bound(call, gate, now, pin),
            }
        },
    )
}

/// Asks the Ledger once more about a run that the origin does not show to its caller: the report of
/// one that began a moment ago elsewhere may have been on its way.
fn heard_since(
    token: &TokenFacts,
    run: RunId,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Option<Pinned>) -> Result<Next> + 'static,
) -> Next {
    let (organization, token) = (token.organization.id, token.id);
    let question = Admit {
        organization,
        query: AdmitQuery {
            run: Some(run),
            ..AdmitQuery::look(token)
        },
    };
    let heard = move |call: &mut Call, gate: &mut Gate, now, admission: Admission| {
        let memory = &mut gate.memory;
        memory.told_active(organization, token, &admission)?;
        let Admission { run: told, pin, .. } = admission;
        if let Some(pin) = pin {
            memory.remember_pin(token, pin);
        }
        let told = told.map(Rc::new);
        if let Some(told) = &told {
            memory.believe_run(organization, run, told);
        }
        let pin = memory.pin(token);
        then(call, gate, now, told.map(|told| (told, pin)))
    };
    Next::Admit(Pending::new(question, heard))
}

/// What the origin says of a run, where it is one of the token's organization.
fn viewed(answer: &[u8], run: RunId, facts: &TokenFacts) -> Result<Option<RunFacts>> {
    let (fields, organization) = read_view(answer)
        .map_err(|error| foreign(format!("the View answer cannot be read: {error}")))?;
    if RunId::parse_any(fields.run) != Ok(run)
        || fields.project.is_empty()
        || fields.workflow.is_empty()
    {
        return Err(foreign("the View answer is not about the run"));
    }
    if !organization.is_empty() && organization != facts.organization.name {
        return Ok(None);
    }
    Ok(Some(RunFacts {
        project: fields.project.to_owned(),
        workflow: fields.workflow.to_owned(),
        workflow_id: WorkflowId::parse_any(fields.workflow_id).ok(),
        // Which one it began under the origin does not say: it takes the one that is set.
        upstream: None,
    }))
}

/// What an answer tells of a run; empty where it does not.
struct RunFields<'a> {
    run: &'a str,
    workflow_id: &'a str,
    workflow: &'a str,
    project: &'a str,
}

/// `AttestationServiceInitResponse`: the run at 1.2, in it the workflow at 6.
fn read_init(answer: &[u8]) -> core::result::Result<RunFields<'_>, ProtobufError> {
    let [run, workflow_id, workflow, project] = protobuf::strings(
        answer,
        [&[1, 2, 1], &[1, 2, 6, 1], &[1, 2, 6, 2], &[1, 2, 6, 3]],
    )?;
    Ok(RunFields {
        run,
        workflow_id,
        workflow,
        project,
    })
}

/// `WorkflowRunServiceViewResponse`: the run at 1.1, the organization's name at 1.5.
fn read_view(answer: &[u8]) -> core::result::Result<(RunFields<'_>, &str), ProtobufError> {
    let [run, workflow_id, workflow, project, organization] = protobuf::strings(
        answer,
        [
            &[1, 1, 1],
            &[1, 1, 6, 1],
            &[1, 1, 6, 2],
            &[1, 1, 6, 3],
            &[1, 5],
        ],
    )?;
    let fields = RunFields {
        run,
        workflow_id,
        workflow,
        project,
    };
    Ok((fields, organization))
}
