//! `/healthz` and `/readyz`: everything that an answer can depend on is asked, once for each call.

use serde_json::json;
use wasm_bindgen::JsValue;

use super::client_address;
use super::incoming::Incoming;
use super::respond;
use crate::log;
use crate::objects::ledger_client;
use crate::platform::{Platform, now};
use crate::store::{audit, d1};
use postern_gate::error_answer;
use postern_gate::request_log::RequestLog;
use postern_registry::api::{Answer, Found, Request};
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::ports::Isolate as _;

/// D1 at both ends of its schema: the oldest table, the newest column and the newest index.
const PROBE: &str = "select (select id from organizations limit 1) as a, \
                     (select revision from tokens limit 1) as b, \
                     (select sequence from audit indexed by audit_by_former_name \
                     where organization_id = '' and action = 'token.edit' limit 1) as c";

/// The isolate runs. Asks nothing else.
pub fn healthz() -> Result<Answer> {
    Answer::secret(200, &json!({ "status": "ok" }))
}

/// Whether everything is there, and how long leases last.
pub async fn readyz(
    request: &Request<'_>,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<Answer> {
    let found = ask(platform).await;
    for (place, cause) in found.causes() {
        log::failure(place, cause);
    }
    if !found.is_ready() {
        log.outcome = "unavailable";
    }
    // Its own address too: a probe may come the way that callers come.
    request.address(config);
    if let Some(unread) = request.unread() {
        client_address::met(unread);
    }
    found.answer(config, (client_address::state(), upstream(platform)))
}

/// Whether the origin has refused upstream credentials, as this isolate has met it.
fn upstream(platform: &Platform) -> &'static str {
    let state = platform.gate(|gate| gate.memory.upstream_trouble.state(now()));
    state.unwrap_or("unused")
}

/// What is wrong with the configuration.
pub fn unconfigured(
    problems: Vec<String>,
    incoming: &Incoming,
    log: &mut RequestLog,
) -> core::result::Result<web_sys::Response, JsValue> {
    log.refused(&Error::Misconfigured {
        problems: problems.clone(),
    });
    let answer = error_answer::misconfigured(problems, &incoming.request_id);
    respond::write(&answer, incoming)
}

async fn ask(platform: &Platform) -> Found {
    let env = &platform.env;
    let private = |error: Error| error.private();
    let record = d1::rows::<serde_json::Value>(env, PROBE, vec![]).await;
    let guarded = audit::is_guarded(env).await;
    let ledger = ledger_client::ping(env).await;
    let facts = match env.kv("FACTS") {
        Ok(store) => store
            .get("readiness")
            .text()
            .await
            .map(drop)
            .map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    Found {
        record: record.map(drop).map_err(private),
        guarded: guarded.map_err(private),
        ledger: ledger.map_err(private),
        facts,
    }
}
