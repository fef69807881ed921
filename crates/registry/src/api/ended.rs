//! What a call of the API has come to: counted for its token, or, of a credential that is none of a
//! token, for the gateway (R49); and an answer that tells when its token ends.

use super::{Answer, Notes, Request};
use crate::config::Config;
use crate::error::Result;
use crate::ports::{Clock, Isolate};
use postern_domain::time::Timestamp;
use postern_gate::activity::{CallFrom, Ended};
use postern_gate::{credential, ending};
use postern_ledger::shortened;

/// Counts a call that ends so.
///
/// # Errors
/// As [`Isolate::gate`].
pub(super) fn count<P: Clock + Isolate>(
    answered: &Result<Answer>,
    request: &Request<'_>,
    config: &Config,
    ports: &P,
    notes: &Notes,
) -> Result<()> {
    let now = ports.now();
    let was = |error| {
        let header = request.header("authorization");
        credential::was(header.as_deref(), error, config, now)
    };
    let refused = answered.as_ref().err();
    let Some(token) = notes.token.or_else(|| refused.and_then(was)) else {
        return match refused {
            Some(error) if error.fails_offline() => {
                ports.gate(|gate| gate.memory.activity.failed_offline(now))
            }
            _ => Ok(()),
        };
    };
    let ended = refused.map_or(Ended::Allowed, Ended::by);
    let agent = request.header("user-agent").map(shortened);
    let from = CallFrom {
        address: request.address(config),
        user_agent: agent.as_deref(),
        operation: notes.operation,
        request_id: request.id(),
    };
    ports.gate(|gate| gate.memory.activity.ended(token, ended, &from, now))
}

/// The answer, with the end of its caller's token, where that is near.
pub(super) fn warned(answer: Answer, notes: &Notes, now: Timestamp) -> Answer {
    let caller = notes.caller.as_ref().map(|(caller, _)| caller);
    Answer {
        token_expires: caller.and_then(|caller| ending::near(caller, now)),
        ..answer
    }
}
