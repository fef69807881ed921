//! REST requests: route, credential, what is named, decision.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::decide::{CallNames, Permit, RunFacts, RunNamed, Target, decide, open as pass};
use postern_domain::id::{RunId, WorkflowId};
use postern_domain::operation::Operation;
use postern_domain::route::{ARTIFACT_DOWNLOAD, BUILT_IN, OF_PEOPLE, Route};
use postern_domain::rpc::Access;
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_ledger::Purpose;
use postern_wire::forwarding::Sent;
use postern_wire::rest::{self, MAX_BODY, Parameters, Parts, RouteMatch, RouteNames};
use postern_wire::sign_in;

use crate::Gate;
use crate::admission::{About, Admitted};
use crate::artifacts::Redirect;
use crate::artifacts::{Subject, download};
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::config::Config;
use crate::credential::{Recognized, shown};
use crate::error::{Error, Result};
use crate::head::Head;
use crate::job_bearer::identified;
use crate::limits::TIME_LIMIT_MS;
use crate::onward::{Going, Outbound, Outgoing};
use crate::origin_answer::AwaitedReply;
use crate::people;
use crate::pins;
use crate::question::{Arrived, Body, Forward, Stream};
use crate::reply::Reply;
use crate::routes::ROUTES;
use crate::upstream::{self, UpstreamNames};
use crate::vouch;

/// The routes that are always there; where people pass, those that they need; downloads where
/// `ARTIFACT_CAS_URL` is set; and, where
/// `REST_ROUTES` opens them, those of the table.
pub fn served(config: &Config) -> impl Iterator<Item = &'static Route> {
    let people: &[Route] = if config.people { &OF_PEOPLE } else { &[] };
    let table = if config.rest_routes { ROUTES } else { &[] };
    let downloads = config.artifact_cas_url.as_ref().map(|_| &ARTIFACT_DOWNLOAD);
    BUILT_IN.iter().chain(people).chain(downloads).chain(table)
}

/// Looks a request up in the routes that are served.
pub fn find(method: &str, path: &str, config: &Config) -> RouteMatch {
    rest::find(served(config), method, path)
}

/// A request for a route, as far as its head says what it names: the rest of that is in its body.
struct RestRequest {
    route: &'static Route,
    parameters: Parameters,
    /// The headers that say what it names, read with the head.
    headers: Vec<(String, String)>,
}

type At<'a> = (&'a mut Call, &'a mut Gate, Timestamp);

/// Begins a request, up to its body.
pub(crate) fn open(
    (call, gate, now): At<'_>,
    route: &'static Route,
    parameters: Parameters,
    head: &Head<'_>,
) -> Result<Next> {
    let config = gate.config();
    if *route == ARTIFACT_DOWNLOAD {
        download::take_query(call)?;
        call.subject = parameters.get("digest").map(Subject::artifact);
    }
    let presented = match route.access {
        Access::Open => None,
        Access::Token | Access::Person | Access::Closed => {
            let authorization = call.kept.authorization.as_ref();
            let authorization = authorization.map(|header| header.expose());
            Some(shown(authorization, &config, now)?)
        }
    };
    if route.answers.signs_in() {
        call.own_origin = head.origin.to_owned();
    }
    if route.answers.signs_in() && call.kept.names.has("cookie") {
        let came = head.headers.value("cookie");
        call.cookies = came.and_then(|came| sign_in::for_origin(&came));
    }
    let request = RestRequest {
        route,
        parameters,
        headers: identities(route, head),
    };
    identified(
        (call, gate, now),
        head,
        presented,
        move |call, gate, now, presented| request.opened((call, gate, now), presented),
    )
}

fn too_large(limit: usize) -> Error {
    match limit {
        0 => Error::invalid("body_unexpected", "a GET has no body here"),
        limit => Error::BodyTooLarge { limit },
    }
}

/// A request's content: what came of it, and what goes on.
struct Content {
    raw: Vec<u8>,
    body: Outgoing,
}

/// The run that a request names, as far as it is known.
type KnownRun = Option<(Rc<RunFacts>, Option<WorkflowId>)>;

