//! How a token for one workflow is bound to the origin's id of it, by the first run that shows it (R30).
//! The Ledger does that, and the call waits for it. If the Ledger had not heard, another isolate could let
//! the token begin runs of a workflow that was made anew. It happens once in a token's life.

use postern_domain::id::WorkflowId;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Admission, AdmitQuery};

use crate::Gate;
use crate::admission::Asks;
use crate::ask::Pending;
use crate::error::Result;
use crate::question::Admit;

/// Has the Ledger bind a token to the id that one of its runs has shown, where it is bound to none
/// yet, and goes on with the id that it is bound to. `None` = the run has shown none.
pub(crate) fn bind<M: Asks + 'static>(
    token: &TokenFacts,
    shown: Option<WorkflowId>,
    then: impl FnOnce(&mut M::Call, &mut Gate, Timestamp, Option<WorkflowId>) -> Result<M> + 'static,
) -> M {
    let revision = token.revision;
    let (organization, token) = (token.organization.id, token.id);
    let question = Admit {
        organization,
        query: AdmitQuery {
            pin: true,
            shown,
            revision,
            ..AdmitQuery::look(token)
        },
    };
    let bound = move |call: &mut M::Call, gate: &mut Gate, now, admission: Admission| {
        let memory = &mut gate.memory;
        memory.told_active(organization, token, &admission)?;
        if let Some(pin) = admission.pin {
            memory.remember_pin(token, pin);
        }
        then(call, gate, now, admission.pin)
    };
    M::admit(Pending::new(question, bound))
}
