//! Whether the workflow that a call names is still the one that the token was first used for (R30).
//! The origin is asked before the call goes there: what a call has done cannot be undone.

use postern_domain::caller::Caller;
use postern_domain::decide::{look_up_workflow, still_the_one};
use postern_domain::id::WorkflowId;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_wire::message;
use postern_wire::protobuf;

use crate::Gate;
use crate::call::{Call, Next};
use crate::error::{CredentialError, Error, Result};
use crate::lookup::ask;
use crate::reply::{RpcAnswer, foreign};

/// How long an isolate repeats the origin's word that it is still the one, in milliseconds.
pub const KEPT_MS: i64 = 10_000;

/// Lets a call on that names the workflow of its caller's token: at once where the token is for no
/// workflow or was never used, else once the origin has said that the workflow of this name has the
/// id that was learned then.
pub(crate) fn confirm(
    (call, gate, now): (&mut Call, &mut Gate, Timestamp),
    caller: &Caller,
    pin: Option<WorkflowId>,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp) -> Result<Next> + 'static,
) -> Result<Next> {
    let (Some(pin), Some(facts)) = (pin, caller.token()) else {
        return then(call, gate, now);
    };
    let Scope::Workflow { project, workflow } = &facts.scope else {
        return then(call, gate, now);
    };
    let seen = gate.memory.pin_seen(facts.id);
    if seen.is_some_and(|seen| (0..KEPT_MS).contains(&now.since(seen))) {
        return then(call, gate, now);
    }
    let permit = look_up_workflow(caller)?;
    let (project, workflow, token) = (project.name.clone(), workflow.name.clone(), facts.id);
    let sent = [message::text(2, &workflow), message::text(3, &project)].concat();
    // The moment before the question: what happens meanwhile is not covered by the answer.
    let asked = now;
    ask(
        (call, gate, now),
        permit,
        caller,
        &sent,
        move |call, gate, now, answer| {
            let found = found(answer)?;
            let found = found.map(|answer| read(&answer, &project, &workflow));
            still_the_one(pin, found.transpose()?)?;
            gate.memory.remember_pin_seen(token, asked);
            then(call, gate, now)
        },
    )
}

/// The answer, where the origin has such a workflow for this caller.
fn found(answer: RpcAnswer) -> Result<Option<Vec<u8>>> {
    match answer.ending.status {
        0 => Ok(answer.message),
        // No such workflow; not this caller's.
        5 | 7 => Ok(None),
        // The caller's own credential: what is said of an upstream one, `lookup` has dealt with.
        16 => Err(CredentialError::Refused("the origin refused the credential").into()),
        status => {
            let words = &answer.ending.message;
            Err(foreign(format!(
                "looking up a workflow: status {status}: {words}"
            )))
        }
    }
}

/// `AttestationServiceGetContractResponse`: the workflow at 1.1.
fn read(answer: &[u8], project: &str, workflow: &str) -> Result<WorkflowId> {
    let fields = protobuf::strings(answer, [&[1, 1, 1], &[1, 1, 2], &[1, 1, 3]]);
    let [id, named, of] = fields.map_err(|error| Error::Origin {
        cause: format!("the GetContract answer cannot be read: {error}"),
    })?;
    let same = |answered: &str, asked: &str| answered.is_empty() || answered == asked;
    match WorkflowId::parse_any(id) {
        Ok(id) if same(named, workflow) && same(of, project) => Ok(id),
        _ => Err(Error::Origin {
            cause: "the GetContract answer is not about the workflow".to_owned(),
        }),
    }
}
