//! Whether the workflow that a call names is still the one that the token was first used for (R30):
//! asked of the origin before the call goes there, because what a call has done at the origin is done,
//! whatever its answer then says.

use crate::error::{Error, Result};
use crate::ports::{Clock, Memory, Origin};
use postern_domain::caller::Caller;
use postern_domain::decide::{look_up_workflow, still_the_one};
use postern_domain::id::WorkflowId;
use postern_domain::scope::Scope;
use postern_wire::protobuf;

/// How long an isolate repeats the origin's word that it is still the one, in milliseconds.
pub const KEPT_MS: i64 = 10_000;

/// Lets a call on that names the workflow of its caller's token: at once where the token is for no
/// workflow or was never used, else once the origin has said that the workflow of this name has the id
/// that was learned then.
///
/// # Errors
/// `Denied` when it is another one or gone, `Origin` when the origin does not say, `Credential` when it
/// refuses the caller.
pub async fn confirm<P, O>(
    caller: &Caller,
    pin: Option<WorkflowId>,
    ports: &P,
    origin: &O,
) -> Result<()>
where
    P: Clock + Memory,
    O: Origin,
{
    let (Some(pin), Some(facts)) = (pin, caller.token()) else {
        return Ok(());
    };
    let Scope::Workflow { project, workflow } = &facts.scope else {
        return Ok(());
    };
    // The moment before the question: what happens meanwhile is not covered by the answer.
    let now = ports.now();
    let seen = ports.pin_seen(facts.id);
    if seen.is_some_and(|seen| (0..KEPT_MS).contains(&now.since(seen))) {
        return Ok(());
    }
    let permit = look_up_workflow(caller)?;
    let answer = origin.view_workflow(&permit, &project.name, &workflow.name);
    let found = match answer.await? {
        Some(answer) => Some(read(&answer, &project.name, &workflow.name)?),
        None => None,
    };
    still_the_one(pin, found)?;
    ports.remember_pin_seen(facts.id, now);
    Ok(())
}

/// `AttestationServiceGetContractResponse`: the workflow at 1.1.
fn read(answer: &[u8], project: &str, workflow: &str) -> Result<WorkflowId> {
    let told = protobuf::strings(answer, [&[1, 1, 1], &[1, 1, 2], &[1, 1, 3]]);
    let [id, named, of] = told.map_err(|error| Error::Origin {
        cause: format!("the GetContract answer cannot be read: {error}"),
    })?;
    let same = |told: &str, asked: &str| told.is_empty() || told == asked;
    match WorkflowId::parse_any(id) {
        Ok(id) if same(named, workflow) && same(of, project) => Ok(id),
        _ => Err(Error::Origin {
            cause: "the GetContract answer is not about the workflow".to_owned(),
        }),
    }
}
