//! One call for the origin on its way through the gateway: what it keeps between questions, the
//! steps that it takes, and its two ways in, RPCs and REST routes.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;
use postern_domain::upstream::Reach;
use postern_wire::address::Unread;
use postern_wire::headers::Plan;
use postern_wire::protocol::{Protocol, Unspoken};
use postern_wire::rest::RouteMatch;

use crate::Gate;
use crate::activity::{Ended, KnownToken};
use crate::admission::Asks;
use crate::artifacts::{Digest, Subject};
use crate::ask::{Ask, Machine, Pending};
use crate::error::{Error, Result};
use crate::head::{Entropy, Head, KeptHead};
use crate::job_bearer::{Identify, JobBearer};
use crate::own_tokens::{Attempt, Reserve, Settle};
use crate::patience::Deadline;
use crate::question::{
    Admit, Bind, Body, Content, Count, Discard, Download, Find, Forward, Lookup, Record, Stream,
    Window,
};
use crate::upstream::Upstream;
use crate::{rest, rpc};

/// What a call needs next, or how it ended.
#[derive(Debug)]
#[must_use = "a call that is not driven to its end has no answer"]
pub enum Step {
    /// See [`Body`].
    Body(Ask<Body>),
    /// See [`Window`].
    Window(Ask<Window>),
    /// See [`Discard`].
    Discard(Ask<Discard>),
    /// See [`Stream`].
    Stream(Ask<Stream>),
    /// See [`Find`].
    Find(Ask<Find>),
    /// See [`Admit`].
    Admit(Ask<Admit>),
    /// See [`Bind`].
    Bind(Ask<Bind>),
    /// See [`Lookup`].
    Lookup(Ask<Lookup>),
    /// See [`Forward`].
    Forward(Ask<Forward>),
    /// The content of what answered the last [`Step::Lookup`] or [`Step::Forward`].
    Content(Ask<Content>),
    /// See [`Count`].
    Count(Ask<Count>),
    /// See [`Identify`].
    Identify(Ask<Identify>),
    /// See [`Reserve`].
    Reserve(Ask<Reserve>),
    /// See [`Settle`].
    Settle(Ask<Settle>),
    /// See [`Attempt`].
    Attempt(Ask<Attempt>),
    /// See [`Record`].
    Record(Ask<Record>),
    /// See [`Download`].
    Download(Ask<Download>),
    /// The end: the client gets the origin's answer.
    Pass(Pass),
    /// The end: the client gets a refusal.
    Refuse(Refusal),
}

/// What is next for a call, before it is a step.
pub enum Next {
    /// A question, as in [`Step`].
    Body(Pending<Body, Self>),
    /// A question, as in [`Step`].
    Window(Pending<Window, Self>),
    /// A question, as in [`Step`].
    Discard(Pending<Discard, Self>),
    /// A question, as in [`Step`].
    Stream(Pending<Stream, Self>),
    /// A question, as in [`Step`].
    Find(Pending<Find, Self>),
    /// A question, as in [`Step`].
    Admit(Pending<Admit, Self>),
    /// A question, as in [`Step`].
    Bind(Pending<Bind, Self>),
    /// A question, as in [`Step`].
    Lookup(Pending<Lookup, Self>),
    /// A question, as in [`Step`].
    Forward(Pending<Forward, Self>),
    /// A question, as in [`Step`].
    Content(Pending<Content, Self>),
    /// A question, as in [`Step`].
    Count(Pending<Count, Self>),
    /// A question, as in [`Step`].
    Identify(Pending<Identify, Self>),
    /// A question, as in [`Step`].
    Reserve(Pending<Reserve, Self>),
    /// A question, as in [`Step`].
    Settle(Pending<Settle, Self>),
    /// A question, as in [`Step`].
    Attempt(Pending<Attempt, Self>),
    /// A question, as in [`Step`].
    Record(Pending<Record, Self>),
    /// A question, as in [`Step`].
    Download(Pending<Download, Self>),
    /// The end.
    Pass(Made, Plan),
}

/// What the client gets of an answer's status and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// Both as they came.
    AsItCame,
    /// These.
    Anew {
        /// HTTP's.
        status: u16,
        /// The whole content.
        body: Vec<u8>,
    },
    /// What answered the last [`Step::Download`], under 200, as long as it can be the artifact of this
    /// digest (`artifacts::Checking`); then the answer is broken off. No header passes but those of
    /// the plan.
    Artifact(Digest),
}

