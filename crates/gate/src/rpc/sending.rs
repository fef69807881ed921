//! What goes along with a call that may go to the origin.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::decide::Permit;
use postern_domain::rpc::Rpc;

use crate::admission::Admitted;
use crate::artifacts::Issuing;
use crate::call::Call;
use crate::error::Result;
use crate::named::OwnedNames;
use crate::origin_answer::Expected;
use crate::runs::Naming;

/// What goes along with a call.
pub(super) struct Sending {
    pub permit: Permit,
    pub caller: Option<Caller>,
    pub expected: Expected,
}

impl Sending {
    /// With one that is open to everybody.
    pub fn open(permit: Permit) -> Self {
        Self {
            permit,
            caller: None,
            expected: Expected::Nothing,
        }
    }

    /// With a caller's. For one whose answer makes a run, or hands out an artifact credential, the
    /// grant to write it down.
    pub fn new(
        call: &Call,
        row: &'static Rpc,
        permit: Permit,
        (names, admitted): (&OwnedNames, &Admitted),
    ) -> Result<Self> {
        let caller = &admitted.caller;
        let naming = match (row.makes_run, names.of_run(), caller.token()) {
            (true, Some((project, workflow)), Some(facts)) => Some(Naming {
                project,
                workflow,
                grant: permit.over(&facts.organization)?,
                facts: Rc::clone(facts),
                pin: admitted.pin,
                upstream: None,
            }),
            _ => None,
        };
        let issuing = || {
            let policies = names.as_call_names().policies;
            Issuing::of(call, row, &permit, (caller, &policies))
        };
        let expected = match (naming, row.hands_out) {
            (Some(naming), _) => Expected::Run(naming),
            (None, Some(_)) => issuing()?.map_or(Expected::Nothing, Expected::Credential),
            (None, None) => Expected::Nothing,
        };
        Ok(Self {
            permit,
            caller: Some(caller.clone()),
            expected,
        })
    }
}
