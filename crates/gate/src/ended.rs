//! The end of a call, counted: for its token, or, of a credential that is none of a token, for the
//! gateway (R49).

use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;

use crate::Gate;
use crate::activity::{CallFrom, Ended, KnownToken};
use crate::call::Call;
use crate::credential;
use crate::error::Error;

impl Call {
    /// Counts what it has come to, where it is a token's.
    pub(crate) fn ended(&self, ended: Ended, (gate, now): (&mut Gate, Timestamp)) {
        let from = CallFrom {
            address: self.kept.address,
            user_agent: self.kept.user_agent.as_deref(),
            operation: self.notes.operation,
            request_id: &self.kept.request_id,
        };
        if let Some(token) = self.token {
            gate.memory.activity.ended(token, ended, &from, now);
        }
    }

    /// Counts a refusal: of the token, or, where the credential was none of a token, of the gateway.
    pub(crate) fn refused(&mut self, error: &Error, (gate, now): (&mut Gate, Timestamp)) {
        let header = self.kept.authorization.as_ref();
        let was = || credential::was(header.map(Secret::expose), error, &gate.config(), now);
        // What is refused before the Ledger is asked: the token's, where this isolate has met it.
        let met = || {
            gate.memory
                .facts(self.shown?)
                .map(|facts| KnownToken::of(&facts))
        };
        self.token = self.token.or_else(was).or_else(met);
        match self.token {
            Some(_) => self.ended(Ended::by(error), (gate, now)),
            None if error.fails_offline() => gate.memory.activity.failed_offline(now),
            None => {}
        }
    }
}