/// An answer for the client.
#[derive(Debug)]
pub struct Pass {
    /// Its status and content.
    pub made: Made,
    /// What becomes of the origin's headers.
    pub headers: Plan,
    /// For the log.
    pub notes: Notes,
}

/// A refusal, and the form in which it is written.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub error: Error,
    /// How it is written.
    pub form: RefusalForm,
    /// For the log.
    pub notes: Notes,
}

/// How a refusal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalForm {
    /// As a problem document.
    Problem,
    /// In gRPC, under this media type.
    Grpc(&'static str),
    /// In Connect.
    Connect,
}

impl RefusalForm {
    /// The form that a caller of an RPC reads, by the `Content-Type` of its request: a problem
    /// document where it speaks no protocol of ours.
    pub fn of(content_type: &str) -> Self {
        match Protocol::of(content_type) {
            Ok(Protocol::GrpcWeb(encoding)) => Self::Grpc(encoding.content_type()),
            Err(Unspoken::Grpc) => Self::Grpc("application/grpc"),
            Ok(Protocol::Connect) | Err(Unspoken::ConnectJson | Unspoken::ConnectStream) => {
                Self::Connect
            }
            Err(Unspoken::Other) => Self::Problem,
        }
    }
}

/// What the log tells of a call.
#[derive(Debug, Default)]
pub struct Notes {
    /// Which call or route.
    pub operation: Option<&'static str>,
    /// Who called, and when that was known.
    pub caller: Option<(Caller, Timestamp)>,
    /// The origin's status, and after how many milliseconds it came.
    pub origin: Option<(u16, i64)>,
    /// Why the client's address could not be read.
    pub unread: Option<Unread>,
}

/// What lives as long as the call.
#[derive(Debug)]
pub struct Call {
    pub(crate) kept: KeptHead,
    pub(crate) notes: Notes,
    pub(crate) deadline: Deadline,
    pub(crate) assertions: [[u8; 16]; 2],
    /// The token that its credential says it is, once that has passed its offline check.
    pub(crate) shown: Option<TokenId>,
    /// The token of its credential, once the Ledger has said that it is one.
    pub(crate) token: Option<KnownToken>,
    /// What goes to the origin in place of the caller's credential, once it was chosen.
    pub(crate) upstream: Option<Rc<Upstream>>,
    /// What none is set for, where none was found.
    pub(crate) upstream_unset: Option<Reach>,
    /// `Cookie` for the origin: of a sign-in under way, and of nothing else.
    pub(crate) cookies: Option<String>,
    /// What an artifact credential in the answer is for, and where the gateway is, as its caller
    /// knows it: of calls that have one only.
    pub(crate) subject: Option<Subject>,
    pub(crate) own_origin: String,
    /// The job token that is its credential, which does not go on.
    pub(crate) job: Option<Rc<JobBearer>>,
    /// Whether its credential came in the query.
    pub(crate) is_from_query: bool,
    form: RefusalForm,
    /// Whether a refused credential is to be counted.
    counts: bool,
    /// Whether the answer carries headers of the gateway's own.
    pub(crate) answer_headers: bool,
}

impl Machine for Next {
    type Call = Call;
    type Step = Step;

