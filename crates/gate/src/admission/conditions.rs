//! Whether a token's conditions let its caller through (R53): from where, and how often. Checked by the facts that the
//! isolate has, once the Ledger or a lease has said that the token is active, so that no refusal tells more of a token
//! than that of its credential.

use std::rc::Rc;

use postern_domain::decide::RunFacts;
use postern_domain::id::WorkflowId;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{Admission, AdmitQuery};

use super::{Asks, CredentialQuery, usable};
use crate::Gate;
use crate::allowances::Room;
use crate::ask::Pending;
use crate::error::{Error, Result};
use crate::question::Admit;

/// What became of taking a call.
enum Taken {
    /// It was taken, or the token has no limit.
    Call,
    /// The Ledger has to be asked for calls first.
    Unknown,
}

/// What was learned on the way.
type Learned = (Option<RunFacts>, Option<WorkflowId>);

impl<M: Asks + 'static> CredentialQuery<M> {
    /// Whether the question about the credential asks for calls too: for a token of which this isolate
    /// knows that it has a limit, and of which it has none left. A caller who is refused for its address
    /// takes none.
    pub(super) fn asks_calls(&self, (call, gate, now): (&M::Call, &Gate, Timestamp)) -> bool {
        let known = self.known.as_ref().filter(|_| self.is_use);
        let conditions = known.and_then(|facts| facts.conditions.as_deref());
        conditions.is_some_and(|conditions| {
            conditions.calls_per_minute().is_some()
                && conditions.allow(M::address(call))
                && gate.memory.allowances.room(self.id, now) == Room::Unknown
        })
    }

    /// Takes in what an answer says of the token's facts and calls, before anything goes by it.
    pub(super) fn revised(
        &mut self,
        (gate, asked, now): (&mut Gate, Timestamp, Timestamp),
        admission: &Admission,
    ) {
        if let (Some(known), Some(told)) = (&self.known, &admission.facts)
            && told.revision > known.revision
        {
            let is_proved = told.verifier == known.verifier;
            let told = Rc::new(told.clone());
            // What proves the token is no part of an edit; where it is another, it is proved anew.
            self.known = is_proved.then(|| Rc::clone(&told));
            if is_proved {
                gate.memory.remember_facts(&told);
            }
        }
        if let Some(given) = admission.calls {
            gate.memory.allowances.given(self.id, given, asked, now);
        }
    }

    /// Goes on where the token's conditions allow it.
    pub(super) fn conditioned(
        self,
        (call, gate, now): (&mut M::Call, &mut Gate, Timestamp),
        facts: &Rc<TokenFacts>,
        learned: Learned,
    ) -> Result<M> {
        match self.take_call((&*call, &mut *gate, now), facts)? {
            Taken::Call => self.admitted((call, gate, now), facts, learned),
            Taken::Unknown => Ok(self.ask_calls(now, facts, learned)),
        }
    }

    /// Takes one of the token's calls, if it has a limit, and the caller's address is one of its own.
    fn take_call(
        &self,
        (call, gate, now): (&M::Call, &mut Gate, Timestamp),
        facts: &TokenFacts,
    ) -> Result<Taken> {
        let conditions = facts.conditions.as_deref().filter(|_| self.is_use);
        let Some(conditions) = conditions else {
            return Ok(Taken::Call);
        };
        if !conditions.allow(M::address(call)) {
            return Err(Error::AddressNotAllowed);
        }
        let Some(limit) = conditions.calls_per_minute() else {
            return Ok(Taken::Call);
        };
        match gate.memory.allowances.take(self.id, now) {
            Room::Some => Ok(Taken::Call),
            Room::Exceeded(retry_after_seconds) => Err(Error::CallsExceeded {
                limit,
                retry_after_seconds,
            }),
            Room::Unknown => Ok(Taken::Unknown),
        }
    }

    /// Asks the Ledger for calls: the first call of a token in this isolate, whose limit nobody knew, and
    /// one that came when others had just used up what there was.
    fn ask_calls(mut self, asked: Timestamp, facts: &Rc<TokenFacts>, learned: Learned) -> M {
        let facts = Rc::clone(facts);
        let question = Admit {
            organization: self.organization,
            query: AdmitQuery {
                revision: facts.revision,
                calls: true,
                ..AdmitQuery::look(self.id)
            },
        };
        let told = move |call: &mut M::Call, gate: &mut Gate, now, admission: Admission| {
            // A pause too may have begun since the token was proven: then no calls are given.
            usable(&admission)?;
            self.known = Some(facts);
            self.revised((gate, asked, now), &admission);
            let facts = self
                .known
                .clone()
                .ok_or_else(|| Error::unavailable(NO_CALLS))?;
            match self.take_call((&*call, &mut *gate, now), &facts)? {
                Taken::Call => self.admitted((call, gate, now), &facts, learned),
                Taken::Unknown => Err(Error::unavailable(NO_CALLS)),
            }
        };
        M::admit(Pending::new(question, told))
    }
}

/// Why a Ledger's answer is none.
const NO_CALLS: &str = "the Ledger neither gave a call nor refused one";
