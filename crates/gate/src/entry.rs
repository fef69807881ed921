//! Authentication of management calls: once the request's body has arrived, a credential becomes a
//! caller, by the same questions as for a call to the origin.

use std::rc::Rc;

use postern_domain::time::Timestamp;
use postern_ledger::Purpose;

use crate::Gate;
use crate::activity::KnownToken;
use crate::admission::{About, Admitted, Asks, Sought, admit};
use crate::ask::{Ask, Machine, Pending};
use crate::credential::Presented;
use crate::error::{Error, Result};
use crate::question::{Admit, Bind, Find};

/// What a credential on its way in needs, or what became of it.
#[derive(Debug)]
#[must_use]
pub enum Entry {
    /// See [`Find`].
    Find(Ask<Find, Entering>),
    /// See [`Admit`].
    Admit(Ask<Admit, Entering>),
    /// See [`Bind`].
    Bind(Ask<Bind, Entering>),
    /// The end: the caller is known.
    Admitted(Admitted),
    /// The end: the credential opens nothing. Where it is one of a token, of which.
    Refused(Error, Option<KnownToken>),
}

/// What is next on the way in.
pub enum Entering {
    /// A question, as in [`Entry`].
    Find(Pending<Find, Self>),
    /// A question, as in [`Entry`].
    Admit(Pending<Admit, Self>),
    /// A question, as in [`Entry`].
    Bind(Pending<Bind, Self>),
    /// The end.
    Admitted(Admitted),
}

impl Machine for Entering {
    type Call = Option<KnownToken>;
    type Step = Entry;

    fn step(token: Self::Call, next: Result<Self>, _: (&mut Gate, Timestamp)) -> Entry {
        match next {
            Ok(Self::Find(pending)) => Entry::Find(pending.of(token)),
            Ok(Self::Admit(pending)) => Entry::Admit(pending.of(token)),
            Ok(Self::Bind(pending)) => Entry::Bind(pending.of(token)),
            Ok(Self::Admitted(admitted)) => Entry::Admitted(admitted),
            Err(error) => Entry::Refused(error, token),
        }
    }
}

impl Asks for Entering {
    fn find(pending: Pending<Find, Self>) -> Self {
        Self::Find(pending)
    }

    fn admit(pending: Pending<Admit, Self>) -> Self {
        Self::Admit(pending)
    }

    fn bind(pending: Pending<Bind, Self>) -> Self {
        Self::Bind(pending)
    }

    fn known(call: &mut Self::Call, token: KnownToken) {
        *call = Some(token);
    }
}

impl Gate {
    /// Begins to find out whose credential it is. The request's body must have arrived (R40).
    pub fn enter(
        &mut self,
        presented: &Rc<Presented>,
        about: About,
        purpose: Purpose,
        now: Timestamp,
    ) -> Entry {
        let admitted = |_: &mut Option<KnownToken>, _: &mut Self, _, admitted| {
            Ok(Entering::Admitted(admitted))
        };
        let sought = Sought {
            about,
            purpose,
            names: None,
        };
        let mut token = None;
        let next = admit((&mut token, self, now), presented, sought, admitted);
        Entering::step(token, next, (self, now))
    }
}