    fn step(mut call: Call, next: Result<Self>, (gate, now): (&mut Gate, Timestamp)) -> Step {
        match next {
            Ok(Self::Body(pending)) => Step::Body(pending.of(call)),
            Ok(Self::Window(pending)) => Step::Window(pending.of(call)),
            Ok(Self::Discard(pending)) => Step::Discard(pending.of(call)),
            Ok(Self::Stream(pending)) => Step::Stream(pending.of(call)),
            Ok(Self::Find(pending)) => Step::Find(pending.of(call)),
            Ok(Self::Admit(pending)) => Step::Admit(pending.of(call)),
            Ok(Self::Bind(pending)) => Step::Bind(pending.of(call)),
            Ok(Self::Lookup(pending)) => Step::Lookup(pending.of(call)),
            Ok(Self::Forward(pending)) => Step::Forward(pending.of(call)),
            Ok(Self::Content(pending)) => Step::Content(pending.of(call)),
            Ok(Self::Count(pending)) => Step::Count(pending.of(call)),
            Ok(Self::Identify(pending)) => Step::Identify(pending.of(call)),
            Ok(Self::Reserve(pending)) => Step::Reserve(pending.of(call)),
            Ok(Self::Settle(pending)) => Step::Settle(pending.of(call)),
            Ok(Self::Attempt(pending)) => Step::Attempt(pending.of(call)),
            Ok(Self::Record(pending)) => Step::Record(pending.of(call)),
            Ok(Self::Download(pending)) => Step::Download(pending.of(call)),
            Ok(Self::Pass(made, headers)) => {
                call.ended(Ended::Allowed, (gate, now));
                Step::Pass(Pass {
                    made,
                    headers,
                    notes: call.notes,
                })
            }
            Err(error) => match call.counted(&error) {
                Some(count) => Step::Count(Pending::new(count, |_, _, _, ()| Err(error)).of(call)),
                None => {
                    call.refused(&error, (gate, now));
                    Step::Refuse(Refusal {
                        error,
                        form: call.form,
                        notes: call.notes,
                    })
                }
            },
        }
    }
}

impl Call {
    fn new(head: &Head<'_>, entropy: &Entropy, gate: &Gate, now: Timestamp) -> Self {
        let kept = KeptHead::new(head, entropy, &gate.config());
        Self {
            notes: Notes {
                unread: kept.unread,
                ..Notes::default()
            },
            kept,
            deadline: Deadline::new(now, None),
            assertions: entropy.assertions,
            shown: None,
            token: None,
            upstream: None,
            upstream_unset: None,
            cookies: None,
            subject: None,
            own_origin: String::new(),
            job: None,
            is_from_query: false,
            form: RefusalForm::Problem,
            counts: false,
            answer_headers: gate.config().answer_headers,
        }
    }

    /// The question to count a refused credential that could be a guess, once for a call.
    fn counted(&mut self, error: &Error) -> Option<Count> {
        let cause = error.guessed()?;
        core::mem::take(&mut self.counts).then(|| Count {
            bucket: self.kept.bucket(),
            cause,
        })
    }
}

impl Asks for Next {
    fn find(pending: Pending<Find, Self>) -> Self {
        Self::Find(pending)
    }

    fn admit(pending: Pending<Admit, Self>) -> Self {
        Self::Admit(pending)
    }

    fn bind(pending: Pending<Bind, Self>) -> Self {
        Self::Bind(pending)
    }

    fn known(call: &mut Call, token: KnownToken) {
        call.token = Some(token);
    }

    fn address(call: &Call) -> Option<core::net::IpAddr> {
        call.kept.address
    }
}

impl Gate {
    /// Begins a call below the origin's prefix: gRPC-Web or Connect.
    pub fn open(&mut self, head: &Head<'_>, now: Timestamp, entropy: &Entropy) -> Step {
        let mut call = Call::new(head, entropy, self, now);
        call.form = RefusalForm::of(&call.kept.content_type);
        call.counts = true;
        let next = rpc::open(&mut call, self, now, head);
        Next::step(call, next, (self, now))
    }

    /// Begins a REST request; `None` when it is for no route.
    pub fn open_route(
        &mut self,
        head: &Head<'_>,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Option<Step> {
        let verb = postern_wire::method::effective(head.method);
        let found = rest::find(verb, head.path, &self.config());
        self.open_found(found, head, now, entropy)
    }

    /// Begins a REST request for what a table has for it.
    pub(crate) fn open_found(
        &mut self,
        found: RouteMatch,
        head: &Head<'_>,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Option<Step> {
        if found == RouteMatch::Nothing {
            return None;
        }
        let mut call = Call::new(head, entropy, self, now);
        let next = match found {
            RouteMatch::Nothing => return None,
            RouteMatch::OtherMethod { allow } => Err(Error::MethodNotAllowed { allow }),
            RouteMatch::Route(route, parameters) => {
                call.notes.operation = Some(route.name);
                call.counts = true;
                rest::open((&mut call, self, now), route, parameters, head)
            }
        };
        Some(Next::step(call, next, (self, now)))
    }
}
