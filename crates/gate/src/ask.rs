//! Questions of a machine: each types its answer, is answered once, and is the one place where a
//! failed dependency ends the call.
//!
//! INVARIANT (a failed dependency closes): anything that is not an answer becomes a refusal in
//! [`Ask::answer`]; no continuation ever sees it.

use postern_domain::time::Timestamp;

use crate::Gate;
use crate::error::{Error, Result};

/// Something that a machine needs of the world.
pub trait Question {
    /// What answers it.
    type Answer;

    /// The refusal of a call whose question found no answer.
    fn closed(&self, outage: Outage) -> Error {
        outage.into()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outage {
    /// The dependency failed; the cause is for the log.
    Failed(String),
    /// It did not answer in the time that the question gave it.
    Late,
    /// It refused, or whatever carries the question to it did.
    Refused(Error),
}

impl From<Outage> for Error {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Failed(cause) => Self::Unavailable { cause },
            Outage::Late => Self::unavailable("no answer in time"),
            Outage::Refused(error) => error,
        }
    }
}

impl From<Error> for Outage {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// A machine that asks: what it keeps between questions, and what it shows of itself.
pub trait Machine: Sized {
    /// What lives as long as the call does.
    type Call: 'static;
    /// The step that the machine's driver sees.
    type Step;

    /// What is next, or the refusal, as a step. Where it is the end, it is counted.
    fn step(call: Self::Call, next: Result<Self>, at: (&mut Gate, Timestamp)) -> Self::Step;
}

/// What a call does with an answer.
type Then<A, M> = Box<dyn FnOnce(&mut <M as Machine>::Call, &mut Gate, Timestamp, A) -> Result<M>>;

/// A question on its way out of a machine.
pub struct Pending<Q: Question, M: Machine> {
    question: Q,
    then: Then<Q::Answer, M>,
}

impl<Q: Question, M: Machine> Pending<Q, M> {
    /// A question, and what comes after its answer.
    pub(crate) fn new(
        question: Q,
        then: impl FnOnce(&mut M::Call, &mut Gate, Timestamp, Q::Answer) -> Result<M> + 'static,
    ) -> Self {
        Self {
            question,
            then: Box::new(then),
        }
    }

    /// The question of a call.
    pub(crate) fn of(self, call: M::Call) -> Ask<Q, M> {
        Ask {
            question: self.question,
            call,
            then: self.then,
        }
    }
}

/// One question, and the call that waits for its answer. To answer uses it up.
#[must_use = "a call whose question is dropped has no answer"]
pub struct Ask<Q: Question, M: Machine = crate::call::Next> {
    /// What is asked.
    pub question: Q,
    call: M::Call,
    then: Then<Q::Answer, M>,
}

impl<Q: Question, M: Machine> Ask<Q, M> {
    /// Goes on with the answer, at the moment that the clock tells now. Without one the call is
    /// refused.
    pub fn answer(
        self,
        gate: &mut Gate,
        now: Timestamp,
        answer: core::result::Result<Q::Answer, Outage>,
    ) -> M::Step {
        let Self {
            question,
            mut call,
            then,
        } = self;
        let next = answer
            .map_err(|outage| question.closed(outage))
            .and_then(|answer| then(&mut call, gate, now, answer));
        M::step(call, next, (gate, now))
    }
}

impl<Q: Question + core::fmt::Debug, M: Machine> core::fmt::Debug for Ask<Q, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.question.fmt(f)
    }
}
