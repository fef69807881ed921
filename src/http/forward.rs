//! The loop that drives the gateway's machine for a call: it reads, asks, sends and answers as each
//! step says. Decisions are made in `crates/gate`.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{ReadableStream, Request, Response};

use super::answer::pass;
use super::client_address;
use super::download;
use super::finish;
use super::incoming::{Incoming, Rest};
use super::origin::{content, head, send};
use super::own_tokens;
use super::respond::refuse;
use crate::brake;
use crate::leases;
use crate::platform::{Isolated, Platform, now};
use postern_domain::caller::Caller;
use postern_domain::token::TokenFacts;
use postern_gate::job_bearer::Identify;
use postern_gate::own_tokens::{Attempt, Attempted, MAX_TOKEN_ANSWER};
use postern_gate::question::{Arrived, Body, Discard, Window};
use postern_gate::request_log::RequestLog;
use postern_gate::{Ask, Entropy, Head, Made, Notes, Outage, Question, Step};
use postern_registry::api::form;
use postern_registry::body::Upload as _;
use postern_registry::error::Error;
use postern_registry::exchange::{self, Presenting};
use postern_registry::ports::{Facts as _, Ledgers as _};

type JsResponse = Result<Response, JsValue>;

/// Answers a call below the origin's prefix.
pub async fn call(
    incoming: &Incoming,
    gate: &Isolated,
    platform: &Platform,
    log: &mut RequestLog,
) -> JsResponse {
    let step = gate
        .borrow_mut()
        .open(&incoming.head(), now(), &incoming.entropy);
    let drive = Drive::new(incoming, gate, platform);
    drive.finish(step, log).await
}

/// Answers a REST request; `None` when it is for no route.
pub async fn route(
    incoming: &Incoming,
    gate: &Isolated,
    platform: &Platform,
    log: &mut RequestLog,
) -> Option<JsResponse> {
    let step = gate
        .borrow_mut()
        .open_route(&incoming.head(), now(), &incoming.entropy)?;
    let drive = Drive::new(incoming, gate, platform);
    Some(drive.finish(step, log).await)
}

/// A call that the Worker's entry has begun, with what it has of it.
pub struct Resumed {
    pub step: Step,
    pub log: RequestLog,
    pub entropy: Entropy,
    /// Whether the body was read, or tried to be.
    pub is_body_taken: bool,
    pub body: Option<Uint8Array>,
    /// What the origin has answered, and its content, where that has been read.
    pub reply: Option<Response>,
    pub content: Option<Uint8Array>,
}

/// Drives a call to its end that the entry has begun.
pub async fn resume(
    request: Request,
    platform: &Platform,
    gate: &Isolated,
    resumed: Resumed,
) -> JsResponse {
    let mut log = resumed.log;
    let incoming = Incoming::resumed(request, log.request_id.clone(), resumed.entropy);
    if resumed.is_body_taken {
        incoming.leave(Rest::Taken);
    }
    let mut drive = Drive::new(&incoming, gate, platform);
    drive.body = resumed.body;
    drive.reply = resumed.reply;
    drive.content = resumed.content;
    let response = drive.finish(resumed.step, &mut log).await?;
    finish(&incoming, platform, &mut log, response.status()).await;
    Ok(response)
}

/// Answers a call that nobody can go on with. Its body may have been read.
pub async fn lost(request: Request, platform: &Platform, cause: &str) -> JsResponse {
    let incoming = Incoming::read(request)?;
    incoming.leave(Rest::Taken);
    let path = &incoming.path;
    let mut log = RequestLog::begin(&incoming.request_id, &incoming.method, path, now(), |_| {
        true
    });
    let error = Error::unavailable(cause);
    let response = refuse(form(&incoming.request()), &error, &incoming, &mut log)?;
    finish(&incoming, platform, &mut log, response.status()).await;
    Ok(response)
}

