//! A request on its whole way: the bytes that came, the world that they met, and what became of
//! them.

use std::collections::BTreeSet;

use postern_domain::route::Route;
use postern_domain::time::Timestamp;

use super::World;
use crate::error::Error;
use crate::lines::{Lines, READ_OF_ANSWERS, READ_OF_CALLS};
use crate::own_tokens::Attempted;
use crate::patience::Patience;
use crate::question::{Arrived, Window};
use crate::{Ask, Entropy, Head, Made, Outage, Outbound, Outgoing, Question, Reply, Step};

type Headers = Vec<(String, String)>;

/// A request as it arrives.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: &'static str,
    pub path: String,
    pub query: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// What the origin saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: &'static str,
    pub target: String,
    pub headers: Headers,
    /// `None` where it streams.
    pub body: Option<Vec<u8>>,
    /// How long the answer may take.
    pub patience: Patience,
}

/// What the client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// What became of a request.
#[derive(Debug)]
pub struct Outcome {
    pub got: Result<Got, Error>,
    /// The call itself, where it went to the origin, and the calls of the gateway's own.
    pub forwarded: Option<Seen>,
    pub lookups: Vec<Seen>,
}

impl Outcome {
    /// The code of the refusal; `allowed` where there is none.
    pub fn verdict(&self) -> &'static str {
        match &self.got {
            Ok(_) => "allowed",
            Err(error) => error.code(),
        }
    }
}

/// An answer of the origin.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// A header.
pub fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Frames of gRPC-Web.
pub fn frame(flag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    [&[flag][..], &length, content].concat()
}

impl Answer {
    /// An RPC that went well, with this message.
    pub fn message(message: &[u8]) -> Self {
        Self {
            status: 200,
            headers: vec![header("content-type", "application/grpc-web+proto")],
            body: [frame(0, message), frame(0x80, b"grpc-status:0\r\n")].concat(),
        }
    }

    /// An RPC that ended with this status.
    pub fn ended(status: u32) -> Self {
        Self {
            status: 200,
            headers: vec![
                header("content-type", "application/grpc-web+proto"),
                header("grpc-status", &status.to_string()),
            ],
            body: Vec::new(),
        }
    }
}

impl Sent {
    /// A gRPC-Web call of this path with this message.
    pub fn grpc_web(path: &str, authorization: Option<&str>, message: &[u8]) -> Self {
        let mut headers = vec![header("content-type", "application/grpc-web+proto")];
        headers.extend(authorization.map(|value| header("authorization", value)));
        Self {
            method: "POST",
            path: path.to_owned(),
            query: String::new(),
            headers,
            body: frame(0, message),
        }
    }
}

/// What is under way.
struct Drive<'a> {
    world: &'a World,
    sent: &'a Sent,
    reply: Option<Answer>,
    outcome: (Option<Seen>, Vec<Seen>),
}

/// Drives a request to its end: an RPC below the origin's prefix, anything else as REST. `None`
/// where no route is meant.
pub fn drive(world: &World, sent: &Sent) -> Option<Outcome> {
    let now = world.now();
    let is_rpc = sent.path.starts_with(postern_domain::rpc::ORIGIN_PREFIX);
    let step = match is_rpc {
        true => sent.open(world, now),
        false => world
            .gate
            .borrow_mut()
            .open_route(&sent.head(), now, &ENTROPY)?,
    };
    Some(Drive::new(world, sent).finish(step))
}

/// Drives a request for one route, which need not be in any table.
pub fn drive_route(world: &World, sent: &Sent, route: &'static Route) -> Option<Outcome> {
    let found = postern_wire::rest::find([route], sent.method, &sent.path);
    let mut gate = world.gate.borrow_mut();
    let step = gate.open_found(found, &sent.head(), world.now(), &ENTROPY)?;
    drop(gate);
    Some(Drive::new(world, sent).finish(step))
}

