//! Which workflow a run belongs to (R32): learned from the answer to Init in passing, and asked of
//! the origin for a run that the gateway has not seen begin. An answer that is about something else
//! than what was asked is not believed.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Grant, RunFacts, look_up_run};
use postern_domain::id::{RunId, WorkflowId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{RunAnswer, RunCommand};
use postern_wire::message;
use postern_wire::protobuf::{self, ProtobufError};

use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::Result;
use crate::lookup::ask;
use crate::question::Record;
use crate::reply::foreign;

/// A run, and the origin's id of the workflow that the token is for.
pub(crate) type Pinned = (Rc<RunFacts>, Option<WorkflowId>);

/// The project and workflow that a call named whose answer makes a run, and for whom.
pub(crate) struct Naming {
    pub project: String,
    pub workflow: String,
    pub facts: Rc<TokenFacts>,
    /// To write the run down.
    pub grant: Grant,
}

/// A run that was learned and is yet to be kept.
pub(crate) struct LearnedRun {
    now: Timestamp,
    run: (RunId, RunFacts),
    grant: Grant,
    facts: Rc<TokenFacts>,
}

/// Reads the run in the answer to an Init that succeeded, so that the calls that name it can be
/// decided.
pub(crate) fn learn(now: Timestamp, naming: Naming, answer: &[u8]) -> Result<LearnedRun> {
    let Naming {
        project,
        workflow,
        facts,
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
    };
    Ok(LearnedRun {
        now,
        run: (run, learned),
        grant,
        facts,
    })
}

impl LearnedRun {
    /// Keeps the run. The client has its answer only after that: its next call may be faster. Where
    /// the run cannot be kept, or the workflow is not the one that the token was first used for,
    /// the client does not get the answer.
    pub fn then(
        self,
        then: impl FnOnce(&mut Call, &mut Gate, Timestamp) -> Result<Next> + 'static,
    ) -> Next {
        let kept = |call: &mut Call, gate: &mut Gate, now, (run, pin): Pinned| {
            if pin.is_some() && pin != run.workflow_id {
                return Err(Denial::WorkflowReplaced.into());
            }
            then(call, gate, now)
        };
        remember(self.now, self.run, self.grant, &self.facts, kept)
    }
}

/// Asks the origin which workflow a run belongs to, with the caller's own credential; `None` when
/// it says that the caller's organization has no such run.
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
            match learned {
                None => then(call, gate, now, None),
                Some(learned) => {
                    let kept = move |call: &mut Call, gate: &mut Gate, now, pinned| {
                        then(call, gate, now, Some(pinned))
                    };
                    Ok(remember(now, (run, learned), grant, &facts, kept))
                }
            }
        },
    )
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
    }))
}

/// Keeps what was learned in the Ledger, and then in this isolate.
fn remember(
    now: Timestamp,
    (run, learned): (RunId, RunFacts),
    grant: Grant,
    token: &Rc<TokenFacts>,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Pinned) -> Result<Next> + 'static,
) -> Next {
    let question = Record {
        grant,
        command: RunCommand {
            run,
            facts: learned.clone(),
            token: token.id,
            at: now,
        },
    };
    let token = Rc::clone(token);
    let kept = move |call: &mut Call, gate: &mut Gate, now, RunAnswer { pin }| {
        let learned = Rc::new(learned);
        gate.memory
            .remember_run(token.organization.id, run, &learned);
        if let Some(pin) = pin {
            gate.memory.remember_pin(token.id, pin);
        }
        then(call, gate, now, (learned, pin))
    };
    Next::Record(Pending::new(question, kept))
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
