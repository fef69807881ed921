//! The way to the origin. A request is sent exactly as the gateway's machine wrote it, once; a
//! redirect is not followed.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, RequestRedirect, Response, WorkerGlobalScope};

use super::incoming::{Incoming, apply, names};
use crate::platform::Isolated;
use postern_gate::{Outage, Outbound, Outgoing, Reply};
use postern_wire::headers::{self, Names};

/// Sends a request, and waits for the answer's head. `body` is the request's own, as the runtime
/// has it. When the client goes away, the platform ends what its request waits for, this included.
///
/// # Errors
/// `Late` when nothing answers in time, `Failed` when the runtime does not send it.
pub async fn send(
    outbound: &Outbound,
    incoming: &Incoming,
    body: JsValue,
    gate: &Isolated,
) -> Result<Response, Outage> {
    let url = format!("{}{}", gate.borrow().config().origin_url, outbound.target());
    let init = init(outbound, incoming, body).map_err(|error| failed(&error))?;
    fetch(&url, &init).await
}

fn init(outbound: &Outbound, incoming: &Incoming, body: JsValue) -> Result<RequestInit, JsValue> {
    let headers = Headers::new_with_headers(&incoming.headers)?;
    apply(&headers, outbound.headers())?;
    let init = request(outbound.method(), &headers, outbound.patience().ms);
    match outbound.body() {
        Outgoing::Nothing => {}
        Outgoing::AsItCame | Outgoing::Stream => init.set_body(&body),
        Outgoing::Made(bytes) => init.set_body(&Uint8Array::from(bytes.as_slice())),
    }
    if outbound.converts() {
        convert(&init)?;
    }
    Ok(init)
}

/// A request with a time limit in milliseconds, which holds for the answer's body as well. It goes
/// where the configuration says: an answer that points elsewhere is no answer.
pub fn request(method: &str, headers: &Headers, limit_ms: u32) -> RequestInit {
    let init = RequestInit::new();
    init.set_method(method);
    init.set_headers(headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(limit_ms)));
    init
}

/// Sends a request, once, and waits for the answer's head.
///
/// # Errors
/// `Late` when nothing answers in time, `Failed` when the runtime does not send it.
pub async fn fetch(url: &str, init: &RequestInit) -> Result<Response, Outage> {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let sent = JsFuture::from(scope.fetch_with_str_and_init(url, init));
    let response = sent.await.map_err(|error| failed(&error))?;
    Ok(response.unchecked_into())
}

/// Asks the platform to turn gRPC-Web into gRPC on the way, and back.
///
/// # Errors
/// When the runtime does not take it.
pub fn convert(init: &RequestInit) -> Result<(), JsValue> {
    let cf = js_sys::Object::new();
    js_sys::Reflect::set(&cf, &"grpcWeb".into(), &"convert".into())?;
    js_sys::Reflect::set(init, &"cf".into(), &cf).map(|_| ())
}

/// The head of an answer, as far as it decides.
pub fn head(response: &Response) -> Reply {
    Reply::read(response.status(), &Read(response.headers()))
}

struct Read(Headers);

impl headers::Headers for Read {
    fn names(&self) -> Names {
        Names::from_lines(&names(&self.0))
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).ok().flatten()
    }
}

/// The content of an answer: for the machine as bytes, and as the runtime has it, to be passed on
/// without a copy.
///
/// # Errors
/// `Late` or `Failed` when it does not arrive whole, `Failed` for more than `limit` bytes.
pub async fn content(
    reply: Option<&Response>,
    limit: usize,
) -> Result<(Vec<u8>, Uint8Array), Outage> {
    let reply = reply.ok_or_else(|| Outage::Failed("nothing has answered yet".to_owned()))?;
    let promise = reply.array_buffer().map_err(|error| failed(&error))?;
    let buffer = JsFuture::from(promise).await;
    let raw = Uint8Array::new(&buffer.map_err(|error| failed(&error))?);
    if raw.length() as usize > limit {
        return Err(Outage::Failed(format!(
            "the answer has {} bytes",
            raw.length()
        )));
    }
    Ok((raw.to_vec(), raw))
}

/// What went wrong: a timer that ran out, or anything else, in words for the log.
pub fn failed(error: &JsValue) -> Outage {
    let known = error.dyn_ref::<js_sys::Error>();
    if known.is_some_and(|error| error.name() == "TimeoutError") {
        return Outage::Late;
    }
    let cause = known
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "the request to the origin failed".to_owned());
    Outage::Failed(cause)
}