/// Chance for one call.
pub const ENTROPY: Entropy = Entropy {
    trace: [0xab; 24],
    assertions: [[1; 16], [2; 16]],
};

impl Sent {
    /// Its head, as it arrives.
    pub fn head(&self) -> Head<'_> {
        self.head_of(&self.headers)
    }

    fn head_of<'a>(&'a self, headers: &'a dyn postern_wire::headers::Headers) -> Head<'a> {
        Head {
            method: self.method,
            path: &self.path,
            query: &self.query,
            origin: "https://gate.example",
            headers,
            request_id: "r1",
        }
    }

    /// Begins a call as the Worker's entry does: of most headers only the names are known.
    fn open(&self, world: &World, now: Timestamp) -> Step {
        let mut gate = world.gate.borrow_mut();
        let trusted = gate.config().trusted_ip_header.clone();
        let is_read = |name: &str| READ_OF_CALLS.contains(&name) || name == trusted;
        let text = written(&self.headers, is_read);
        let lines = Lines::read(text.split('\n'));
        gate.open(&self.head_of(&lines), now, &ENTROPY)
    }
}

/// Headers as the Worker's entry writes them.
fn written(headers: &Headers, is_read: impl Fn(&str) -> bool) -> String {
    use postern_wire::headers::Headers as _;
    let names = headers.names();
    let unique: BTreeSet<&str> = names.iter().collect();
    let line = |name: &str| match is_read(name) {
        true => format!("{name}:{}", headers.value(name).unwrap_or_default()),
        false => name.to_owned(),
    };
    unique.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

impl<'a> Drive<'a> {
    fn new(world: &'a World, sent: &'a Sent) -> Self {
        Self {
            world,
            sent,
            reply: None,
            outcome: (None, Vec::new()),
        }
    }

    fn resume<Q: Question>(&self, ask: Ask<Q>, answer: Result<Q::Answer, Outage>) -> Step {
        ask.answer(&mut self.world.gate.borrow_mut(), self.world.now(), answer)
    }

    fn finish(mut self, mut step: Step) -> Outcome {
        let world = self.world;
        loop {
            world.send_reports();
            step = match step {
                Step::Body(ask) => {
                    world.note("body");
                    let limit = ask.question.limit;
                    let body = match self.sent.body.len() > limit {
                        true => Err(Error::BodyTooLarge { limit }.into()),
                        false => Ok(self.arrived(ask.question.window)),
                    };
                    self.resume(ask, body)
                }
                Step::Window(ask) => {
                    let Window { from, most } = ask.question;
                    let window = self.sent.body.get(from..).expect("a place in the body");
                    let window = window.iter().take(most).copied().collect();
                    self.resume(ask, Ok(window))
                }
                Step::Discard(ask) => {
                    world.note("discard");
                    self.resume(ask, Ok(()))
                }
                Step::Stream(ask) => {
                    world.note("stream");
                    self.resume(ask, Ok(!self.sent.body.is_empty()))
                }
                Step::Find(ask) => {
                    let found = world.find(ask.question.token);
                    self.resume(ask, found)
                }
                Step::Admit(ask) => {
                    let admission = world.admit(&ask.question);
                    self.resume(ask, admission)
                }
                Step::Bind(ask) => {
                    let bound = world.bind(&ask.question);
                    self.resume(ask, bound)
                }
                Step::Lookup(ask) => {
                    world.note(format!("look up {}", ask.question.0.target()));
                    let seen = self.seen(&ask.question.0);
                    self.outcome.1.push(seen);
                    let answered = world.looked_up(&ask.question.0);
                    let reply = self.keep(answered);
                    self.resume(ask, reply)
                }
                Step::Forward(ask) => {
                    world.note("forward");
                    self.outcome.0 = Some(self.seen(&ask.question.0));
                    let answered = world.origin.borrow().clone();
                    let reply = self.keep(answered);
                    self.resume(ask, reply)
                }
                Step::Content(ask) => {
                    let body = self.reply.as_ref().map(|reply| reply.body.clone());
                    self.resume(ask, Ok(body.unwrap_or_default()))
                }
                Step::Count(ask) => {
                    world.note(format!("count {}", ask.question.bucket));
                    self.resume(ask, Ok(()))
                }
                Step::Identify(ask) => {
                    let identified = world.identify(&ask.question);
                    self.resume(ask, identified)
                }
                Step::Reserve(ask) => {
                    let reserved = world.own.reserve(&ask.question);
                    self.resume(ask, reserved)
                }
                Step::Settle(ask) => {
                    let settled = world.own.settle(&ask.question);
                    self.resume(ask, Ok(settled))
                }
                Step::Attempt(ask) => {
                    let seen = self.seen(&ask.question.0);
                    let attempted = self.attempt(world.own.attempt(seen));
                    self.resume(ask, Ok(attempted))
                }
                Step::Record(ask) => {
                    let recorded = world.record(&ask.question);
                    self.resume(ask, recorded)
                }
                Step::Download(ask) => {
                    let fetched = world.fetch(&ask.question);
                    self.resume(ask, fetched)
                }
                Step::Pass(pass) if matches!(pass.made, Made::Artifact(_)) => {
                    let got = world.artifact(&pass);
                    return end(Ok(got), self.outcome);
                }
                Step::Pass(pass) => {
                    let reply = self.reply.unwrap_or(Answer::ended(2));
                    let headers = pass.headers.applied(&reply.headers);
                    let (status, body) = match pass.made {
                        Made::AsItCame => (reply.status, reply.body),
                        Made::Anew { status, body } => (status, body),
                        Made::Artifact(_) => (200, Vec::new()),
                    };
                    let got = Got {
                        status,
                        headers,
                        body,
                    };
                    return end(Ok(got), self.outcome);
                }
                Step::Refuse(refusal) => return end(Err(refusal.error), self.outcome),
            };
        }
    }

    /// The body, or a few of its bytes where not all are wanted, so that the others are asked for.
    fn arrived(&self, window: Option<usize>) -> Arrived {
        let most = window.map_or(usize::MAX, |window| window.min(7));
        Arrived {
            bytes: self.sent.body.iter().copied().take(most).collect(),
            total: self.sent.body.len(),
        }
    }

    fn seen(&self, outbound: &Outbound) -> Seen {
        Seen {
            method: outbound.method(),
            target: outbound.target().to_owned(),
            headers: outbound.headers().applied(&self.sent.headers),
            body: match outbound.body() {
                Outgoing::Nothing => Some(Vec::new()),
                Outgoing::AsItCame => Some(self.sent.body.clone()),
                Outgoing::Made(bytes) => Some(bytes.clone()),
                Outgoing::Stream => None,
            },
            patience: outbound.patience(),
        }
    }

    fn attempt(&mut self, answered: Result<Answer, Outage>) -> Attempted {
        let reply = self.keep(answered)?;
        let content = self.reply.as_ref().map(|reply| reply.body.clone());
        Ok((reply, content.unwrap_or_default()))
    }

    fn keep(&mut self, answered: Result<Answer, Outage>) -> Result<Reply, Outage> {
        let answer = answered?;
        // The driver of routes reads any header.
        let is_rpc = self
            .sent
            .path
            .starts_with(postern_domain::rpc::ORIGIN_PREFIX);
        let is_read = |name: &str| !is_rpc || READ_OF_ANSWERS.contains(&name);
        let text = written(&answer.headers, is_read);
        let reply = Reply::read(answer.status, &Lines::read(text.split('\n')));
        self.reply = Some(answer);
        Ok(reply)
    }
}

fn end(got: Result<Got, Error>, (forwarded, lookups): (Option<Seen>, Vec<Seen>)) -> Outcome {
    Outcome {
        got,
        forwarded,
        lookups,
    }
}