/// A call under way, with what the runtime has of it.
struct Drive<'a> {
    incoming: &'a Incoming,
    gate: &'a Isolated,
    platform: &'a Platform,
    /// The request's body, where it has been read.
    body: Option<Uint8Array>,
    /// The request's body, where it goes on as it comes.
    stream: Option<ReadableStream>,
    /// What the origin answered last, and its content, where that has been read.
    reply: Option<Response>,
    content: Option<Uint8Array>,
}

impl<'a> Drive<'a> {
    fn new(incoming: &'a Incoming, gate: &'a Isolated, platform: &'a Platform) -> Self {
        Self {
            incoming,
            gate,
            platform,
            body: None,
            stream: None,
            reply: None,
            content: None,
        }
    }

    /// Hands an answer in, at the moment that it came.
    fn resume<Q: Question>(&self, ask: Ask<Q>, answer: Result<Q::Answer, Outage>) -> Step {
        ask.answer(&mut self.gate.borrow_mut(), now(), answer)
    }

    async fn finish(mut self, mut step: Step, log: &mut RequestLog) -> JsResponse {
        loop {
            leases::keep(self.platform, self.gate);
            step = match step {
                Step::Body(ask) => {
                    let read = self.read(&ask.question).await;
                    self.resume(ask, read)
                }
                Step::Window(ask) => {
                    let window = self.window(&ask.question);
                    self.resume(ask, window)
                }
                Step::Discard(ask) => {
                    let Discard { limit, within_ms } = ask.question;
                    self.incoming.discard(limit, within_ms).await;
                    self.resume(ask, Ok(()))
                }
                Step::Stream(ask) => {
                    self.stream = self.incoming.take_stream();
                    let is_there = self.stream.is_some();
                    self.resume(ask, Ok(is_there))
                }
                Step::Find(ask) => {
                    let found = self.platform.facts(ask.question.token).await;
                    self.resume(ask, found.map_err(Into::into))
                }
                Step::Admit(ask) => {
                    let question = &ask.question;
                    let admission = self
                        .platform
                        .admit(question.organization, question.query.clone())
                        .await;
                    self.resume(ask, admission.map_err(Into::into))
                }
                Step::Bind(ask) => {
                    let question = &ask.question;
                    let bound = self
                        .platform
                        .bind(&question.organization, &question.command);
                    let bound = bound.await.map_err(Into::into);
                    self.resume(ask, bound)
                }
                Step::Lookup(ask) => {
                    let sent = send(
                        &ask.question.0,
                        self.incoming,
                        JsValue::UNDEFINED,
                        self.gate,
                    )
                    .await;
                    let reply = self.keep(sent);
                    self.resume(ask, reply)
                }
                Step::Forward(ask) => {
                    let body = match (self.body.take(), self.stream.take()) {
                        (Some(body), _) => body.into(),
                        (None, stream) => stream.into(),
                    };
                    let sent = send(&ask.question.0, self.incoming, body, self.gate).await;
                    let reply = self.keep(sent);
                    self.resume(ask, reply)
                }
                Step::Content(ask) => {
                    let read = content(self.reply.as_ref(), ask.question.limit).await;
                    let read = read.map(|(bytes, raw)| {
                        self.content = Some(raw);
                        bytes
                    });
                    self.resume(ask, read)
                }
                Step::Count(ask) => {
                    let bucket = ask.question.bucket.clone();
                    let counted = brake::count(&self.platform.env, bucket, ask.question.cause);
                    let counted = counted.await.map_err(Into::into);
                    self.resume(ask, counted)
                }
                Step::Identify(ask) => {
                    let identified = self.identify(&ask.question).await;
                    self.resume(ask, identified)
                }
                Step::Reserve(ask) => {
                    let config = self.gate.borrow().config();
                    let (incoming, platform) = (self.incoming, self.platform);
                    let reserved = own_tokens::reserve(&ask.question, incoming, &config, platform);
                    let reserved = reserved.await;
                    self.resume(ask, reserved)
                }
                Step::Settle(ask) => {
                    let config = self.gate.borrow().config();
                    let (incoming, platform) = (self.incoming, self.platform);
                    let settled = own_tokens::settle(&ask.question, incoming, &config, platform);
                    let settled = settled.await;
                    self.resume(ask, Ok(settled))
                }
                Step::Attempt(ask) => {
                    let attempted = self.attempt(&ask.question).await;
                    self.resume(ask, Ok(attempted))
                }
                Step::Record(ask) => {
                    let question = &ask.question;
                    let recorded = self.platform.send(&question.grant, &question.command);
                    let recorded = recorded.await.map_err(Into::into);
                    self.resume(ask, recorded)
                }
                Step::Download(ask) => {
                    let fetched = download::fetch(&ask.question.0).await;
                    let fetched = fetched.map(|(reply, fetched)| {
                        self.reply = Some(reply);
                        fetched
                    });
                    self.resume(ask, fetched)
                }
                Step::Pass(end) => {
                    note(log, &end.notes);
                    if let Made::Artifact(digest) = end.made {
                        return download::pass(&end, digest, self.reply, self.incoming);
                    }
                    return pass(&end, self.reply, self.content);
                }
                Step::Refuse(refusal) => {
                    note(log, &refusal.notes);
                    if let Some(body) = self.reply.and_then(|reply| reply.body()) {
                        drop(body.cancel());
                    }
                    return refuse(refusal.form, &refusal.error, self.incoming, log);
                }
            };
        }
    }

