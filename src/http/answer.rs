//! An answer of the origin, not yet given to anybody. It is passed on as it came or translated as a
//! whole; one to a call that does not speak gRPC-Web, or one that points elsewhere, is refused.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Response, ResponseInit};

use super::forward::{ended, refused};
use super::incoming::{Incoming, names};
use crate::platform::now;
use postern_domain::route::Route;
use postern_domain::time::Timestamp;
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::patience::Patience;
use postern_wire::answering::{self, Form};
use postern_wire::connect;
use postern_wire::grpc_answer::{self, Ending};
use postern_wire::grpc_web::{Encoding, FrameError};

/// Largest answer that is read here, in bytes: what the stock client takes (32 MiB).
pub const MAX_ANSWER: u32 = 32 * 1024 * 1024;

/// An answer whose headers are here. What reaches the client of these goes through [`finish`].
pub struct Answered {
    response: Response,
    /// Its `Content-Type`; empty where there is none.
    media: String,
    /// The body, where it has been read.
    body: Option<Uint8Array>,
    /// How long it is waited for.
    patience: Patience,
}

impl Answered {
    /// Takes both upstream shapes: frames under a gRPC-Web content type, or the status in the
    /// headers.
    ///
    /// # Errors
    /// `Origin` for anything else.
    pub fn new(response: Response, patience: Patience) -> Result<Self> {
        let answered = Self::of(response, patience);
        let typed = Encoding::of(&answered.media).is_some();
        if answered.response.ok() && (typed || answered.header("grpc-status").is_some()) {
            return Ok(answered);
        }
        Err(Error::Origin {
            cause: format!(
                "the origin answered HTTP {} without gRPC-Web",
                answered.status()
            ),
        })
    }

    /// Takes an answer to a REST request: any but one that points elsewhere, and of a route that
    /// promises JSON nothing else.
    ///
    /// # Errors
    /// `Origin` for a redirect, and for another media type.
    pub fn plain(response: Response, route: &Route, patience: Patience) -> Result<Self> {
        let status = response.status();
        // 304 says that the caller's copy is good, and nothing of another place.
        if (300..400).contains(&status) && status != 304 {
            return Err(Error::Origin {
                cause: format!("the origin answered HTTP {status}, a redirect"),
            });
        }
        let answered = Self::of(response, patience);
        let is_empty = matches!(status, 204 | 205 | 304);
        if route.answers_json && !is_empty && !answering::is_json(&answered.media) {
            return Err(Error::Origin {
                cause: format!("the origin answered HTTP {status} without JSON"),
            });
        }
        Ok(answered)
    }

    fn of(response: Response, patience: Patience) -> Self {
        let media = response.headers().get("content-type").ok().flatten();
        Self {
            response,
            media: media.unwrap_or_default(),
            body: None,
            patience,
        }
    }

    /// The origin's HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    /// How the call ended, where the headers tell.
    fn ending(&self) -> Option<Ending> {
        let status = self.header("grpc-status")?;
        let message = self.header("grpc-message");
        let details = self.header("grpc-status-details-bin");
        Some(grpc_answer::from_headers(
            &status,
            message.as_deref(),
            details.as_deref(),
        ))
    }

    /// Reads the answer: the message, where there is one, and how the call ended. The body stays
    /// to be passed on.
    ///
    /// # Errors
    /// `Origin` when it ends early, is too large, or cannot be read; `Deadline` when the caller
    /// waits no longer.
    pub async fn read(&mut self) -> Result<(Option<Vec<u8>>, Ending)> {
        if let Some(ending) = self.ending() {
            return Ok((None, ending));
        }
        let body = match self.body.take() {
            // The runtime gives a body once; the answer to an Init is read before it is translated.
            Some(body) => body,
            None => {
                let promise = self.response.array_buffer().map_err(refused)?;
                let read = JsFuture::from(promise).await;
                Uint8Array::new(&read.map_err(|error| ended(error, self.patience))?)
            }
        };
        if body.length() > MAX_ANSWER {
            return Err(Error::Origin {
                cause: format!("the answer has {} bytes", body.length()),
            });
        }
        let bytes = body.to_vec();
        self.body = Some(body);
        let encoding = Encoding::of(&self.media).unwrap_or(Encoding::Binary);
        let frames = encoding.decode(&bytes).map_err(unreadable)?;
        let (message, ending) = grpc_answer::read(&frames).map_err(unreadable)?;
        Ok((message.map(<[u8]>::to_vec), ending))
    }

