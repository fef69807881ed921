//! A call for the origin: who is calling, what it touches, whether it may. Refuses to move bytes;
//! the edge forwards them once it holds the permit.

pub mod pins;
mod runs;

use std::rc::Rc;

use super::authenticate::{About, Presented};
use super::body::BodyRead;
use super::config::Config;
use super::error::{Error, Result};
use super::ports::{Clock, Facts, Ledgers, Memory, Origin, Revocations};
use super::vouch::Vouched;
use postern_domain::caller::Caller;
use postern_domain::decide::{
    Denial, Permit, ProjectNamed, RunFacts, RunNamed, Target, Touches, decide,
};
use postern_domain::id::{RunId, WorkflowId};
use postern_domain::operation::Operation;
use postern_domain::rpc::Rpc;
use postern_wire::identity::{self, Identified, IdentityError};

pub use runs::learn_run;

/// A call whose caller and object are known, and on which nothing is decided yet.
#[derive(Debug)]
pub struct Recognized<'m> {
    /// Who is calling.
    pub caller: Caller,
    touches: Touches<'m>,
    run: Run,
    /// As in [`Admitted`](super::authenticate::Admitted).
    pin: Option<WorkflowId>,
    /// As in [`Admitted`](super::authenticate::Admitted).
    bound_ms: i64,
}

/// The run that a call names.
#[derive(Debug)]
enum Run {
    Open,
    Unknown(RunId),
    Known {
        run: Rc<RunFacts>,
        pin: Option<WorkflowId>,
    },
}

/// A call that may go to the origin.
#[derive(Debug)]
pub struct Authorized {
    /// What allows it.
    pub permit: Permit,
    /// Who is calling.
    pub caller: Caller,
    /// The project and workflow that the request named, for calls whose answer makes a run.
    naming: Option<(String, String)>,
    /// As in [`Admitted`](super::authenticate::Admitted).
    pub bound_ms: i64,
}

/// Authenticates the caller of a call, and finds out what its message is about; a long message is
/// walked for nobody who may nothing. `message` is `None` for calls that the table says need no
/// reading.
///
/// # Errors
/// `Credential`, `Invalid` for a message that cannot be read, or `Unavailable`.
pub async fn recognize<'m, P>(
    presented: Presented,
    rpc: &Rpc,
    message: Option<&'m [u8]>,
    read: BodyRead,
    config: &Config,
    ports: &P,
) -> Result<Recognized<'m>>
where
    P: Clock + Facts + Ledgers + Memory + Revocations,
{
    let length = message.map_or(0, <[u8]>::len);
    let workflow = match rpc.identity.workflow {
        Some(_) => About::Workflow,
        None => About::Nothing,
    };
    let first = (length, workflow, rpc.effect.into());
    let vouched = Vouched::first(presented, first, read, config, ports).await?;
    let walk = |message| identity::read(message, rpc).map_err(unreadable);
    let identified = message.map(walk).transpose()?;
    let id = match &identified {
        Some(identified) => run_id(rpc, identified)?,
        None => None,
    };
    let about = id.map_or(workflow, About::Run);
    let admitted = vouched.about(about, config, ports).await?;
    let run = match (id, admitted.run) {
        (None, _) => Run::Open,
        (Some(id), None) => Run::Unknown(id),
        (Some(_), Some(run)) => Run::Known {
            run,
            pin: admitted.pin,
        },
    };
    Ok(Recognized {
        caller: admitted.caller,
        touches: identified.map(|found| found.touches).unwrap_or_default(),
        run,
        pin: admitted.pin,
        bound_ms: admitted.bound_ms,
    })
}

/// The run that the message names; it must name one where nothing else says what it is about.
fn run_id(rpc: &Rpc, identified: &Identified<'_>) -> Result<Option<RunId>> {
    let invalid = |detail: &str| Error::invalid("run_id_invalid", detail);
    match (identified.run, identified.digest) {
        (Some(text), _) => RunId::parse_any(text)
            .map(Some)
            .map_err(|_| invalid("the id of the workflow run is not a UUID")),
        (None, None) if rpc.identity.run.is_some() => {
            Err(invalid("the message names no workflow run"))
        }
        (None, _) => Ok(None),
    }
}

impl Recognized<'_> {
    /// Decides on the call (R30). Once nothing else speaks against it, the origin is asked with the
    /// caller's own credential what only it knows: a run that the gate does not know (R32), and
    /// whether the workflow that is named is still the token's.
    ///
    /// # Errors
    /// `Denied`; `Origin`, `Credential` or `Unavailable` when run or workflow cannot be looked up.
    pub async fn decide<P, O>(
        mut self,
        rpc: &'static Rpc,
        ports: &P,
        origin: &O,
    ) -> Result<Authorized>
    where
        P: Clock + Ledgers + Memory,
        O: Origin,
    {
        let mut decided = self.decided(rpc);
        if let (Err(Denial::UnknownRun), Run::Unknown(id)) = (&decided, &self.run)
            && let Some((run, pin)) = runs::look_up(*id, &self.caller, ports, origin).await?
        {
            self.run = Run::Known { run, pin };
            decided = self.decided(rpc);
        }
        let naming = match (rpc.makes_run, &self.touches.project) {
            (true, ProjectNamed::Name(project)) => {
                Some(((*project).to_owned(), self.touches.workflow.to_owned()))
            }
            _ => None,
        };
        let permit = decided?;
        if let (Run::Open, Some(_)) = (&self.run, rpc.identity.workflow) {
            pins::confirm(&self.caller, self.pin, ports, origin).await?;
        }
        Ok(Authorized {
            permit,
            caller: self.caller,
            naming,
            bound_ms: self.bound_ms,
        })
    }

    fn decided(&self, rpc: &'static Rpc) -> core::result::Result<Permit, Denial> {
        let run = match &self.run {
            Run::Open => RunNamed::Open,
            Run::Unknown(_) => RunNamed::Unknown,
            Run::Known { run, pin } => RunNamed::Known { run, pin: *pin },
        };
        let target = Target::Call {
            touches: &self.touches,
            run,
        };
        decide(&self.caller, Operation::Rpc(rpc), target)
    }
}

fn unreadable(error: IdentityError) -> Error {
    Error::invalid("message_unreadable", error.to_string())
}

#[cfg(test)]
mod decisions;
#[cfg(test)]
mod pin_tests;
#[cfg(test)]
mod tests;
