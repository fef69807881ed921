//! A request on its whole way: the bytes that came, the world that they met, and what became of
//! them.

use postern_domain::route::Route;

use super::World;
use crate::error::Error;
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
        true => world.gate.borrow_mut().open(&sent.head(), now, &ENTROPY),
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
        Head {
            method: self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            request_id: "r1",
        }
    }
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
                        false => Ok(self.sent.body.clone()),
                    };
                    self.resume(ask, body)
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
                Step::Pass(pass) => {
                    let reply = self.reply.unwrap_or(Answer::ended(2));
                    let headers = pass.headers.applied(&reply.headers);
                    let (status, body) = match pass.made {
                        Made::AsItCame => (reply.status, reply.body),
                        Made::Anew { status, body } => (status, body),
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
        }
    }

    fn keep(&mut self, answered: Result<Answer, Outage>) -> Result<Reply, Outage> {
        let answer = answered?;
        let reply = Reply::read(answer.status, &answer.headers);
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
