//! HTTP: from a request to exactly one answer and one log line. What no route knows is 404.

mod answer;
mod assets;
mod audit;
mod body;
mod client_address;
mod explain;
mod forward;
mod incoming;
mod jwks;
mod leaks;
mod management;
mod oauth;
mod openapi;
mod origin;
mod readiness;
mod request_fields;
mod respond;
mod ways_in;

pub use body::read_stream;

use std::rc::Rc;

use incoming::Incoming;
use wasm_bindgen::JsValue;

use super::log::RequestLog;
use super::platform::{Platform, config, isolated, now};
use postern_domain::rpc::ORIGIN_PREFIX;
use postern_gate::RefusalForm;
use postern_registry::config::Config;
use postern_registry::error::Error;

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
    let admin = config(&platform.env).ok();
    let admin = admin.as_ref().and_then(|config| config.admin.as_ref());
    let mut log = RequestLog::begin(
        &incoming.request_id,
        &incoming.method,
        &incoming.path,
        begun,
        |text| admin.is_some_and(|key| key.matches(text)),
    );
    let response = route(&incoming, &platform, &mut log).await?;
    body::finish(&incoming).await;
    log.ledger_ms = platform.ledger_ms();
    log.end(response.status(), &platform.env);
    Ok(response)
}

async fn route(
    incoming: &Incoming,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    let path = incoming.path.as_str();
    // Browsers say so of the script of a service worker, and of nothing else. One that is installed
    // answers in the gateway's place.
    if incoming.has("service-worker") && !path.starts_with("/dashboard/") {
        return refuse(incoming, &Error::ServiceWorker, log);
    }
    match path {
        "/healthz" => return readiness::healthz(incoming, log),
        "/readyz" => return readiness::readyz(incoming, platform, log).await,
        "/openapi.json" => return openapi::serve(incoming, log),
        _ => {}
    }
    let config = config(&platform.env);
    if let Some(file) = path.strip_prefix("/dashboard") {
        // Without a configuration there is nothing else to share an origin with.
        let here = |config: &Rc<Config>| config.has_dashboard(incoming.host());
        if !config.as_ref().ok().is_none_or(here) {
            return respond::problem(&Error::NotFound { what: "route" }, incoming, log);
        }
        return assets::serve(incoming, platform, file, log).await;
    }
    let config = match config {
        Ok(config) => config,
        Err(problems) => return refuse(incoming, &Error::Misconfigured { problems }, log),
    };
    let gate = match isolated(&config) {
        Ok(gate) => gate,
        Err(error) => return refuse(incoming, &error, log),
    };
    let has_origin = config.has_origin(incoming.host());
    if path.starts_with(ORIGIN_PREFIX) {
        if !has_origin {
            return refuse(incoming, &Error::NotFound { what: "route" }, log);
        }
        return forward::call(incoming, &gate, platform, log).await;
    }
    if path == "/.well-known/jwks.json" {
        return jwks::serve(incoming, &config, log);
    }
    if has_origin && let Some(answered) = forward::route(incoming, &gate, platform, log).await {
        return answered;
    }
    let answered = if path.starts_with("/oauth/") {
        oauth::handle(incoming, &config, platform, log).await
    } else if path == "/explain" {
        explain::handle(incoming, &config, platform, log).await
    } else if path == "/leaks" {
        leaks::handle(incoming, &config, platform, log).await
    } else {
        management::handle(incoming, &config, platform, log).await
    };
    match answered {
        Ok(answer) => respond::json(&answer, incoming),
        Err(error) => respond::problem(&error, incoming, log),
    }
}

/// Refuses in the form that callers of this path read.
fn refuse(
    incoming: &Incoming,
    error: &Error,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    let form = match incoming.path.starts_with(ORIGIN_PREFIX) {
        true => RefusalForm::of(&incoming.header("content-type").unwrap_or_default()),
        false => RefusalForm::Problem,
    };
    respond::refuse(form, error, incoming, log)
}
