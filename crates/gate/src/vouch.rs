//! When to ask about a credential. A short message is walked first, so that one question covers the
//! token and the run that it names. A long message is walked past its first window only for a caller
//! who may do something: a revoked token costs the reading of its body and one question.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::time::Timestamp;
use postern_ledger::Purpose;

use crate::Gate;
use crate::admission::{About, Admitted, Sought, admit, settled};
use crate::call::{Call, Next};
use crate::credential::Presented;
use crate::error::Result;
use crate::upstream::UpstreamNames;

/// Longest message that is walked before its caller is asked about, in bytes (64 KiB).
pub const WALKED_FREELY: usize = 64 * 1024;

/// A credential on its way to a caller.
pub(crate) struct Vouched {
    presented: Rc<Presented>,
    purpose: Purpose,
    /// Where the message is long: the caller, without the run.
    admitted: Option<Admitted>,
}

/// Asks now where the message has more than [`WALKED_FREELY`] bytes: about whatever is known before
/// it is walked.
pub(crate) fn first(
    (call, gate, now): (&mut Call, &mut Gate, Timestamp),
    presented: Presented,
    (message, about, purpose): (usize, About, Purpose),
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Vouched) -> Result<Next> + 'static,
) -> Result<Next> {
    let presented = Rc::new(presented);
    let mut vouched = Vouched {
        presented: Rc::clone(&presented),
        purpose,
        admitted: None,
    };
    if message <= WALKED_FREELY {
        return then(call, gate, now, vouched);
    }
    let at = (call, gate, now);
    let sought = Sought {
        about,
        purpose,
        names: None,
    };
    admit(at, &presented, sought, move |call, gate, now, admitted| {
        vouched.admitted = Some(admitted);
        then(call, gate, now, vouched)
    })
}

impl Vouched {
    /// The caller, with what is known of the run that the message names. Who was asked about
    /// already is asked about again only for a run that this isolate does not know, and has made
    /// one use all the same.
    pub fn about(
        self,
        (call, gate, now): (&mut Call, &mut Gate, Timestamp),
        (about, names): (About, UpstreamNames),
        then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Admitted) -> Result<Next> + 'static,
    ) -> Result<Next> {
        let mut sought = Sought {
            about,
            purpose: self.purpose,
            names: Some(names),
        };
        let (admitted, run) = match (self.admitted, about) {
            (None, _) => {
                return admit((call, gate, now), &self.presented, sought, then);
            }
            (Some(admitted), About::Nothing | About::Workflow) => {
                return then(call, gate, now, admitted);
            }
            (Some(admitted), About::Run(run)) => (admitted, run),
        };
        if let Caller::Token(facts) = &admitted.caller
            && let Some(known) = gate.memory.run(facts.organization.id, run)
            && settled(Some(facts), gate.memory.pin(facts.id), &known)
        {
            let admitted = Admitted {
                run: Some(known),
                pin: gate.memory.pin(facts.id),
                ..admitted
            };
            return then(call, gate, now, admitted);
        }
        sought.purpose = Purpose::Look;
        admit((call, gate, now), &self.presented, sought, then)
    }
}
