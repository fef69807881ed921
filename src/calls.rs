//! The calls that the Worker's entry drives (`shell/calls.js`): what it calls between two waits, and
//! the slots in which calls wait. What it does not do itself it hands over, at any step, to the
//! driver in `http::forward`.

mod waiting;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::future_to_promise;
use web_sys::{Request, Response};
use worker::Env;
use worker::worker_sys::Context;

use self::waiting::{Seen, Waiting};
use super::http::forward::note;
use super::http::{self, Resumed};
use super::leases;
use super::log;
use super::objects::ledger_client;
use super::platform::{Isolated, Platform, chance, config, isolated, known};
use postern_domain::audit::hex;
use postern_domain::location::Jurisdiction;
use postern_domain::rpc;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_gate::limits::{FIRST_WINDOW, TIME_LIMIT_MS};
use postern_gate::lines::{self, Lines, READ_OF_ANSWERS, READ_OF_CALLS};
use postern_gate::question::{Arrived, Window};
use postern_gate::request_log::RequestLog;
use postern_gate::{Ask, Gate, Head, Made, Outage, Question, Step};
use postern_ledger::wire::Reply;
use postern_registry::api::{self, Destination};
use postern_registry::error::Error;
use postern_wire::site;

/// What the entry does next. Anything else it hands over.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the call is handed over.
    HandOver = 0,
    /// It reads the body, whose length is declared and within the limit, and gives its first bytes.
    Body = 1,
    /// It sends the body on, as the text says.
    Forward = 2,
    /// It reads the content of the answer.
    Content = 3,
    /// It passes the answer on, edited as the text says.
    Pass = 4,
    /// It reads the body, whose length is declared and within the limit, and gives all of it.
    WholeBody = 5,
    /// It gives more of the body.
    Window = 6,
    /// It asks the object of this name, as the text says.
    Ask = 7,
}

/// How numbers are put together.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Added to what is next where something is due behind the answer.
    Due = 8,
    /// Numbers of calls are multiples of this, so that what is next can be added.
    Call = 16,
    /// Of the module's promises, so many can be told that their instance has ended.
    Waiting = 1024,
}

const STEP: u64 = Code::Call as u64;

/// Longest head that waits in a slot, in bytes. A call with a longer one takes the other way.
const MAX_HEAD: usize = 16 * 1024;

/// For how long a body may take, in milliseconds; how many bytes of it are its first; and the names of
/// headers whose values are read: of calls, an empty line, and of answers. Empty where there is no configuration: then
/// everything is for [`fetch`](super::entry).
#[wasm_bindgen]
pub fn table(env: &Env) -> String {
    let Ok(config) = config(env) else {
        return String::new();
    };
    log::bind(env);
    let mut of_calls = READ_OF_CALLS.to_vec();
    of_calls.push(&config.trusted_ip_header);
    format!(
        "{TIME_LIMIT_MS}\n{FIRST_WINDOW}\n{}\n\n{}",
        of_calls.join("\n"),
        READ_OF_ANSWERS.join("\n")
    )
}

/// Begins a call: method, URL and headers, one a line, those that are read with their values. Tells
/// its number and what is [`Next`]; 0 = this is for [`fetch`](super::entry). A credential may be in
/// it, so it is wiped.
#[wasm_bindgen]
pub fn open(head: String, now: f64) -> f64 {
    opened(Secret::new(head).expose(), at(now)).map_or(0.0, exact)
}

fn opened(text: &str, now: Timestamp) -> Option<u64> {
    if text.len() > MAX_HEAD || !waiting::has_room(now) {
        return None;
    }
    let mut lines = text.split('\n');
    let (method, url) = (lines.next()?, lines.next()?);
    let (path, query) = site::path_and_query(url);
    let gate = known()?;
    let headers = Lines::read(lines);
    let (id, entropy, random) = chance().ok()?;
    let request_id = hex(&id);
    let head = Head {
        method,
        path,
        query,
        origin: site::origin(url),
        headers: &headers,
        request_id: &request_id,
    };
    let request = api::Request::new(head, site::origin(url));
    let config = gate.borrow().config();
    let Destination::Call(config) = api::route(&request, Ok(config)) else {
        return None;
    };
    // What the table has is no credential.
    let is_ours = rpc::rpc(path).is_some();
    let admin = config.admin.as_ref().filter(|_| !is_ours);
    let is_key = |text: &str| admin.is_some_and(|key| key.matches(text));
    let log = RequestLog::begin(&request_id, method, path, now, is_key);
    let step = gate.borrow_mut().open(&head, now, &entropy);
    let declared = request.header("content-length");
    let declared = declared.and_then(|text| text.parse::<usize>().ok());
    let fits = |limit| declared.is_some_and(|length| length <= limit);
    let next = match &step {
        Step::Body(ask) if fits(ask.question.limit) => match ask.question.window {
            Some(_) => Next::Body,
            None => Next::WholeBody,
        },
        _ => Next::HandOver,
    };
    let waiting = Waiting {
        step,
        log,
        entropy,
        begun: now,
        is_body_taken: next != Next::HandOver,
        seen: Seen::nothing(now),
    };
    let number = waiting::begin(waiting, random);
    Some(number * STEP + next as u64)
}

