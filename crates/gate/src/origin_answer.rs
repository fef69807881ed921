//! The origin's answer: whether it is readable, what the gateway learns from it, and what the client
//! gets of it.

use std::rc::Rc;

use postern_domain::route::{Answers, Route};
use postern_domain::time::Timestamp;
use postern_ledger::Purpose;
use postern_wire::answering::{AnswerForm, AnswerMeta, plan};
use postern_wire::connect;
use postern_wire::grpc_answer::{self, Ending};
use postern_wire::grpc_web::{Encoding, encode_message};
use postern_wire::headers::Plan;

use crate::Gate;
use crate::admission::{About, Sought, admit};
use crate::artifacts::Issuing;
use crate::ask::Pending;
use crate::call::{Call, Made, Next};
use crate::credential::{Presented, present};
use crate::ending;
use crate::error::Result;
use crate::lookup::read;
use crate::patience::Patience;
use crate::question::Content;
use crate::reply::{MAX_ANSWER, Reply, RpcAnswer, foreign};
use crate::runs::{self, Naming};
use crate::upstream;

/// Headers that say something of a content, or of an ending, that is not passed on.
const OF_CONTENT: [&str; 4] = [
    "content-encoding",
    "content-length",
    "grpc-encoding",
    "grpc-status-details-bin",
];

/// What is known of a call whose answer is awaited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AwaitedReply {
    pub asked_at: Timestamp,
    pub patience: Patience,
}

/// What is expected of the answer to an RPC, besides an answer.
pub(crate) enum Expected {
    Nothing,
    /// A run, which is known here before anybody has it.
    Run(Naming),
    /// An artifact credential, which the Ledger knows of before anybody has it.
    Credential(Issuing),
}