impl RestRequest {
    /// Goes on once the credential is one of ours, or a person's, up to the body.
    fn opened(self, (call, _, _): At<'_>, presented: Option<Recognized>) -> Result<Next> {
        if let Some(Recognized::Ours(presented)) = &presented {
            call.shown = presented.token();
        }
        if self.route.stream {
            // A weakening of R40 that the operator wants: the body goes on before it is complete, and
            // the credential is checked a second time when the origin has answered.
            let there = move |call: &mut Call, gate: &mut Gate, now, is_there: bool| {
                let content = Content {
                    raw: Vec::new(),
                    body: match is_there {
                        true => Outgoing::Stream,
                        false => Outgoing::Nothing,
                    },
                };
                self.allowed((call, gate, now), presented, content)
            };
            return Ok(Next::Stream(Pending::new(Stream, there)));
        }
        let is_read = self.route.inspects_body();
        if is_read && !call.kept.is_json() {
            return Err(Error::MediaType {
                expected: "application/json",
            });
        }
        // A GET may say that it has no bytes, by length or in chunks.
        let limit = if self.route.method == "GET" {
            0
        } else {
            MAX_BODY
        };
        call.kept.fits(limit).map_err(|_| too_large(limit))?;
        let body = Body {
            limit,
            window: None,
            within_ms: TIME_LIMIT_MS,
            too_large,
        };
        let here = move |call: &mut Call, gate: &mut Gate, now, arrived: Arrived| {
            let raw = arrived.bytes;
            if is_read {
                call.kept.plain(&raw)?;
            }
            let body = match raw.is_empty() {
                true => Outgoing::Nothing,
                false => Outgoing::AsItCame,
            };
            self.allowed((call, gate, now), presented, Content { raw, body })
        };
        Ok(Next::Body(Pending::new(body, here)))
    }

    /// Goes on with the body here: at once where the route is open to everybody.
    fn allowed(
        self,
        (call, gate, now): At<'_>,
        recognized: Option<Recognized>,
        content: Content,
    ) -> Result<Next> {
        let route = self.route;
        let presented = match recognized {
            Some(Recognized::Ours(presented)) => presented,
            Some(Recognized::Person(person)) => {
                self.named(call, &content)?;
                let person = people::noted(call, now, person);
                let permit = people::may(&person, Operation::Route(route))?;
                return go((call, gate, now), permit, Some(person), content);
            }
            None => {
                self.named(call, &content)?;
                let permit = pass(Operation::Route(route))?;
                return go((call, gate, now), permit, None, content);
            }
        };
        let about = match route.workflow {
            Some(_) => About::Workflow,
            None => About::Nothing,
        };
        let length = if route.inspects_body() {
            content.raw.len()
        } else {
            0
        };
        let first = (length, about, Purpose::Forward);
        let at = (call, gate, now);
        vouch::first(at, presented, first, move |call, gate, now, vouched| {
            let named = self.named(call, &content)?;
            let id = named.run.as_deref().map(RunId::parse_any).transpose();
            let id = id.map_err(|_| {
                Error::invalid("run_id_invalid", "the id of the workflow run is not a UUID")
            })?;
            let about = match (id, &named.workflow) {
                (Some(id), _) => About::Run(id),
                (None, Some(_)) => About::Workflow,
                (None, None) => About::Nothing,
            };
            let upstream =
                UpstreamNames::named(named.project.as_deref(), named.workflow.as_deref());
            vouched.about(
                (call, gate, now),
                (about, upstream),
                move |call, gate, now, admitted| {
                    call.notes.caller = Some((admitted.caller.clone(), now));
                    let known = admitted.run.clone().map(|run| (run, admitted.pin));
                    let run = id.map(|_| known.filter(|(run, _)| agrees(&named, run)));
                    decided((call, gate, now), route, (&named, run), admitted, content)
                },
            )
        })
    }

    /// What the request names.
    fn named(&self, call: &Call, content: &Content) -> Result<RouteNames> {
        let body = match self.route.inspects_body() {
            true => content.raw.as_slice(),
            false => &[],
        };
        let header = |name: &str| {
            let found = self.headers.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.clone())
        };
        let parts = Parts {
            parameters: &self.parameters,
            query: &call.kept.query,
            header: &header,
            body,
        };
        rest::named(self.route, &parts)
            .map_err(|error| Error::invalid(error.code(), error.to_string()))
    }
}