/// The body of a call is here: so many of its bytes as were wanted, and how many it has. Tells, as all
/// of the following, what is next and a text for it.
#[wasm_bindgen]
pub fn arrived(call: f64, bytes: Vec<u8>, total: usize, now: f64) -> String {
    step(call, now, |step, gate, now, _| match step {
        Step::Body(ask) => {
            let limit = ask.question.limit;
            let answer = match total > limit {
                true => Err(Outage::Refused(Error::BodyTooLarge { limit })),
                false => Ok(Arrived { bytes, total }),
            };
            ask.answer(gate, now, answer)
        }
        other => other,
    })
}

/// More of the body.
#[wasm_bindgen]
pub fn more(call: f64, bytes: Vec<u8>, now: f64) -> String {
    step(call, now, |step, gate, now, _| match step {
        Step::Window(ask) => ask.answer(gate, now, Ok(bytes)),
        other => other,
    })
}

/// The Ledger has answered: its status, and its body if it has one.
#[wasm_bindgen]
pub fn told(call: f64, status: u16, body: String, now: f64) -> String {
    step(call, now, |step, gate, now, seen| match step {
        Step::Admit(ask) => {
            seen.ledger_told(now);
            let admission = ledger_client::admission(Reply { status, body });
            ask.answer(gate, now, admission.map_err(Into::into))
        }
        other => other,
    })
}

/// The origin has answered: its status and headers, one a line.
#[wasm_bindgen]
pub fn answered(call: f64, status: u16, head: &str, now: f64) -> String {
    step(call, now, |step, gate, now, seen| match step {
        Step::Forward(ask) => {
            seen.status = status;
            let reply = postern_gate::Reply::read(status, &Lines::read(head.split('\n')));
            ask.answer(gate, now, Ok(reply))
        }
        other => other,
    })
}

/// The content of the origin's answer is here: its bytes, unless they are too many, and how many they
/// are.
#[wasm_bindgen]
pub fn content(call: f64, bytes: Vec<u8>, total: usize, now: f64) -> String {
    step(call, now, |step, gate, now, _| match step {
        Step::Content(ask) => {
            let limit = ask.question.limit;
            let answer = match total > limit {
                true => Err(Outage::Failed(format!("the answer has {total} bytes"))),
                false => Ok(bytes),
            };
            ask.answer(gate, now, answer)
        }
        other => other,
    })
}

/// What the entry waited for did not come: in time, where `is_late`.
#[wasm_bindgen]
pub fn failed(call: f64, is_late: bool, cause: &str, now: f64) -> String {
    fn close<Q: Question>(ask: Ask<Q>, gate: &mut Gate, now: Timestamp, outage: Outage) -> Step {
        ask.answer(gate, now, Err(outage))
    }
    let outage = |broken: fn(&str) -> Outage| match is_late {
        true => Outage::Late,
        false => broken(cause),
    };
    let failed = |cause: &str| Outage::Failed(cause.to_owned());
    step(call, now, |step, gate, now, seen| match step {
        Step::Body(ask) => close(ask, gate, now, outage(|_| Outage::Refused(http::broken()))),
        Step::Admit(ask) => {
            seen.ledger_told(now);
            let outage = outage(|cause| Outage::Failed(format!("Ledger: {cause}")));
            close(ask, gate, now, outage)
        }
        Step::Forward(ask) => close(ask, gate, now, outage(failed)),
        Step::Content(ask) => close(ask, gate, now, outage(failed)),
        other => other,
    })
}

