//! What needs no policy: calls that are open to everybody, and the gateway's own questions to the
//! origin in a caller's name, of which the caller sees nothing.

use super::{Denial, Permit, Reach, permit};
use crate::caller::Caller;
use crate::id::WorkflowId;
use crate::operation::{Operation, Requirements};
use crate::route::ARTIFACT_DOWNLOAD;
use crate::rpc::{ARTIFACT_CREDENTIAL, Access, OWN_TOKEN_REVOKE, RUN_LOOKUP, WORKFLOW_LOOKUP};

/// Lets a call pass that is open to everybody at the origin too.
///
/// # Errors
/// `Operation` for any other.
pub fn open(operation: Operation) -> Result<Permit, Denial> {
    match operation.requirements() {
        Some(Requirements {
            access: Access::Open,
            ..
        }) => Ok(Permit {
            operation,
            token: None,
            reach: Reach::Nothing,
        }),
        _ => Err(Denial::Operation),
    }
}

/// Lets the gateway ask the origin, with the caller's own credential, which workflow a run belongs
/// to (R32). What comes back decides and is not handed out, so it needs no policy.
///
/// # Errors
/// `Operation` for callers whom the origin would not know.
pub fn look_up_run(caller: &Caller) -> Result<Permit, Denial> {
    match caller {
        Caller::Token(facts) => Ok(permit(facts, Operation::Rpc(&RUN_LOOKUP))),
        _ => Err(Denial::Operation),
    }
}

/// Lets the gateway ask the origin, with the caller's own credential, which workflow has the name
/// that the caller's token is for (R30).
///
/// # Errors
/// `Operation` for callers whom the origin would not know.
pub fn look_up_workflow(caller: &Caller) -> Result<Permit, Denial> {
    match caller {
        Caller::Token(facts) => Ok(permit(facts, Operation::Rpc(&WORKFLOW_LOOKUP))),
        _ => Err(Denial::Operation),
    }
}

/// Lets the gateway end at the origin what a caller's call has just made there and could not be
/// registered (R43), and write down where that fails. It needs no policy, as nothing becomes wider
/// by it, and no caller that is still active: that it is not may be why the token could not be
/// registered.
///
/// # Errors
/// `Operation` for callers whom the origin would not know.
pub fn take_back(caller: &Caller) -> Result<Permit, Denial> {
    match caller {
        Caller::Token(facts) => Ok(Permit {
            token: None,
            ..permit(facts, Operation::Rpc(&OWN_TOKEN_REVOKE))
        }),
        _ => Err(Denial::Operation),
    }
}

/// Lets the gateway ask the origin for the way to an artifact, whose download was permitted (R46).
///
/// # Errors
/// `Operation` for a permit of anything else.
pub fn artifact_credential(download: &Permit) -> Result<Permit, Denial> {
    match download.operation {
        Operation::Route(route) if *route == ARTIFACT_DOWNLOAD => Ok(Permit {
            operation: Operation::Rpc(&ARTIFACT_CREDENTIAL),
            ..*download
        }),
        _ => Err(Denial::Operation),
    }
}

/// Whether the workflow that the origin has under a token's name is the one that the token was
/// first used for.
///
/// # Errors
/// `WorkflowReplaced` when it is another one, or none.
pub fn still_the_one(pin: WorkflowId, found: Option<WorkflowId>) -> Result<(), Denial> {
    match found {
        Some(found) if found == pin => Ok(()),
        _ => Err(Denial::WorkflowReplaced),
    }
}