impl Expected {
    /// Whether the answer is read.
    pub fn is_read(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

type At<'a> = (&'a mut Call, &'a mut Gate, Timestamp);

impl AwaitedReply {
    /// Takes the answer to an RPC.
    pub fn rpc(
        self,
        (call, gate, now): At<'_>,
        reply: Reply,
        expected: Expected,
        is_connect: bool,
    ) -> Result<Next> {
        let waited = self.note(call, now, &reply);
        upstream::accepted((call, gate, now), reply.status)?;
        let mut reply = reply.of_rpc()?;
        if let Some(ending) = &mut reply.ending {
            reply.is_redacted = upstream::ended((call, gate, now), ending)?;
        }
        // A caller that waits for so long only gets what is awaited here (see `finish`), so that its
        // ending can be looked at.
        let is_awaited = call.upstream.is_some() && self.patience.callers;
        if !expected.is_read() && !is_connect && !is_awaited {
            return self.finish((call, gate, now), (reply, None), waited, is_connect);
        }
        read(
            (call, gate, now),
            reply,
            self.patience,
            move |call, gate, now, mut reply, mut answer| {
                reply.is_redacted |= upstream::ended((call, gate, now), &mut answer.ending)?;
                let at = (call, gate, now);
                match (expected, &answer.message, answer.ending.status) {
                    (Expected::Run(naming), Some(message), 0) => {
                        let learned = runs::learn(naming, message)?;
                        learned.then(at, move |call, gate, now| {
                            let at = (call, gate, now);
                            self.finish(at, (reply, Some(answer)), waited, is_connect)
                        })
                    }
                    (Expected::Credential(issuing), Some(message), 0) => {
                        let message = message.clone();
                        issuing.then(at, &message, move |call, gate, now, other| {
                            let at = (call, gate, now);
                            let Some(other) = other else {
                                return self.finish(at, (reply, Some(answer)), waited, is_connect);
                            };
                            answer.message = Some(other);
                            self.rewritten(at, (reply, answer), waited, is_connect)
                        })
                    }
                    // A content could follow that nobody has read.
                    (Expected::Credential(_), Some(_), _) => {
                        Err(foreign("a refusal with a message"))
                    }
                    (Expected::Credential(_), None, 0) => {
                        Err(foreign("a successful answer without a message"))
                    }
                    _ => self.finish(at, (reply, Some(answer)), waited, is_connect),
                }
            },
        )
    }

    /// The answer with another message than the origin's, in the protocol of the caller.
    fn rewritten(
        self,
        (call, gate, now): At<'_>,
        (reply, answer): (Reply, RpcAnswer),
        waited: i64,
        is_connect: bool,
    ) -> Result<Next> {
        let timing = timing(call, now, waited);
        if is_connect {
            return self.in_connect((call, gate, now), &reply, answer, timing.as_deref());
        }
        let message = answer.message.as_deref().unwrap_or_default();
        let encoding = Encoding::of(&reply.media).unwrap_or(Encoding::Binary);
        let body = grpc_answer::write(message, &answer.ending).map_err(|_| foreign("too long"))?;
        let mut headers = headers(call, &reply, AnswerForm::AsItCame, timing.as_deref());
        for name in OF_CONTENT {
            headers.drop(&reply.names, name);
        }
        let made = Made::Anew {
            status: 200,
            body: encoding.encode(body),
        };
        Ok(Next::Pass(made, headers))
    }

    /// The answer as the client reads it: as it came, or in Connect. `answer` = what has been read of
    /// it.
    pub fn finish(
        self,
        (call, gate, now): At<'_>,
        (reply, answer): (Reply, Option<RpcAnswer>),
        waited: i64,
        is_connect: bool,
    ) -> Result<Next> {
        let timing = timing(call, now, waited);
        match (is_connect, answer) {
            (true, Some(answer)) => {
                self.in_connect((call, gate, now), &reply, answer, timing.as_deref())
            }
            (false, answer) if reply.is_redacted => {
                let ending = answer
                    .map(|answer| answer.ending)
                    .or_else(|| reply.ending.clone());
                Ok(self.anew(call, &reply, &ending.unwrap_or_default(), timing.as_deref()))
            }
            // The runtime passes content on without a timer. Where the caller waits for so long only,
            // it is awaited here, and passes as it came.
            (_, None) if self.patience.callers => {
                let content = Content {
                    limit: MAX_ANSWER,
                    patience: self.patience,
                };
                let here = move |call: &mut Call, _: &mut Gate, _, _: Vec<u8>| {
                    Ok(self.as_it_came(call, &reply, AnswerForm::AsItCame, timing.as_deref()))
                };
                Ok(Next::Content(Pending::new(content, here)))
            }
            (_, _) => Ok(self.as_it_came(call, &reply, AnswerForm::AsItCame, timing.as_deref())),
        }
    }

    fn as_it_came(
        self,
        call: &Call,
        reply: &Reply,
        form: AnswerForm<'_>,
        timing: Option<&str>,
    ) -> Next {
        Next::Pass(Made::AsItCame, headers(call, reply, form, timing))
    }

    /// A refusal without a content, its status and message in the head: as it came but for a text
    /// that nobody is to have.
    fn anew(self, call: &Call, reply: &Reply, ending: &Ending, timing: Option<&str>) -> Next {
        let mut headers = headers(call, reply, AnswerForm::AsItCame, timing);
        for name in OF_CONTENT {
            headers.drop(&reply.names, name);
        }
        headers.set("grpc-status", ending.status.to_string());
        headers.set("grpc-message", encode_message(&ending.message));
        let made = Made::Anew {
            status: 200,
            body: Vec::new(),
        };
        Next::Pass(made, headers)
    }

    /// The bare message with trailers as headers, or the error as JSON.
    fn in_connect(
        self,
        (call, _, _): At<'_>,
        reply: &Reply,
        answer: RpcAnswer,
        timing: Option<&str>,
    ) -> Result<Next> {
        let RpcAnswer { message, ending } = answer;
        let headers = headers(call, reply, AnswerForm::Connect(&ending), timing);
        let (status, body) = match ending.status {
            0 => {
                let missing = || foreign("a successful answer without a message");
                (200, message.ok_or_else(missing)?)
            }
            failed => {
                let (status, json) = connect::error(failed, &ending.message, &ending.details);
                (status, json.into_bytes())
            }
        };
        Ok(Next::Pass(Made::Anew { status, body }, headers))
    }

    /// Takes the answer to a REST request. Where the body was streamed, the credential is checked
    /// once more: if its token was revoked meanwhile, the caller does not get the answer.
    pub fn route(
        self,
        (call, gate, now): At<'_>,
        reply: Reply,
        route: &'static Route,
    ) -> Result<Next> {
        let waited = self.note(call, now, &reply);
        upstream::accepted((call, gate, now), reply.status)?;
        let pass = move |call: &mut Call, _: &mut Gate, now: Timestamp| {
            let reply = reply.of_route(route, &call.own_origin)?;
            let timing = timing(call, now, waited);
            let mut plan = headers(call, &reply, AnswerForm::Route, timing.as_deref());
            // Tokens and credentials are in such addresses.
            if route.answers == Answers::Elsewhere || route.answers.signs_in() {
                plan.set("cache-control", "no-store");
                plan.set("referrer-policy", "no-referrer");
            }
            for cookie in reply.cookies(route, &call.own_origin) {
                plan.append.push(("set-cookie".to_owned(), cookie));
            }
            let passed = Next::Pass(Made::AsItCame, plan);
            if call.upstream.is_none() || reply.status < 400 {
                return Ok(passed);
            }
            let content = Content {
                limit: MAX_ANSWER,
                patience: self.patience,
            };
            let here = move |call: &mut Call, _: &mut Gate, _, bytes: Vec<u8>| {
                upstream::repeated(call, &bytes)?;
                Ok(passed)
            };
            Ok(Next::Content(Pending::new(content, here)))
        };
        if !route.stream {
            return pass(call, gate, now);
        }
        let presented = match &call.job {
            Some(job) => Presented::Job(Rc::clone(job)),
            None => {
                let authorization = call.kept.authorization.as_ref();
                let authorization = authorization.map(|header| header.expose());
                present(authorization, &gate.config(), now)?
            }
        };
        let presented = Rc::new(presented);
        let at = (call, gate, now);
        let still = move |call: &mut Call, gate: &mut Gate, now, _| pass(call, gate, now);
        let sought = Sought {
            about: About::Nothing,
            purpose: Purpose::Look,
            names: None,
        };
        admit(at, &presented, sought, still)
    }

    /// Notes the answer for the log, and tells for how many milliseconds it was waited.
    pub fn note(self, call: &mut Call, now: Timestamp, reply: &Reply) -> i64 {
        let waited = now.since(self.asked_at);
        call.notes.origin = Some((reply.status, waited));
        waited
    }
}

fn headers(call: &Call, reply: &Reply, form: AnswerForm<'_>, timing: Option<&str>) -> Plan {
    let meta = timing.map(|timing| AnswerMeta {
        request_id: &call.kept.request_id,
        timing,
    });
    let mut headers = plan(&reply.names, &reply.media, form, meta);
    // Once the caller is known, by the moment at which that was.
    if let Some((caller, at)) = &call.notes.caller
        && let Some(end) = ending::near(caller, *at)
    {
        headers.set(ending::TOKEN_EXPIRES, end);
    }
    headers
}

/// `Server-Timing`: the gateway's own milliseconds, and those for the origin; `None` where answers
/// carry nothing of the gateway's.
fn timing(call: &Call, now: Timestamp, waited: i64) -> Option<String> {
    let own = now.since(call.deadline.begun()).saturating_sub(waited);
    call.answer_headers
        .then(|| format!("gate;dur={own}, origin;dur={waited}"))
}