/// Decides on a request (R30), and sends it on once the origin has said that the workflow that is
/// named is still the token's, where that was learned.
fn decided(
    (call, gate, now): At<'_>,
    route: &'static Route,
    (named, run): (&RouteNames, Option<KnownRun>),
    admitted: Admitted,
    content: Content,
) -> Result<Next> {
    let names = CallNames {
        organization_name: named.organization.as_deref().unwrap_or_default(),
        ..CallNames::named(named.project.as_deref(), named.workflow.as_deref())
    };
    let told = match &run {
        None => RunNamed::Open,
        Some(None) => RunNamed::Unknown,
        Some(Some((run, pin))) => RunNamed::Known { run, pin: *pin },
    };
    let target = Target::Call {
        names: &names,
        run: told,
        own_credential: !gate.config().is_upstream(),
    };
    let permit = decide(&admitted.caller, Operation::Route(route), target)?;
    let from = Some(admitted.caller.clone());
    let is_confirmed = run.is_none() && named.workflow.is_some();
    let known = run.flatten().map(|(run, _)| run);
    let names = UpstreamNames::named(named.project.as_deref(), named.workflow.as_deref());
    let wanted = move |scope: &Scope| names.wanted(scope, known.as_deref());
    let at = (call, gate, now);
    upstream::choose(at, admitted, wanted, move |call, gate, now, admitted| {
        let at = (call, gate, now);
        if *route == ARTIFACT_DOWNLOAD {
            return download::begin(at, &permit, &admitted.caller);
        }
        if !is_confirmed {
            return go(at, permit, from, content);
        }
        let confirmed = move |call: &mut Call, gate: &mut Gate, now| {
            go((call, gate, now), permit, from, content)
        };
        pins::confirm(at, &admitted.caller, admitted.pin, confirmed)
    })
}

/// Whether a run is one of the project and workflow that are named beside it. Of others it is
/// unknown, as it is at the origin.
fn agrees(named: &RouteNames, run: &RunFacts) -> bool {
    let same = |name: &Option<String>, own: &str| name.as_deref().is_none_or(|name| name == own);
    same(&named.project, &run.project) && same(&named.workflow, &run.workflow)
}

/// Sends a request on. `from` = who makes it.
fn go(
    (call, gate, now): At<'_>,
    permit: Permit,
    from: Option<Caller>,
    content: Content,
) -> Result<Next> {
    let Operation::Route(route) = permit.operation() else {
        return Err(postern_domain::decide::Denial::Operation.into());
    };
    let going = Going {
        permit,
        caller: from.as_ref(),
        sent: match route.inspects_body() {
            true => Sent::Json,
            false => Sent::Rest,
        },
        body: content.body,
        raw: Some(&content.raw),
        answer_is_read: gate.config().is_upstream(),
    };
    let redirect = Redirect::of(call, route, &going.permit, from.as_ref())?;
    let outbound = Outbound::new(call, gate, now, going)?;
    let awaited = AwaitedReply {
        asked_at: now,
        patience: outbound.patience(),
    };
    let here = move |call: &mut Call, gate: &mut Gate, now, reply: Reply| match redirect
        .filter(|_| reply.status < 400)
    {
        None => awaited.route((call, gate, now), reply, route),
        Some(redirect) => Ok(
            redirect.then(move |call, gate, now| awaited.route((call, gate, now), reply, route))
        ),
    };
    Ok(Next::Forward(Pending::new(Forward(outbound), here)))
}

/// The headers that say what a request names, and those that could say it a second time: its
/// `Connection`, and the names that servers take for the same.
fn identities(route: &Route, head: &Head<'_>) -> Vec<(String, String)> {
    let names = head.headers.names();
    let own = |name: &&str| {
        let dashed = name.replace('_', "-");
        *name == "connection" || route.reads_header(name) || route.reads_header(&dashed)
    };
    let read = |name: &str| Some((name.to_owned(), head.headers.value(name)?));
    names.iter().filter(own).filter_map(read).collect()
}
