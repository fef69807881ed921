//! The way to the origin. Refuses to go without a permit (permission is a value), to follow a
//! redirect, and to try anything twice.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, ReadableStream, RequestInit, RequestRedirect, Response, WorkerGlobalScope,
};

use super::answer::Answered;
use super::assertion;
use super::incoming::Incoming;
use crate::platform::{Platform, now};
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Permit};
use postern_domain::id::RunId;
use postern_domain::operation::Operation;
use postern_domain::rpc::{Access, RUN_LOOKUP, Rpc, WORKFLOW_LOOKUP};
use postern_domain::time::Timestamp;
use postern_registry::config::Config;
use postern_registry::error::{CredentialError, Error, Result};
use postern_registry::patience::{Deadline, Patience};
use postern_registry::ports::Origin;
use postern_wire::forwarding::{Way, nominated, stays_behind};
use postern_wire::grpc_answer::Ending;
use postern_wire::grpc_web;
use postern_wire::message;
use postern_wire::trace;

/// A request body on its way to the origin.
pub enum Outgoing {
    Nothing,
    /// Read, inspected, and sent on byte for byte.
    Bytes(Uint8Array),
    /// Not read here at all.
    Stream(ReadableStream),
}

/// The way to the origin: where it is, and how long it is waited for.
pub struct Reach<'a> {
    config: &'a Config,
    patience: Patience,
}

impl<'a> Reach<'a> {
    /// The way for a call that is waited for until then, and is sent now.
    ///
    /// # Errors
    /// `Deadline` when nobody waits any more.
    pub fn new(config: &'a Config, deadline: Deadline, now: Timestamp) -> Result<Self> {
        let patience = deadline.patience(now, config.origin_timeout_ms)?;
        Ok(Self { config, patience })
    }

    /// How long the origin is waited for.
    pub fn patience(&self) -> Patience {
        self.patience
    }
}

/// Sends a request of the caller's on, and waits for the answer's headers. `target` is path and
/// query below the origin's URL. When the client goes away, the platform ends what its request
/// waits for, this included.
///
/// # Errors
/// `Origin` when nothing answers in time, `Deadline` when the caller waits no longer, `Denied`
/// without a permit for this operation.
pub async fn send(
    permit: &Permit,
    operation: Operation,
    method: &str,
    target: &str,
    headers: &Headers,
    body: Outgoing,
    reach: &Reach<'_>,
) -> Result<Response> {
    let config = reach.config;
    if permit.operation() != operation {
        return Err(Denial::Operation.into());
    }
    let init = RequestInit::new();
    init.set_method(method);
    init.set_headers(headers);
    match &body {
        Outgoing::Nothing => {}
        Outgoing::Bytes(bytes) => init.set_body(bytes),
        Outgoing::Stream(stream) => init.set_body(stream),
    }
    // The origin is where ORIGIN_URL says: an answer that points elsewhere is no answer.
    init.set_redirect(RequestRedirect::Manual);
    // It holds for the answer's body as well.
    init.set_signal(Some(&AbortSignal::timeout_with_u32(reach.patience.ms)));
    if config.origin_speaks_grpc && matches!(operation, Operation::Rpc(_)) {
        convert(&init).map_err(refused)?;
    }
    let url = format!("{}{target}", config.origin_url);
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response: Response = JsFuture::from(scope.fetch_with_str_and_init(&url, &init))
        .await
        .map_err(|error| ended(error, reach.patience))?
        .unchecked_into();
    Ok(response)
}

/// Asks the platform to turn gRPC-Web into gRPC on the way, and back.
fn convert(init: &RequestInit) -> core::result::Result<(), JsValue> {
    let cf = js_sys::Object::new();
    js_sys::Reflect::set(&cf, &"grpcWeb".into(), &"convert".into())?;
    js_sys::Reflect::set(init, &"cf".into(), &cf).map(|_| ())
}

/// Sends a call of the table on, under the table's own path: what the origin serves is what was
/// decided on.
///
/// # Errors
/// As [`send`], and `Origin` when what answers does not speak gRPC-Web.
pub async fn call(
    permit: &Permit,
    rpc: &'static Rpc,
    headers: &Headers,
    body: Outgoing,
    reach: &Reach<'_>,
) -> Result<Answered> {
    if reach.config.origin_speaks_grpc {
        // What the platform converts has this media type, without a codec.
        let plain = "application/grpc-web";
        headers.set("content-type", plain).map_err(refused)?;
    }
    let operation = Operation::Rpc(rpc);
    let sent = send(permit, operation, "POST", &rpc.path(), headers, body, reach).await?;
    Answered::new(sent, reach.patience)
}

/// The caller's headers less those about its connection and those that would let it pose as
/// somebody else, plus ours. `Authorization` goes on as it came (R29), and not at all where the
/// call needs none.
///
/// # Errors
/// When the runtime refuses a header.
pub fn headers(incoming: &Incoming, access: Access, config: &Config) -> Result<Headers> {
    base_headers(incoming, access, config).map_err(refused)
}

