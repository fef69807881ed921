//! People with user tokens of the control plane (R44): what they may, and that they came. The origin
//! has signed their tokens, so nobody else is asked about them, and they go on as they came.

use postern_domain::caller::Caller;
use postern_domain::decide::{CallNames, Denial, Permit, RunNamed, Target, decide};
use postern_domain::id::PersonId;
use postern_domain::operation::Operation;
use postern_domain::time::Timestamp;

use crate::call::Call;

/// The person as a caller, noted for the log.
pub(crate) fn noted(call: &mut Call, now: Timestamp, person: PersonId) -> Caller {
    let caller = Caller::Person(person);
    call.notes.caller = Some((caller.clone(), now));
    caller
}

/// Decides on a call of a person's. What it names, the origin compares with what the person may.
///
/// # Errors
/// The denial.
pub(crate) fn may(person: &Caller, operation: Operation) -> core::result::Result<Permit, Denial> {
    let target = Target::Call {
        names: &CallNames::default(),
        run: RunNamed::Open,
        own_credential: true,
    };
    decide(person, operation, target)
}
