//! HTTP: from a request to exactly one answer and one log line. What it is for, and what is answered,
//! `postern_registry::api` and `postern_gate` say.

mod answer;
mod api;
mod ask;
mod assets;
mod body;
mod client_address;
mod download;
pub mod forward;
mod incoming;
mod origin;
mod own_tokens;
mod public;
mod readiness;
mod respond;
mod witness;

pub use ask::ask;
pub use body::{broken, read_stream};
pub use forward::{Resumed, lost, resume};
pub use public::fetch_public;
pub use witness::show_witness;

use futures_util::FutureExt as _;
use incoming::Incoming;
use wasm_bindgen::JsValue;

use super::log;
use super::platform::{Platform, config, isolated, now};
use postern_gate::request_log::RequestLog;
use postern_registry::api::open::{self, AUDIT_KEYS_HEADERS, KEY_SET_HEADERS};
use postern_registry::api::{Destination, form, route};

/// Answers a request.
///
/// # Errors
/// Only when the runtime refuses to build an answer at all.
pub async fn handle(
    request: web_sys::Request,
    platform: Platform,
) -> Result<web_sys::Response, JsValue> {
    let begun = now();
    let incoming = Incoming::read(request)?;
    log::bind(&platform.env);
    let admin = config(&platform.env).ok();
    let admin = admin.as_ref().and_then(|config| config.admin.as_ref());
    let mut log = RequestLog::begin(
        &incoming.request_id,
        &incoming.method,
        &incoming.path,
        begun,
        |text| admin.is_some_and(|key| key.matches(text)),
    );
    let response = answer(&incoming, &platform, &mut log).await?;
    finish(&incoming, &platform, &mut log, response.status()).await;
    Ok(response)
}

/// Ends a request once its answer is known.
async fn finish(incoming: &Incoming, platform: &Platform, line: &mut RequestLog, status: u16) {
    body::finish(incoming).await;
    line.ledger_ms = platform.ledger_ms();
    log::end(line, status);
}

/// What is boxed is a function of its own, which the runtime compiles when it is first called: an open call does not
/// wait for those of the API.
async fn answer(
    incoming: &Incoming,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    let request = incoming.request();
    match route(&request, config(&platform.env)) {
        Destination::Health => api::write(readiness::healthz(), incoming, platform, log),
        Destination::Readiness(config) => {
            let told = readiness::readyz(&request, &config, platform, log);
            let told = told.boxed_local().await;
            api::write(told, incoming, platform, log)
        }
        Destination::Unconfigured(problems) => readiness::unconfigured(problems, incoming, log),
        Destination::KeySet(config) => match open::key_set(&config) {
            Ok(keys) => respond::text(200, &KEY_SET_HEADERS, &keys, incoming),
            Err(error) => respond::problem(&error, incoming, log),
        },
        Destination::AuditKeys(config) => match open::audit_keys(&request, &config) {
            Ok(keys) => respond::text(200, &AUDIT_KEYS_HEADERS, &keys, incoming),
            Err(error) => respond::problem(&error, incoming, log),
        },
        Destination::Dashboard => assets::redirect(),
        Destination::File(file) => {
            let served = assets::serve(incoming, &request, platform, file, log);
            served.boxed_local().await
        }
        Destination::Call(config) => match isolated(&config) {
            Ok(gate) => forward::call(incoming, &gate, platform, log).await,
            Err(error) => respond::refuse(form(&request), &error, incoming, log),
        },
        Destination::Api { config, routes } => {
            if routes {
                let gate = match isolated(&config) {
                    Ok(gate) => gate,
                    Err(error) => return respond::problem(&error, incoming, log),
                };
                let routed = forward::route(incoming, &gate, platform, log);
                if let Some(answered) = routed.boxed_local().await {
                    return answered;
                }
            }
            let answered = api::handle(incoming, &request, &config, platform, log);
            answered.boxed_local().await
        }
        Destination::Refused(form, error) => respond::refuse(form, &error, incoming, log),
    }
}
