//! RPCs, in gRPC-Web and Connect: protocol, credential, message, decision.

mod content;
mod governed;
mod person;
mod sending;

use std::rc::Rc;

use postern_domain::decide::{Denial, Permit, RunFacts, RunNamed, Target, decide, open as pass};
use postern_domain::id::{RunId, WorkflowId};
use postern_domain::operation::Operation;
use postern_domain::rpc::{Access, Rpc};
use postern_domain::time::Timestamp;
use postern_ledger::Purpose;
use postern_wire::coding;
use postern_wire::connect;
use postern_wire::grpc_web::{self, Encoding, FrameError};
use postern_wire::identity::{Found, Identified};
use postern_wire::protocol::{Protocol, Unspoken};

use self::content::{Content, Reading, Unreadable, within};
use self::sending::Sending;
use crate::Gate;
use crate::admission::{About, Admitted};
use crate::artifacts::Subject;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::credential::{Presented, Recognized, recognize};
use crate::error::{Error, Result};
use crate::head::Head;
use crate::job_bearer::identified;
use crate::limits::{DISCARD_TIME_MS, MAX_DISCARDED, TIME_LIMIT_MS};
use crate::named::OwnedNames;
use crate::patience::Deadline;
use crate::pins;
use crate::question::{Arrived, Body, Discard};
use crate::runs;
use crate::upstream::{self, UpstreamNames};
use crate::vouch::{self, Vouched};

/// An RPC, as far as its head says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RpcRequest {
    pub row: &'static Rpc,
    pub protocol: Protocol,
    /// How long the caller waits, in milliseconds, where it says.
    within: Option<u64>,
}

/// Begins an RPC, up to its body.
pub(crate) fn open(
    call: &mut Call,
    gate: &mut Gate,
    now: Timestamp,
    head: &Head<'_>,
) -> Result<Next> {
    let config = gate.config();
    if call.kept.method != "POST" {
        return Err(Error::MethodNotAllowed { allow: "POST" });
    }
    let protocol = Protocol::of(&call.kept.content_type).map_err(not_spoken)?;
    if protocol == Protocol::GrpcWeb(Encoding::Text) && config.origin_speaks_grpc {
        // The platform converts frames, and no text of them.
        return Err(not_spoken(Unspoken::Other));
    }
    // What the table does not know is denied (R33); so is a query, which no call of it has. Nobody
    // learns what is in the table without a credential.
    let row = config
        .rpc(&call.kept.path)
        .filter(|_| call.kept.query.is_empty());
    let shown = match row {
        Some(row) if row.access == Access::Open => None,
        _ => {
            let authorization = call.kept.authorization.as_ref();
            let authorization = authorization.map(|header| header.expose());
            Some(recognize(authorization, gate, now)?)
        }
    };
    let row = row.ok_or(Denial::Operation)?;
    call.notes.operation = Some(row.method);
    if row.hands_out.is_some() {
        call.own_origin = head.origin.to_owned();
    }
    let within = within(protocol, head)?;
    call.deadline = Deadline::new(call.deadline.begun(), within);
    let request = RpcRequest {
        row,
        protocol,
        within,
    };
    let grpc_encoding = head.headers.names().has("grpc-encoding");
    let grpc_encoding = grpc_encoding.then(|| head.headers.value("grpc-encoding"));
    identified(
        (call, gate, now),
        head,
        shown,
        move |call, gate, now, recognized| {
            let at = (call, gate, now);
            match recognized {
                Some(Recognized::Person(person)) => request.of_person(at, person),
                Some(Recognized::Ours(presented)) => {
                    request.opened(at, Some(presented), grpc_encoding)
                }
                None => request.opened(at, None, grpc_encoding),
            }
        },
    )
}

/// The run that a call names.
enum Run {
    Open,
    Unknown(RunId),
    Known(Rc<RunFacts>, Option<WorkflowId>),
}

type At<'a> = (&'a mut Call, &'a mut Gate, Timestamp);

