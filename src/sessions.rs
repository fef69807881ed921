//! The control plane's session endpoint, and its answers of the last seconds in this isolate's
//! memory. No cookie is kept: only its hash is a key here. Redirects, slow answers and long ones
//! are refused.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, RequestRedirect, Response, WorkerGlobalScope};

use super::http::read_stream;
use postern_domain::session::Person;
use postern_domain::time::Timestamp;
use postern_gate::config::origin_headers::OriginHeader;
use postern_registry::error::{Error, Result};
use postern_registry::ports::SessionAnswer;
use postern_registry::session::{MAX_ANSWER, TIME_LIMIT_MS};

/// Most sessions remembered at a time.
const CAPACITY: usize = 1_024;

type Remembered = HashMap<[u8; 32], (Rc<Person>, Timestamp)>;

thread_local! {
    static PERSONS: RefCell<Remembered> = RefCell::new(HashMap::new());
}

/// The person of a cookie's hash, if the answer is still fresh.
pub fn remembered(cookie: &[u8; 32], now: Timestamp) -> Option<Rc<Person>> {
    PERSONS.with(|slot| {
        let map = slot.borrow();
        let (person, until) = map.get(cookie)?;
        (now < *until).then(|| Rc::clone(person))
    })
}

/// Remembers a person. Where there is no room, the stale go first, and then all.
pub fn remember(cookie: [u8; 32], person: &Rc<Person>, until: Timestamp, now: Timestamp) {
    PERSONS.with(|slot| {
        let mut map = slot.borrow_mut();
        if map.len() >= CAPACITY {
            map.retain(|_, (_, until)| now < *until);
        }
        if map.len() >= CAPACITY {
            map.clear();
        }
        map.insert(cookie, (Rc::clone(person), until));
    });
}

/// Shows the cookie to the endpoint, with headers of the gateway's own.
///
/// # Errors
/// `Unavailable` when it does not answer in time or answers too much.
pub async fn ask(url: &str, cookie: &str, own: &[OriginHeader]) -> Result<SessionAnswer> {
    let init = request(cookie, own).map_err(failed)?;
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response: Response = JsFuture::from(scope.fetch_with_str_and_init(url, &init))
        .await
        .map_err(failed)?
        .unchecked_into();
    let status = response.status();
    // Only a 200 is read: of the others the status says it all.
    let body = match (status, response.body()) {
        (200, body) => read_stream(body, MAX_ANSWER).await.map_err(|error| {
            Error::unavailable(format!("the session endpoint: {}", error.private()))
        })?,
        (_, Some(body)) => {
            drop(body.cancel());
            Vec::new()
        }
        (_, None) => Vec::new(),
    };
    Ok(SessionAnswer { status, body })
}

fn request(cookie: &str, own: &[OriginHeader]) -> core::result::Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    for header in own {
        headers.set(&header.name, header.value.expose())?;
    }
    headers.set("cookie", cookie)?;
    headers.set("accept", "application/json")?;
    let init = RequestInit::new();
    init.set_method("GET");
    init.set_headers(&headers);
    // The endpoint is where SESSION_VERIFY_URL says: a cookie goes nowhere else.
    init.set_redirect(RequestRedirect::Manual);
    // It holds for the body as well.
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIME_LIMIT_MS)));
    Ok(init)
}

fn failed(error: JsValue) -> Error {
    let cause = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .unwrap_or_else(|| "no answer".to_owned());
    Error::unavailable(format!("the session endpoint: {cause}"))
}
