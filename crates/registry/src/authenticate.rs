//! From a credential to a caller, for management: the gateway's machine decides, and this answers
//! its questions from the ports.

mod possession;

use std::net::IpAddr;
use std::rc::Rc;

use super::body::BodyRead;
use super::error::Result;
use super::ports::{Clock, Facts, Isolate, Ledgers};
use postern_gate::{Entry, KnownToken};
use postern_ledger::Purpose;

pub use possession::possession;
pub use postern_gate::credential::{Presented, present};
pub use postern_gate::{About, Admitted};

/// Turns a presented credential into a caller, asking the Ledger whether the token lives and, in
/// the same question, for what the call names. `address` is the client's, where it is known. `known` is told which token it is, active or not.
///
/// # Errors
/// The refusal, or `Unavailable` when a store or the Ledger does not answer: never a guess.
pub async fn admit<P>(
    presented: &Rc<Presented>,
    about: About,
    (purpose, address): (Purpose, Option<IpAddr>),
    _: BodyRead,
    known: &mut Option<KnownToken>,
    ports: &P,
) -> Result<Admitted>
where
    P: Clock + Facts + Isolate + Ledgers,
{
    ask_about(presented, about, (purpose, address), known, ports).await
}

/// As [`admit`], for a credential that is no caller's: one that stood in a body. Looking is no use
/// of it.
///
/// # Errors
/// As [`admit`].
pub async fn examine<P>(presented: &Rc<Presented>, ports: &P) -> Result<Admitted>
where
    P: Clock + Facts + Isolate + Ledgers,
{
    ask_about(
        presented,
        About::Nothing,
        (Purpose::Look, None),
        &mut None,
        ports,
    )
    .await
}

async fn ask_about<P>(
    presented: &Rc<Presented>,
    about: About,
    purpose: (Purpose, Option<IpAddr>),
    known: &mut Option<KnownToken>,
    ports: &P,
) -> Result<Admitted>
where
    P: Clock + Facts + Isolate + Ledgers,
{
    let mut entry = ports.gate(|gate| gate.enter(presented, about, purpose, ports.now()))?;
    loop {
        entry = match entry {
            Entry::Find(ask) => {
                let found = ports.facts(ask.question.token).await.map_err(Into::into);
                ports.gate(|gate| ask.answer(gate, ports.now(), found))?
            }
            Entry::Admit(ask) => {
                let asked = ports.admit(ask.question.organization, ask.question.query.clone());
                let told = asked.await.map_err(Into::into);
                ports.gate(|gate| ask.answer(gate, ports.now(), told))?
            }
            Entry::Bind(ask) => {
                let asked = ports.bind(&ask.question.organization, &ask.question.command);
                let bound = asked.await.map_err(Into::into);
                ports.gate(|gate| ask.answer(gate, ports.now(), bound))?
            }
            Entry::Admitted(admitted) => {
                *known = admitted.caller.token().map(|facts| KnownToken::of(facts));
                return Ok(admitted);
            }
            Entry::Refused(error, token) => {
                *known = token;
                return Err(error);
            }
        };
    }
}
