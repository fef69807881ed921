//! Which workflow a run belongs to (R32): learned from the answer to Init in passing, and asked of
//! the origin for a run that the gate has not seen begin. Refuses to guess, and to believe an
//! answer that is about something else than what was asked.

use std::rc::Rc;

use super::Authorized;
use crate::error::{Error, Result};
use crate::ports::{Clock, Ledgers, Memory, Origin};
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Permit, RunFacts, look_up_run};
use postern_domain::id::{RunId, WorkflowId};
use postern_domain::token::TokenFacts;
use postern_ledger::RunCommand;
use postern_wire::protobuf::{self, ProtobufError};

/// A run and the origin's id of the workflow that the token is for.
type Pinned = (Rc<RunFacts>, Option<WorkflowId>);

/// Remembers the run in the answer to an Init that succeeded, so that the calls that name it can
/// be decided. Must end before the client has the answer: its next call may be faster.
///
/// # Errors
/// `Origin` for an answer that cannot be read or is about another workflow than was permitted,
/// `Denied` when the workflow is not the one that the token was first used for, `Unavailable` when
/// the Ledger does not answer. The client must then not get the answer.
pub async fn learn_run<P>(authorized: &Authorized, answer: &[u8], ports: &P) -> Result<()>
where
    P: Clock + Ledgers + Memory,
{
    let (Some((project, workflow)), Caller::Token(facts)) =
        (&authorized.naming, &authorized.caller)
    else {
        return Ok(());
    };
    let told = read_init(answer)
        .map_err(|error| foreign(&format!("the Init answer cannot be read: {error}")))?;
    let run = RunId::parse_any(told.run)
        .map_err(|_| foreign("the Init answer has no run with a UUID"))?;
    let same = |told: &str, asked: &str| told.is_empty() || told == asked;
    if !same(told.workflow, workflow) || !same(told.project, project) {
        return Err(foreign("the Init answer is about another workflow"));
    }
    let learned = RunFacts {
        project: project.clone(),
        workflow: workflow.clone(),
        workflow_id: WorkflowId::parse_any(told.workflow_id).ok(),
    };
    let (run, pin) = remember(run, learned, &authorized.permit, facts, ports).await?;
    if pin.is_some() && pin != run.workflow_id {
        return Err(Denial::WorkflowReplaced.into());
    }
    Ok(())
}

/// Asks the origin which workflow a run belongs to, with the caller's own credential; `None` when
/// it says that the caller's organization has no such run.
///
/// # Errors
/// `Denied` for callers whom the origin would not know, `Origin` when it does not answer, or with
/// something else than was asked for, `Unavailable` when the Ledger does not keep the answer.
pub(super) async fn look_up<P, O>(
    run: RunId,
    caller: &Caller,
    ports: &P,
    origin: &O,
) -> Result<Option<Pinned>>
where
    P: Clock + Ledgers + Memory,
    O: Origin,
{
    let permit = look_up_run(caller)?;
    let Caller::Token(facts) = caller else {
        return Ok(None);
    };
    let Some(answer) = origin.view_run(&permit, run).await? else {
        return Ok(None);
    };
    let (told, organization) = read_view(&answer)
        .map_err(|error| foreign(&format!("the View answer cannot be read: {error}")))?;
    if RunId::parse_any(told.run) != Ok(run) || told.project.is_empty() || told.workflow.is_empty()
    {
        return Err(foreign("the View answer is not about the run"));
    }
    if !organization.is_empty() && organization != facts.organization.name {
        return Ok(None);
    }
    let learned = RunFacts {
        project: told.project.to_owned(),
        workflow: told.workflow.to_owned(),
        workflow_id: WorkflowId::parse_any(told.workflow_id).ok(),
    };
    remember(run, learned, &permit, facts, ports)
        .await
        .map(Some)
}

/// Keeps what was learned in the Ledger, and then in this isolate.
async fn remember<P>(
    run: RunId,
    learned: RunFacts,
    permit: &Permit,
    token: &TokenFacts,
    ports: &P,
) -> Result<Pinned>
where
    P: Clock + Ledgers + Memory,
{
    let organization = token.organization.id;
    let command = RunCommand {
        run,
        facts: learned.clone(),
        token: token.id,
        at: ports.now(),
    };
    let grant = permit.over(&token.organization)?;
    let pin = ports.send(&grant, &command).await?.pin;
    let learned = Rc::new(learned);
    ports.remember_run(organization, run, &learned);
    if let Some(pin) = pin {
        ports.remember_pin(token.id, pin);
    }
    Ok((learned, pin))
}

fn foreign(cause: &str) -> Error {
    Error::Origin {
        cause: cause.to_owned(),
    }
}

/// What an answer tells of a run; empty where it does not.
struct Told<'a> {
    run: &'a str,
    workflow_id: &'a str,
    workflow: &'a str,
    project: &'a str,
}

/// `AttestationServiceInitResponse`: the run at 1.2, in it the workflow at 6.
fn read_init(answer: &[u8]) -> core::result::Result<Told<'_>, ProtobufError> {
    let [run, workflow_id, workflow, project] = protobuf::strings(
        answer,
        [&[1, 2, 1], &[1, 2, 6, 1], &[1, 2, 6, 2], &[1, 2, 6, 3]],
    )?;
    Ok(Told {
        run,
        workflow_id,
        workflow,
        project,
    })
}

/// `WorkflowRunServiceViewResponse`: the run at 1.1, the organization's name at 1.5.
fn read_view(answer: &[u8]) -> core::result::Result<(Told<'_>, &str), ProtobufError> {
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
    let told = Told {
        run,
        workflow_id,
        workflow,
        project,
    };
    Ok((told, organization))
}
