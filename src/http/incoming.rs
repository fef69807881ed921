//! What the gateway reads of a request: method, path, which headers it has, and a few of them by
//! name. The values of the others are never read.

use std::cell::{OnceCell, RefCell};

use js_sys::Promise;
use wasm_bindgen::JsValue;
use web_sys::{ReadableStream, ReadableStreamDefaultReader};

use crate::platform::chance;
use postern_domain::audit::hex;
use postern_gate::Entropy;
use postern_wire::headers::{self, Names, Plan};
use postern_wire::site;

/// What nobody has read of a request's body yet.
pub enum Rest {
    /// All of it, where there is a body.
    Untouched(Option<ReadableStream>),
    /// What comes after so many bytes.
    Left {
        reader: ReadableStreamDefaultReader,
        taken: u64,
    },
    /// Nothing, or somebody is reading it.
    Taken,
}

/// A request on its way in. Its body is reached once, through the methods here.
pub struct Incoming {
    request: web_sys::Request,
    /// `None`: nobody has looked at the body.
    rest: RefCell<Option<Rest>>,
    declared: OnceCell<Option<u64>>,
    pub headers: web_sys::Headers,
    pub method: String,
    /// The path as it arrived: still percent-encoded, and not every runtime resolves dots, so it
    /// is only ever compared whole, byte by byte.
    pub path: String,
    pub query: String,
    /// Scheme, host and port that the request was sent to.
    pub origin: String,
    /// The names of all headers: one call for all, and none for each header that is not there.
    names: Names,
    /// 32 hex digits, made here; an incoming one is not believed.
    pub request_id: String,
    /// Chance for a call for the origin.
    pub entropy: Entropy,
}

impl Incoming {
    /// A request that has just arrived.
    ///
    /// # Errors
    /// When the platform has no chance to give.
    pub fn read(request: web_sys::Request) -> Result<Self, JsValue> {
        let (id, entropy, _) = chance().map_err(|error| JsValue::from_str(&error.private()))?;
        Ok(Self::resumed(request, hex(&id), entropy))
    }

    /// A request that has an id already. Nothing more is drawn for it.
    pub fn resumed(request: web_sys::Request, request_id: String, entropy: Entropy) -> Self {
        let url = request.url();
        let (path, query) = site::path_and_query(&url);
        let headers = request.headers();
        Self {
            names: Names::from_lines(&names(&headers)),
            headers,
            method: request.method(),
            path: path.to_owned(),
            query: query.to_owned(),
            origin: site::origin(&url).to_owned(),
            request_id,
            entropy,
            request,
            rest: RefCell::new(None),
            declared: OnceCell::new(),
        }
    }

    /// The body's length in bytes, where the request tells it.
    pub fn declared(&self) -> Option<u64> {
        *self.declared.get_or_init(|| {
            self.header("content-length")
                .and_then(|text| text.parse().ok())
        })
    }

    /// The body as one buffer, once it is here.
    ///
    /// # Errors
    /// When it has been taken.
    pub fn take_buffer(&self) -> Result<Promise, JsValue> {
        self.leave(Rest::Taken);
        self.request.array_buffer()
    }

    /// What is left of the body; from then on it is taken.
    pub fn take_rest(&self) -> Rest {
        self.rest
            .replace(Some(Rest::Taken))
            .unwrap_or_else(|| Rest::Untouched(self.request.body()))
    }

    /// The body as a stream, for somebody else to read.
    pub fn take_stream(&self) -> Option<ReadableStream> {
        match self.take_rest() {
            Rest::Untouched(stream) => stream,
            Rest::Left { .. } | Rest::Taken => None,
        }
    }

    /// Puts the rest of a body back, for a later reader.
    pub fn leave(&self, rest: Rest) {
        self.rest.replace(Some(rest));
    }

    /// Whether there is a header of this name, in lower case.
    pub fn has(&self, name: &str) -> bool {
        self.names.has(name)
    }

    /// A header's value, several joined by `, `. The name is in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        if !self.has(name) {
            return None;
        }
        self.headers.get(name).ok().flatten()
    }
}

impl headers::Headers for Incoming {
    fn names(&self) -> Names {
        self.names.clone()
    }

    fn value(&self, name: &str) -> Option<String> {
        self.headers.get(name).ok().flatten()
    }
}

/// Carries a plan out.
///
/// # Errors
/// When the runtime refuses a header that the plan sets.
pub fn apply(headers: &web_sys::Headers, plan: &Plan) -> Result<(), JsValue> {
    for name in &plan.drop {
        headers.delete(name)?;
    }
    for (name, value) in &plan.set {
        headers.set(name, value)?;
    }
    for (name, value) in &plan.append {
        // A name or value that cannot stand in a header is the origin's mistake.
        let _ = headers.append(name, value);
    }
    Ok(())
}

/// The names of all headers, in lower case, one a line.
pub fn names(headers: &web_sys::Headers) -> String {
    js_sys::Array::from(&headers.keys()).join("\n").into()
}
