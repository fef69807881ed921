//! The way to the origin. Refuses to go without a permit (permission is a value), and passes on
//! only answers that speak gRPC-Web.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, RequestInit, RequestRedirect, Response, ResponseInit, WorkerGlobalScope,
};

use super::incoming::Incoming;
use crate::app::config::Config;
use crate::app::error::{Error, Result};
use crate::domain::decide::{Denial, Permit};
use crate::domain::operation::Rpc;
use crate::domain::secret::Secret;
use crate::wire::assertion;
use crate::wire::forwarding::{HOP_BY_HOP, SPOOFABLE, nominated};
use crate::wire::grpc_web::Encoding;
use crate::wire::trace;

/// An answer of the origin, not yet given to anybody.
pub struct Answered {
    response: Response,
    /// The body, where it has been read.
    body: Option<Uint8Array>,
}

/// Sends the call on, its body byte for byte, and waits for the answer's headers.
///
/// # Errors
/// `Origin` when nothing answers in time, or something that does not speak gRPC-Web.
pub async fn send(
    permit: &Permit,
    rpc: &Rpc,
    incoming: &Incoming,
    body: &Uint8Array,
    assertion: Option<&Secret>,
    config: &Config,
) -> Result<Answered> {
    if permit.operation() != rpc.operation {
        return Err(Denial::Operation.into());
    }
    let headers = headers(incoming, config, rpc.makes_run).map_err(refused)?;
    if let Some(assertion) = assertion {
        let set = headers.set(assertion::HEADER, assertion.expose());
        set.map_err(refused)?;
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(body);
    // The origin is where ORIGIN_URL says: an answer that points elsewhere is no answer.
    init.set_redirect(RequestRedirect::Manual);
    let timeout = AbortSignal::timeout_with_u32(config.origin_timeout_ms);
    init.set_signal(Some(&timeout));
    // The path is the table's own: what the origin serves is what was decided on.
    let url = format!("{}{}", config.origin_url, rpc.path);
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response: Response = JsFuture::from(scope.fetch_with_str_and_init(&url, &init))
        .await
        .map_err(refused)?
        .unchecked_into();
    let answered = Answered {
        response,
        body: None,
    };
    if answered.speaks_grpc_web() {
        Ok(answered)
    } else {
        Err(Error::Origin {
            cause: format!(
                "the origin answered HTTP {} without gRPC-Web",
                answered.status()
            ),
        })
    }
}

/// The caller's headers less those about its connection and those that would let it pose as
/// somebody else, plus ours. `Authorization` stays as it came (R29).
fn headers(
    incoming: &Incoming,
    config: &Config,
    inspect_answer: bool,
) -> core::result::Result<Headers, JsValue> {
    let headers = Headers::new_with_headers(&incoming.headers)?;
    if let Some(connection) = incoming.header("connection") {
        for name in nominated(&connection) {
            headers.delete(&name)?;
        }
    }
    for name in HOP_BY_HOP.iter().chain(&SPOOFABLE) {
        headers.delete(name)?;
    }
    headers.delete(&config.trusted_ip_header)?;
    headers.delete("content-length")?;
    if inspect_answer {
        // An answer that has to be read must not come compressed.
        headers.delete("grpc-accept-encoding")?;
        headers.delete("accept-encoding")?;
    }
    if let Some(address) = incoming.address(&config.trusted_ip_header) {
        headers.set("x-forwarded-for", &address.to_string())?;
    }
    headers.set("x-request-id", &incoming.request_id)?;
    let traceparent = incoming.header("traceparent");
    let (traceparent, continued) = trace::outgoing(traceparent.as_deref(), incoming.trace_entropy);
    headers.set("traceparent", &traceparent)?;
    if !continued {
        headers.delete("tracestate")?;
    }
    Ok(headers)
}

impl Answered {
    /// The origin's HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    /// How the answer's frames are written.
    pub fn encoding(&self) -> Encoding {
        self.header("content-type")
            .and_then(|value| Encoding::of(&value))
            .unwrap_or(Encoding::Binary)
    }

    /// Both upstream shapes: frames under a gRPC-Web content type, or the status in the headers.
    fn speaks_grpc_web(&self) -> bool {
        let typed = || {
            self.header("content-type")
                .is_some_and(|value| Encoding::of(&value).is_some())
        };
        self.response.ok() && (typed() || self.header("grpc-status").is_some())
    }

    /// Whether the headers tell of a failure; then there is no message.
    pub fn failed(&self) -> bool {
        self.header("grpc-status")
            .is_some_and(|status| status != "0")
    }

    /// Reads the body, which stays to be passed on.
    ///
    /// # Errors
    /// `Origin` when the answer ends early.
    pub async fn read(self) -> Result<(Self, Vec<u8>)> {
        let promise = self.response.array_buffer().map_err(refused)?;
        let buffer = JsFuture::from(promise).await.map_err(refused)?;
        let body = Uint8Array::new(&buffer);
        let bytes = body.to_vec();
        let read = Self {
            response: self.response,
            body: Some(body),
        };
        Ok((read, bytes))
    }

    /// The answer for the client: as it came, with the request's id.
    ///
    /// # Errors
    /// `Origin` when the runtime refuses the answer.
    pub fn pass_on(self, incoming: &Incoming) -> Result<Response> {
        let init: &ResponseInit = self.response.unchecked_ref();
        let response = match &self.body {
            Some(body) => Response::new_with_opt_js_u8_array_and_init(Some(body), init),
            None => {
                Response::new_with_opt_readable_stream_and_init(self.response.body().as_ref(), init)
            }
        }
        .map_err(refused)?;
        response
            .headers()
            .set("x-request-id", &incoming.request_id)
            .map_err(refused)?;
        Ok(response)
    }
}

fn refused(error: JsValue) -> Error {
    let cause = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "the request to the origin failed".to_owned());
    Error::Origin { cause }
}