/// Takes one step of a call, and writes what is next: its number, and the text that goes with it.
fn step(
    call: f64,
    now: f64,
    take: impl FnOnce(Step, &mut Gate, Timestamp, &mut Seen) -> Step,
) -> String {
    let (number, now) = (number(call), at(now));
    let (Some(mut waiting), Some(gate)) = (waiting::take(number), known()) else {
        return (Next::HandOver as u32).to_string();
    };
    let step = take(waiting.step, &mut gate.borrow_mut(), now, &mut waiting.seen);
    let due = match gate.borrow().memory.is_due(now) {
        true => Code::Due as u32,
        false => 0,
    };
    if matches!(step, Step::Forward(_) | Step::Admit(_)) {
        waiting.seen.asked_at = now;
    }
    let (next, text) = next(&step, &gate, now.since(waiting.seen.asked_at));
    if let (Next::Pass, Step::Pass(end)) = (next, &step) {
        note(&mut waiting.log, &end.notes);
        waiting.log.ledger_ms = waiting.seen.ledger_ms;
        log::end(&mut waiting.log, waiting.seen.status);
    } else {
        waiting.step = step;
        waiting::put(number, waiting);
    }
    format!("{}{text}", next as u32 + due)
}

/// What the entry does of a step, and the text for it. The origin has been asked so many
/// milliseconds ago.
fn next(step: &Step, gate: &Isolated, waited: i64) -> (Next, String) {
    let text = match step {
        Step::Admit(ask) => {
            let (name, query) = (ask.question.organization, ask.question.query.clone());
            let url = ledger_client::admit_url(query);
            let within = name.jurisdiction().map_or("", Jurisdiction::word);
            Some((Next::Ask, format!("\n{name}\n{url}\n{within}")))
        }
        Step::Forward(ask) => {
            let url = &gate.borrow().config().origin_url;
            let text = lines::outbound(&ask.question.0, url);
            text.map(|text| (Next::Forward, format!("\n{text}")))
        }
        Step::Window(ask) => {
            let Window { from, most } = ask.question;
            Some((
                Next::Window,
                format!("\n{from}\n{}", from.saturating_add(most)),
            ))
        }
        Step::Content(ask) => {
            let left = i64::from(ask.question.patience.ms).saturating_sub(waited);
            let (left, limit) = (left.max(0), ask.question.limit);
            Some((Next::Content, format!("\n{left}\n{limit}")))
        }
        Step::Pass(end) if end.made == Made::AsItCame => {
            lines::edits(&end.headers).map(|text| (Next::Pass, text))
        }
        _ => None,
    };
    text.unwrap_or((Next::HandOver, String::new()))
}

/// Does what is due behind the answer.
#[wasm_bindgen]
pub fn keep(env: Env, context: Context) {
    if let Some(gate) = known() {
        leases::keep(&Platform::of(env, context), &gate);
    }
}

/// Drives a call to its end, with what the entry has of it. The promise is broken when the runtime
/// refuses to build an answer at all, or the call is none of this instance.
#[wasm_bindgen]
pub fn resume(
    call: f64,
    request: Request,
    env: Env,
    context: Context,
    body: Option<Uint8Array>,
    reply: Option<Response>,
    content: Option<Uint8Array>,
) -> Promise {
    let waiting = waiting::take(number(call));
    let driven = async move {
        let Some(waiting) = waiting else {
            let cause = "the call is none of this instance";
            let response = http::lost(request, &Platform::of(env, context), cause).await?;
            return Ok(response.into());
        };
        let config = config(&env).map_err(|problems| problems.join("; "))?;
        let gate = isolated(&config).map_err(|error| error.private())?;
        let resumed = Resumed {
            step: waiting.step,
            log: waiting.log,
            entropy: waiting.entropy,
            is_body_taken: waiting.is_body_taken,
            body,
            reply,
            content,
        };
        let platform = Platform::of(env, context);
        platform.waited(waiting.seen.ledger_ms);
        let response = http::resume(request, &platform, &gate, resumed).await?;
        Ok(response.into())
    };
    future_to_promise(driven)
}

/// Ends a call that an error of the runtime, or of the module, has interrupted.
#[wasm_bindgen]
pub fn abandon(call: f64, request: Request, env: Env, context: Context, cause: String) -> Promise {
    drop(waiting::take(number(call)));
    let driven = async move {
        let response = http::lost(request, &Platform::of(env, context), &cause).await?;
        Ok(response.into())
    };
    future_to_promise(driven)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the runtime's clock; milliseconds are far below 2^53"
)]
fn at(now: f64) -> Timestamp {
    Timestamp::from_millis(now as i64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number that `exact` has written; another one is no call's"
)]
fn number(call: f64) -> u64 {
    call as u64 / STEP
}

#[expect(clippy::cast_precision_loss, reason = "numbers lie below 2^53")]
fn exact(number: u64) -> f64 {
    number as f64
}