impl RpcRequest {
    /// Goes on once the credential is one of ours, up to the body.
    fn opened(
        self,
        (call, gate, _): At<'_>,
        presented: Option<Presented>,
        grpc_encoding: Option<Option<String>>,
    ) -> Result<Next> {
        call.shown = presented.as_ref().and_then(Presented::token);
        let config = gate.config();
        if matches!(self.row.access, Access::Person | Access::Closed) {
            // Refused to every token, whatever it says.
            let discard = Discard {
                limit: MAX_DISCARDED,
                within_ms: DISCARD_TIME_MS,
            };
            let gone = move |call: &mut Call, gate: &mut Gate, now, ()| {
                self.allowed((call, gate, now), presented, Content::unread())
            };
            return Ok(Next::Discard(Pending::new(discard, gone)));
        }
        let limit = grpc_web::max_body(self.row);
        call.kept.fits(limit)?;
        let reading = Reading {
            row: self.row,
            protocol: self.protocol,
            needs_all: config.is_asserted() || self.row.is_governed(),
        };
        let body = Body {
            limit,
            window: reading.window(),
            within_ms: TIME_LIMIT_MS,
            too_large: |limit| Error::BodyTooLarge { limit },
        };
        let here = move |call: &mut Call, gate: &mut Gate, now, arrived: Arrived| {
            let content = Content::read(arrived, reading, &call.kept);
            let content = content.map_err(|error| match error {
                Unreadable::Frame(FrameError::Compressed) => Error::Compressed {
                    coding: grpc_encoding
                        .flatten()
                        .map(|coding| coding::display_name(coding.trim_ascii())),
                },
                Unreadable::Frame(error) => Error::invalid("body_unreadable", error.to_string()),
                Unreadable::Coded(error) => error,
            })?;
            self.allowed((call, gate, now), presented, content)
        };
        Ok(Next::Body(Pending::new(body, here)))
    }

    /// Goes on with the body here: at once where the call is open to everybody.
    fn allowed(
        self,
        (call, gate, now): At<'_>,
        presented: Option<Presented>,
        content: Content,
    ) -> Result<Next> {
        let Some(presented) = presented else {
            let permit = pass(Operation::Rpc(self.row))?;
            let sending = Sending::open(permit);
            return self.go((call, gate, now), sending, content);
        };
        let about = match self.row.identity.workflow {
            Some(_) => About::Workflow,
            None => About::Nothing,
        };
        let first = (content.length, about, Purpose::Forward);
        let at = (call, gate, now);
        vouch::first(at, presented, first, move |call, gate, now, vouched| {
            self.recognize((call, gate, now), about, vouched, content)
        })
    }

    /// Reads what the message is about, and finds out who is calling.
    fn recognize(
        self,
        (call, gate, now): At<'_>,
        about: About,
        vouched: Vouched,
        content: Content,
    ) -> Result<Next> {
        let known = move |call: &mut Call, gate: &mut Gate, now, found: Option<Found>, content| {
            let identified = found.as_ref().map(Found::identified);
            if self.row.hands_out.is_some() {
                call.subject = identified.as_ref().map(Subject::of);
            }
            let run = match &identified {
                Some(identified) => run_id(self.row, identified)?,
                None => None,
            };
            let names = identified.map(|found| OwnedNames::from(found.names));
            let names = names.unwrap_or_default();
            let about = run.map_or(about, About::Run);
            let upstream = self.upstream_names(gate, &names);
            let at = (call, gate, now);
            vouched.about(at, (about, upstream), move |call, gate, now, admitted| {
                call.notes.caller = Some((admitted.caller.clone(), now));
                let run = match (run, &admitted.run) {
                    (None, _) => Run::Open,
                    (Some(id), None) => Run::Unknown(id),
                    (Some(_), Some(run)) => Run::Known(Rc::clone(run), admitted.pin),
                };
                self.decide((call, gate, now), (names, run), admitted, content)
            })
        };
        content.identify(self.row, (call, gate, now), known)
    }

