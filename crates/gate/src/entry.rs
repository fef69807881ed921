//! Authentication of management calls: once the request's body has arrived, a credential becomes a
//! caller, by the same questions as for a call to the origin.

use core::net::IpAddr;
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

/// Who has come, as far as that is known.
#[derive(Debug)]
pub struct Knocker {
    /// The token of its credential, once the Ledger has said that it is one.
    token: Option<KnownToken>,
    /// From where.
    address: Option<IpAddr>,
}

impl Machine for Entering {
    type Call = Knocker;
    type Step = Entry;

    fn step(who: Self::Call, next: Result<Self>, _: (&mut Gate, Timestamp)) -> Entry {
        match next {
            Ok(Self::Find(pending)) => Entry::Find(pending.of(who)),
            Ok(Self::Admit(pending)) => Entry::Admit(pending.of(who)),
            Ok(Self::Bind(pending)) => Entry::Bind(pending.of(who)),
            Ok(Self::Admitted(admitted)) => Entry::Admitted(admitted),
            Err(error) => Entry::Refused(error, who.token),
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
        call.token = Some(token);
    }

    fn address(call: &Self::Call) -> Option<IpAddr> {
        call.address
    }
}

impl Gate {
    /// Begins to find out whose credential it is. The request's body must have arrived (R40). `address` is
    /// the client's: a token can be for some alone.
    pub fn enter(
        &mut self,
        presented: &Rc<Presented>,
        about: About,
        (purpose, address): (Purpose, Option<IpAddr>),
        now: Timestamp,
    ) -> Entry {
        let admitted =
            |_: &mut Knocker, _: &mut Self, _, admitted| Ok(Entering::Admitted(admitted));
        let sought = Sought {
            about,
            purpose,
            names: None,
        };
        let mut who = Knocker {
            token: None,
            address,
        };
        let next = admit((&mut who, self, now), presented, sought, admitted);
        Entering::step(who, next, (self, now))
    }
}
