//! The origin's answer: whether it is readable, what the gateway learns from it, and what the client
//! gets of it.

use std::rc::Rc;

use postern_domain::route::Route;
use postern_domain::time::Timestamp;
use postern_ledger::Purpose;
use postern_wire::answering::{AnswerForm, AnswerMeta, plan};
use postern_wire::connect;
use postern_wire::headers::Plan;

use crate::Gate;
use crate::admission::{About, admit};
use crate::ask::Pending;
use crate::call::{Call, Made, Next};
use crate::credential::present;
use crate::error::Result;
use crate::lookup::read;
use crate::patience::Patience;
use crate::question::Content;
use crate::reply::{MAX_ANSWER, Reply, RpcAnswer, foreign};
use crate::runs::{self, Naming};

/// What is known of a call whose answer is awaited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AwaitedReply {
    pub asked_at: Timestamp,
    pub patience: Patience,
}

type At<'a> = (&'a mut Call, &'a mut Gate, Timestamp);

impl AwaitedReply {
    /// Takes the answer to an RPC. The run in it is known here before anybody has it.
    pub fn rpc(
        self,
        (call, gate, now): At<'_>,
        reply: Reply,
        naming: Option<Naming>,
        is_connect: bool,
    ) -> Result<Next> {
        let waited = self.note(call, now, &reply);
        let reply = reply.of_rpc()?;
        let Some(naming) = naming else {
            return self.finish((call, gate, now), (reply, None), waited, is_connect);
        };
        read(
            (call, gate, now),
            reply,
            self.patience,
            move |call, gate, now, reply, answer| {
                let message = match (&answer.message, answer.ending.status) {
                    (Some(message), 0) => message,
                    _ => {
                        return self.finish(
                            (call, gate, now),
                            (reply, Some(answer)),
                            waited,
                            is_connect,
                        );
                    }
                };
                let learned = runs::learn(naming, message)?;
                learned.then((call, gate, now), move |call, gate, now| {
                    self.finish((call, gate, now), (reply, Some(answer)), waited, is_connect)
                })
            },
        )
    }

    /// The answer as the client reads it: as it came, or in Connect. `answer` = what has been read of
    /// it.
    fn finish(
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
            (true, None) => read(
                (call, gate, now),
                reply,
                self.patience,
                move |call, gate, now, reply, answer| {
                    self.in_connect((call, gate, now), &reply, answer, timing.as_deref())
                },
            ),
            // The runtime passes content on without a timer. Where the caller waits for so long only,
            // it is awaited here, and passes as it came.
            (false, None) if self.patience.callers => {
                let content = Content {
                    limit: MAX_ANSWER,
                    patience: self.patience,
                };
                let here = move |call: &mut Call, _: &mut Gate, _, _: Vec<u8>| {
                    Ok(self.as_it_came(call, &reply, AnswerForm::AsItCame, timing.as_deref()))
                };
                Ok(Next::Content(Pending::new(content, here)))
            }
            (false, _) => {
                Ok(self.as_it_came(call, &reply, AnswerForm::AsItCame, timing.as_deref()))
            }
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
        let pass = move |call: &mut Call, _: &mut Gate, now: Timestamp| {
            let reply = reply.of_route(route)?;
            let timing = timing(call, now, waited);
            Ok(self.as_it_came(call, &reply, AnswerForm::Route, timing.as_deref()))
        };
        if !route.stream {
            return pass(call, gate, now);
        }
        let config = gate.config();
        let authorization = call.kept.authorization.as_ref();
        let authorization = authorization.map(|header| header.expose());
        let presented = Rc::new(present(authorization, &config, now)?);
        let at = (call, gate, now);
        let still = move |call: &mut Call, gate: &mut Gate, now, _| pass(call, gate, now);
        admit(at, &presented, About::Nothing, Purpose::Look, still)
    }

    fn note(self, call: &mut Call, now: Timestamp, reply: &Reply) -> i64 {
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
    plan(&reply.names, &reply.media, form, meta)
}

/// `Server-Timing`: the gateway's own milliseconds, and those for the origin; `None` where answers
/// carry nothing of the gateway's.
fn timing(call: &Call, now: Timestamp, waited: i64) -> Option<String> {
    let own = now.since(call.deadline.begun()).saturating_sub(waited);
    call.answer_headers
        .then(|| format!("gate;dur={own}, origin;dur={waited}"))
}