    /// Decides on the call (R30). Once nothing else speaks against it, the origin is asked with the
    /// caller's own credential what only it knows: a run that the gateway does not know (R32), and
    /// whether the workflow that is named is still the token's.
    fn decide(
        self,
        (call, gate, now): At<'_>,
        (names, run): (OwnedNames, Run),
        admitted: Admitted,
        content: Content,
    ) -> Result<Next> {
        let wanted = self.upstream_names(gate, &names);
        let is_own = !gate.config().is_upstream();
        match (self.decided(&names, &run, (&admitted, is_own)), run) {
            (Err(Denial::UnknownRun), Run::Unknown(id)) => {
                let caller = admitted.caller.clone();
                let at = (call, gate, now);
                choose(
                    at,
                    wanted.clone(),
                    None,
                    admitted,
                    move |call, gate, now, admitted| {
                        upstream::can_ask(call)?;
                        let at = (call, gate, now);
                        runs::look_up(at, id, &caller, move |call, gate, now, found| {
                            let (run, pin) = found.ok_or(Denial::UnknownRun)?;
                            let known = Run::Known(Rc::clone(&run), pin);
                            let permit = self.decided(&names, &known, (&admitted, is_own))?;
                            let sending =
                                Sending::new(call, self.row, permit, (&names, &admitted))?;
                            let at = (call, gate, now);
                            choose(
                                at,
                                wanted,
                                Some(&run),
                                admitted,
                                move |call, gate, now, _| {
                                    self.go((call, gate, now), sending, content)
                                },
                            )
                        })
                    },
                )
            }
            (decided, run) => {
                let sending = Sending::new(call, self.row, decided?, (&names, &admitted))?;
                let names_workflow = self.row.identity.workflow.is_some();
                let is_confirmed = matches!(run, Run::Open) && names_workflow;
                let known = match &run {
                    Run::Known(run, _) => Some(run.as_ref()),
                    Run::Open | Run::Unknown(_) => None,
                };
                let at = (call, gate, now);
                choose(
                    at,
                    wanted,
                    known,
                    admitted,
                    move |call, gate, now, admitted| {
                        let at = (call, gate, now);
                        if !is_confirmed {
                            return self.go(at, sending, content);
                        }
                        let confirmed = move |call: &mut Call, gate: &mut Gate, now| {
                            self.go((call, gate, now), sending, content)
                        };
                        pins::confirm(at, &admitted.caller, admitted.pin, confirmed)
                    },
                )
            }
        }
    }

    fn decided(
        self,
        names: &OwnedNames,
        run: &Run,
        (admitted, own_credential): (&Admitted, bool),
    ) -> core::result::Result<Permit, Denial> {
        let run = match run {
            Run::Open => RunNamed::Open,
            Run::Unknown(_) => RunNamed::Unknown,
            Run::Known(run, pin) => RunNamed::Known { run, pin: *pin },
        };
        let target = Target::Call {
            names: &names.as_call_names(),
            run,
            own_credential,
        };
        decide(&admitted.caller, Operation::Rpc(self.row), target)
    }

    /// The names by which the upstream credential is chosen. What manages the origin's own tokens goes
    /// with the organization's: a project's could make none.
    fn upstream_names(self, gate: &Gate, names: &OwnedNames) -> UpstreamNames {
        match self.row.own_token {
            Some(_) => UpstreamNames::default(),
            None => UpstreamNames::of_call(gate, || names.as_call_names()),
        }
    }
}

/// Puts the upstream credential of what the call is about into it, where calls are sent on with one.
fn choose(
    at: At<'_>,
    names: UpstreamNames,
    run: Option<&RunFacts>,
    admitted: Admitted,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Admitted) -> Result<Next> + 'static,
) -> Result<Next> {
    upstream::choose(at, admitted, |scope| names.wanted(scope, run), then)
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

fn not_spoken(unspoken: Unspoken) -> Error {
    match unspoken {
        Unspoken::Grpc => Error::NativeGrpc,
        Unspoken::ConnectJson => Error::ConnectJson,
        Unspoken::ConnectStream => Error::MediaType {
            expected: connect::PROTO,
        },
        Unspoken::Other => Error::MediaType {
            expected: "application/grpc-web+proto",
        },
    }
}