    /// The answer for the client: as it came, less the headers that browsers would act on, with the
    /// request's id and the time it took.
    ///
    /// # Errors
    /// `Origin` when the runtime refuses the answer.
    pub fn pass_on(self, incoming: &Incoming, told: &Told) -> Result<Response> {
        let init: &ResponseInit = self.response.unchecked_ref();
        let response = match &self.body {
            Some(body) => Response::new_with_opt_js_u8_array_and_init(Some(body), init),
            None => {
                Response::new_with_opt_readable_stream_and_init(self.response.body().as_ref(), init)
            }
        }
        .map_err(refused)?;
        let headers = response.headers();
        finish(&headers, &self.media, Form::AsItCame, incoming, told)?;
        Ok(response)
    }

    /// The answer in Connect: the bare message with trailers as headers, or the error as JSON.
    ///
    /// # Errors
    /// As [`Self::read`]; `Origin` too for a success without a message.
    pub async fn into_connect(mut self, incoming: &Incoming, told: &Told) -> Result<Response> {
        let (message, ending) = self.read().await?;
        let headers = Headers::new_with_headers(&self.response.headers()).map_err(refused)?;
        let media = match ending.status {
            0 => connect::PROTO,
            _ => "application/json",
        };
        headers.set("content-type", media).map_err(refused)?;
        finish(&headers, media, Form::Connect, incoming, told)?;
        for (name, value) in &ending.metadata {
            // A name or value that cannot stand in a header is the origin's mistake.
            let _ = headers.append(&format!("trailer-{name}"), value);
        }
        let init = ResponseInit::new();
        if ending.status != 0 {
            let (http, body) = connect::error(ending.status, &ending.message, &ending.details);
            init.set_status(http);
            init.set_headers(&headers);
            return Response::new_with_opt_str_and_init(Some(&body), &init).map_err(refused);
        }
        let message = message.ok_or_else(|| Error::Origin {
            cause: "a successful answer without a message".to_owned(),
        })?;
        init.set_headers(&headers);
        let body = Uint8Array::from(message.as_slice());
        Response::new_with_opt_js_u8_array_and_init(Some(&body), &init).map_err(refused)
    }
}

/// What the gateway tells about an answer of the origin.
pub struct Told {
    /// Milliseconds, as `Server-Timing` has them.
    timing: String,
    /// How old the word on the token may be, in seconds, where the configuration sets a bound.
    bound: Option<i64>,
}

impl Told {
    /// A call that began at `begun`, waited `waited` ms for the origin, and rests on a word on its
    /// token that is at most `bound_ms` old.
    pub fn new(begun: Timestamp, waited: i64, bound_ms: i64, config: &Config) -> Self {
        let own = now().since(begun).saturating_sub(waited);
        Self {
            timing: format!("gate;dur={own}, origin;dur={waited}"),
            bound: (config.revocation_bound_ms > 0).then_some(bound_ms / 1000),
        }
    }
}

/// What the gateway takes from every answer of the origin, and adds to it.
fn finish(
    headers: &Headers,
    media: &str,
    form: Form,
    incoming: &Incoming,
    told: &Told,
) -> Result<()> {
    let names = names(headers);
    let rules = answering::rules(names.split('\n'), media, form);
    for name in rules.drop {
        headers.delete(name).map_err(refused)?;
    }
    for (name, value) in rules.set {
        headers.set(name, value).map_err(refused)?;
    }
    let set = |name, value: &str| headers.set(name, value).map_err(refused);
    set("x-request-id", &incoming.request_id)?;
    if let Some(seconds) = told.bound {
        set("postern-revocation-bound", &seconds.to_string())?;
    }
    headers
        .append("server-timing", &told.timing)
        .map_err(refused)
}

fn unreadable(error: FrameError) -> Error {
    Error::Origin {
        cause: format!("the origin's answer: {error}"),
    }
}