    /// Has a job token verified, and known to its organization's Ledger.
    async fn identify(&self, question: &Identify) -> Result<TokenFacts, Outage> {
        let config = self.gate.borrow().config();
        let request = self.incoming.request();
        let asked = Presenting {
            token: &question.token,
            named: question.named.as_deref(),
            // The Ledger names the trust rule in place of the actor.
            requester: &request.requester(&config, &Caller::Administrator(None)),
        };
        let facts = exchange::bearer(asked, &config, self.platform).await;
        facts.map_err(Into::into)
    }

    async fn read(&mut self, question: &Body) -> Result<Arrived, Outage> {
        let body = self
            .incoming
            .read(question.limit, question.within_ms)
            .await?;
        self.body = Some(body.raw);
        Ok(Arrived::whole(body.bytes))
    }

    /// A piece of the body that has been read.
    fn window(&self, question: &Window) -> Result<Vec<u8>, Outage> {
        let missing = || Outage::Failed("nobody has read the body".to_owned());
        let body = self.body.as_ref().ok_or_else(missing)?;
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let end = question.from.saturating_add(question.most);
        Ok(body.subarray(place(question.from), place(end)).to_vec())
    }

    /// Asks the origin, and reads its answer to the end.
    async fn attempt(&mut self, attempt: &Attempt) -> Attempted {
        let body = self.body.take().map_or(JsValue::UNDEFINED, Into::into);
        let sent = send(&attempt.0, self.incoming, body, self.gate).await;
        let reply = self.keep(sent)?;
        let (bytes, raw) = content(self.reply.as_ref(), MAX_TOKEN_ANSWER).await?;
        self.content = Some(raw);
        Ok((reply, bytes))
    }

    /// Keeps an answer of the origin, and shows its head.
    fn keep(&mut self, sent: Result<Response, Outage>) -> Result<postern_gate::Reply, Outage> {
        self.content = None;
        let reply = self.reply.insert(sent?);
        Ok(head(reply))
    }
}

/// What the line of the request tells of the call.
pub fn note(log: &mut RequestLog, notes: &Notes) {
    log.noted(notes);
    if let Some(unread) = notes.unread {
        client_address::met(unread);
    }
}

impl Incoming {
    /// The request as the gateway's machine takes it.
    fn head(&self) -> Head<'_> {
        Head {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            origin: &self.origin,
            headers: self,
            request_id: &self.request_id,
        }
    }
}
