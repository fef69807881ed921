//! A REST request for the origin: who is calling, what it names, whether it may. Refuses to move
//! bytes; the edge forwards them once it holds the permit.

use std::rc::Rc;

use super::attest::pins;
use super::authenticate::About;
use super::config::Config;
use super::error::{Error, Result};
use super::ports::{Clock, Facts, Ledgers, Memory, Origin, Revocations};
use super::routes::ROUTES;
use super::vouch::Vouched;
use postern_domain::caller::Caller;
use postern_domain::decide::{Permit, RunFacts, RunNamed, Target, Touches, decide, open};
use postern_domain::id::{RunId, WorkflowId};
use postern_domain::operation::Operation;
use postern_domain::route::{BUILT_IN, Route};
use postern_wire::rest::{self, Found, Named, Parts};

/// The routes that are always there, and, where `REST_ROUTES` opens them, those of the table.
pub fn served(config: &Config) -> impl Iterator<Item = &'static Route> {
    let table = if config.rest_routes { ROUTES } else { &[] };
    BUILT_IN.iter().chain(table)
}

/// Looks a request up in the routes that are served.
pub fn find(method: &str, path: &str, config: &Config) -> Found {
    rest::find(served(config), method, path)
}

/// Reads what a request names.
///
/// # Errors
/// `Invalid`.
pub fn named(route: &Route, parts: &Parts<'_>) -> Result<Named> {
    rest::named(route, parts).map_err(|error| Error::invalid(error.code(), error.to_string()))
}

/// Lets a request pass whose route is open to everybody.
///
/// # Errors
/// `Denied` for any other.
pub fn pass(route: &'static Route) -> Result<Permit> {
    Ok(open(Operation::Route(route))?)
}

/// A request whose caller is known, and on which nothing is decided yet.
#[derive(Debug)]
pub struct Recognized {
    /// Who is calling.
    pub caller: Caller,
    named: Named,
    run: Option<Known>,
    /// As in [`Admitted`](super::authenticate::Admitted).
    pin: Option<WorkflowId>,
    /// As in [`Admitted`](super::authenticate::Admitted).
    pub bound_ms: i64,
}

/// The run that a request names, as far as it is known.
type Known = Option<(Rc<RunFacts>, Option<WorkflowId>)>;

/// Authenticates the caller of a request.
///
/// # Errors
/// `Credential`, `Invalid` for a run that is no UUID, or `Unavailable`.
pub async fn recognize<P>(
    vouched: Vouched,
    named: Named,
    config: &Config,
    ports: &P,
) -> Result<Recognized>
where
    P: Clock + Facts + Ledgers + Memory + Revocations,
{
    let id = named.run.as_deref().map(RunId::parse_any).transpose();
    let id = id.map_err(|_| {
        Error::invalid("run_id_invalid", "the id of the workflow run is not a UUID")
    })?;
    let about = match (id, &named.workflow) {
        (Some(id), _) => About::Run(id),
        (None, Some(_)) => About::Workflow,
        (None, None) => About::Nothing,
    };
    let admitted = vouched.about(about, config, ports).await?;
    let known = admitted.run.map(|run| (run, admitted.pin));
    Ok(Recognized {
        caller: admitted.caller,
        bound_ms: admitted.bound_ms,
        pin: admitted.pin,
        run: id.map(|_| known.filter(|(run, _)| agrees(&named, run))),
        named,
    })
}

/// Whether a run is one of the project and workflow that are named beside it. Of others it is
/// unknown, as it is at the origin.
fn agrees(named: &Named, run: &RunFacts) -> bool {
    let same = |name: &Option<String>, own: &str| name.as_deref().is_none_or(|name| name == own);
    same(&named.project, &run.project) && same(&named.workflow, &run.workflow)
}

impl Recognized {
    /// Decides on the request (R30), once the origin has said that the workflow that is named is
    /// still the token's, where that was learned.
    ///
    /// # Errors
    /// `Denied`; `Origin` or `Credential` when the workflow cannot be looked up.
    pub async fn decide<P, O>(&self, route: &'static Route, ports: &P, origin: &O) -> Result<Permit>
    where
        P: Clock + Memory,
        O: Origin,
    {
        let Named {
            project, workflow, ..
        } = &self.named;
        let touches = Touches::named(project.as_deref(), workflow.as_deref());
        let run = match &self.run {
            None => RunNamed::Open,
            Some(None) => RunNamed::Unknown,
            Some(Some((run, pin))) => RunNamed::Known { run, pin: *pin },
        };
        let target = Target::Call {
            touches: &touches,
            run,
        };
        let permit = decide(&self.caller, Operation::Route(route), target)?;
        if let (None, Some(_)) = (&self.run, workflow) {
            pins::confirm(&self.caller, self.pin, ports, origin).await?;
        }
        Ok(permit)
    }
}

#[cfg(test)]
mod tests;