fn base_headers(
    incoming: &Incoming,
    access: Access,
    config: &Config,
) -> core::result::Result<Headers, JsValue> {
    let way = Way {
        trusted_ip_header: &config.trusted_ip_header,
        open: access == Access::Open,
    };
    let headers = Headers::new_with_headers(&incoming.headers)?;
    if let Some(connection) = incoming.header("connection") {
        for name in nominated(&connection) {
            headers.delete(&name)?;
        }
    }
    for name in incoming.names() {
        if stays_behind(name, way) {
            headers.delete(name)?;
        }
    }
    if let Some(address) = incoming.address(&config.trusted_ip_header) {
        headers.set("x-forwarded-for", &address.to_string())?;
    }
    headers.set("x-request-id", &incoming.request_id)?;
    let traceparent = incoming.header("traceparent");
    let (traceparent, continued) = trace::outgoing(traceparent.as_deref(), incoming.trace_entropy);
    headers.set("traceparent", &traceparent)?;
    if !continued && incoming.has("tracestate") {
        headers.delete("tracestate")?;
    }
    Ok(headers)
}

/// Makes the answer come as the gate can read it: not compressed.
///
/// # Errors
/// When the runtime refuses a header.
pub fn answer_must_be_readable(headers: &Headers) -> Result<()> {
    headers
        .delete("grpc-accept-encoding")
        .and_then(|()| headers.delete("accept-encoding"))
        .map_err(refused)
}

/// Makes the headers of a request that is itself in another protocol, or of another call, those of
/// a gRPC-Web call.
///
/// # Errors
/// When the runtime refuses a header.
pub fn as_grpc_web(headers: &Headers) -> Result<()> {
    answer_must_be_readable(headers)?;
    for name in [
        "connect-protocol-version",
        "connect-timeout-ms",
        "content-encoding",
        "grpc-encoding",
        "accept",
    ] {
        headers.delete(name).map_err(refused)?;
    }
    headers
        .set("content-type", "application/grpc-web+proto")
        .and_then(|()| headers.set("x-grpc-web", "1"))
        .map_err(refused)
}

/// The origin, asked by the gate in the name of the caller of this request.
pub struct Asking<'a> {
    pub caller: &'a Caller,
    pub incoming: &'a Incoming,
    pub config: &'a Config,
    pub platform: &'a Platform,
    /// Until when it is waited for.
    pub deadline: Deadline,
}

impl Origin for Asking<'_> {
    async fn view_run(&self, permit: &Permit, run: RunId) -> Result<Option<Vec<u8>>> {
        let id = run.to_string();
        let message = message::text(1, &id);
        let (message, ending) = self.ask(permit, &RUN_LOOKUP, &message).await?;
        match ending.status {
            0 => Ok(message),
            // Wrong request, no such run, not allowed, not in this state, no such call, nobody.
            3 | 5 | 7 | 9 | 12 | 16 => Ok(None),
            status => Err(Error::Origin {
                cause: format!("looking up a run: status {status}: {}", ending.message),
            }),
        }
    }

    async fn view_workflow(
        &self,
        permit: &Permit,
        project: &str,
        workflow: &str,
    ) -> Result<Option<Vec<u8>>> {
        let message = [message::text(2, workflow), message::text(3, project)].concat();
        let (message, ending) = self.ask(permit, &WORKFLOW_LOOKUP, &message).await?;
        match ending.status {
            0 => Ok(message),
            // No such workflow; not this caller's.
            5 | 7 => Ok(None),
            16 => Err(CredentialError::Refused("the origin refused the credential").into()),
            status => Err(Error::Origin {
                cause: format!("looking up a workflow: status {status}: {}", ending.message),
            }),
        }
    }
}

impl Asking<'_> {
    /// Makes a call of the gate's own with the caller's credential; gives its message and ending.
    async fn ask(
        &self,
        permit: &Permit,
        rpc: &'static Rpc,
        message: &[u8],
    ) -> Result<(Option<Vec<u8>>, Ending)> {
        let headers = headers(self.incoming, rpc.access, self.config)?;
        as_grpc_web(&headers)?;
        let frame = grpc_web::frame(message).map_err(Error::unavailable)?;
        let body = Outgoing::Bytes(Uint8Array::from(frame.as_slice()));
        assertion::add(&headers, ("POST", &rpc.path()), &body, self)?;
        let reach = Reach::new(self.config, self.deadline, now())?;
        let mut answered = call(permit, rpc, &headers, body, &reach).await?;
        answered.read().await
    }
}

/// What ended a wait for the origin: the caller's deadline, where that was the nearer one.
pub fn ended(error: JsValue, patience: Patience) -> Error {
    let timed_out = error
        .dyn_ref::<js_sys::Error>()
        .is_some_and(|error| error.name() == "TimeoutError");
    match timed_out && patience.callers {
        true => Error::Deadline,
        false => refused(error),
    }
}

/// What went wrong, for the log.
pub fn refused(error: JsValue) -> Error {
    let cause = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "the request to the origin failed".to_owned());
    Error::Origin { cause }
}
