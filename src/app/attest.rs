//! A call for the origin: who is calling, what it touches, whether it may, and what its answer
//! teaches. Refuses to move bytes; the edge forwards them once it holds the permit.

use std::rc::Rc;

use super::authenticate::{Presented, admit};
use super::config::Config;
use super::error::{Error, Result};
use super::ledger::RunCommand;
use super::ports::{Clock, Facts, Ledgers, Memory};
use crate::domain::caller::Caller;
use crate::domain::decide::{Permit, RunFacts, Target, decide};
use crate::domain::id::{RunId, WorkflowId};
use crate::domain::operation::{Identity, Rpc};
use crate::wire::protobuf::{self, ProtobufError};

/// A call whose caller and object are known, and on which nothing is decided yet.
#[derive(Debug)]
pub struct Recognized<'m> {
    pub caller: Caller,
    touches: Touches<'m>,
}

/// What the message names.
#[derive(Debug)]
enum Touches<'m> {
    Names { project: &'m str, workflow: &'m str },
    Run(Option<Rc<RunFacts>>),
}

/// A call that may go to the origin.
#[derive(Debug)]
pub struct Authorized {
    pub permit: Permit,
    caller: Caller,
    /// The project and workflow that the request named, for calls whose answer makes a run.
    naming: Option<(String, String)>,
}

/// Authenticates the caller of a call, and finds out what its message is about.
///
/// # Errors
/// `Credential`, `Invalid` for a message that cannot be read, or `Unavailable`.
pub async fn recognize<'m, P>(
    presented: Presented,
    rpc: &Rpc,
    message: &'m [u8],
    config: &Config,
    ports: &P,
) -> Result<Recognized<'m>>
where
    P: Clock + Facts + Ledgers + Memory,
{
    match rpc.identity {
        Identity::Names { workflow, project } => {
            let [workflow, project] =
                protobuf::strings(message, [workflow, project]).map_err(unreadable)?;
            let caller = admit(&presented, None, true, config, ports).await?.caller;
            let touches = Touches::Names { project, workflow };
            Ok(Recognized { caller, touches })
        }
        Identity::Run { run } => {
            let [run] = protobuf::strings(message, [run]).map_err(unreadable)?;
            let run = RunId::parse_any(run)
                .map_err(|_| Error::invalid("run_id_invalid", "`workflow_run_id` is not a UUID"))?;
            let admitted = admit(&presented, Some(run), true, config, ports).await?;
            Ok(Recognized {
                caller: admitted.caller,
                touches: Touches::Run(admitted.run),
            })
        }
    }
}

impl Recognized<'_> {
    /// Decides on the call (R30).
    ///
    /// # Errors
    /// `Denied`.
    pub fn decide(self, rpc: &Rpc) -> Result<Authorized> {
        let (target, naming) = match &self.touches {
            Touches::Names { project, workflow } => (
                Target::Names { project, workflow },
                rpc.makes_run
                    .then(|| ((*project).to_owned(), (*workflow).to_owned())),
            ),
            Touches::Run(run) => (Target::Run(run.as_deref()), None),
        };
        let permit = decide(&self.caller, rpc.operation, target)?;
        Ok(Authorized {
            permit,
            caller: self.caller,
            naming,
        })
    }
}

impl Authorized {
    /// Who may make the call.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the answer must be given to [`learn_run`] before it goes to the client.
    pub fn makes_run(&self) -> bool {
        self.naming.is_some()
    }
}

/// Remembers the run in the answer to an Init that succeeded, so that the calls that name it can
/// be decided (R32). Must end before the client has the answer: its next call may be faster.
///
/// # Errors
/// `Origin` for an answer that cannot be read or is about another workflow than was permitted,
/// `Unavailable` when the Ledger does not answer. The client must then not get the answer.
pub async fn learn_run<P>(authorized: &Authorized, answer: &[u8], ports: &P) -> Result<()>
where
    P: Clock + Ledgers + Memory,
{
    let (Some((project, workflow)), Caller::Token(facts)) =
        (&authorized.naming, &authorized.caller)
    else {
        return Ok(());
    };
    let foreign = |cause: &str| Error::Origin {
        cause: cause.to_owned(),
    };
    let made = read_init(answer)
        .map_err(|error| foreign(&format!("the Init answer cannot be read: {error}")))?
        .ok_or_else(|| foreign("the Init answer has no run"))?;
    let run = RunId::parse_any(made.run).map_err(|_| foreign("the run id is not a UUID"))?;
    let same = |told: &str, asked: &str| told.is_empty() || told == asked;
    if !same(made.workflow, workflow) || !same(made.project, project) {
        return Err(foreign("the Init answer is about another workflow"));
    }
    let learned = RunFacts {
        project: project.clone(),
        workflow: workflow.clone(),
        workflow_id: WorkflowId::parse_any(made.workflow_id).ok(),
    };
    let organization = facts.organization.id;
    let command = RunCommand {
        run,
        facts: learned.clone(),
        token: facts.id,
        at: ports.now(),
    };
    ports
        .record_run(&authorized.permit, organization, &command)
        .await?;
    ports.remember_run(organization, run, &Rc::new(learned));
    Ok(())
}

/// What an `AttestationServiceInitResponse` tells of its run.
struct Made<'a> {
    run: &'a str,
    workflow_id: &'a str,
    workflow: &'a str,
    project: &'a str,
}

/// Field paths 1.2.1 and 1.2.6.{1,2,3} of the answer.
fn read_init(answer: &[u8]) -> core::result::Result<Option<Made<'_>>, ProtobufError> {
    let Some(result) = protobuf::message(answer, 1)? else {
        return Ok(None);
    };
    let Some(item) = protobuf::message(result, 2)? else {
        return Ok(None);
    };
    let [run] = protobuf::strings(item, [1])?;
    let [workflow_id, workflow, project] = match protobuf::message(item, 6)? {
        Some(workflow) => protobuf::strings(workflow, [1, 2, 3])?,
        None => [""; 3],
    };
    Ok(Some(Made {
        run,
        workflow_id,
        workflow,
        project,
    }))
}

fn unreadable(error: ProtobufError) -> Error {
    Error::invalid("message_unreadable", error.to_string())
}

#[cfg(test)]
mod tests;
