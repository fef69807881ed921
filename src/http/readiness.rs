//! `/healthz` and `/readyz`. They name what does not answer; causes are in the log.

use serde_json::json;
use wasm_bindgen::JsValue;

use super::client_address;
use super::incoming::Incoming;
use super::respond::{self, Answer, Content};
use crate::log::{self, RequestLog};
use crate::objects::ledger_client;
use crate::platform::{Platform, config};
use crate::store::{audit, d1};
use postern_gate::error_answer;
use postern_registry::error::Error;

/// The isolate runs. Asks nothing else.
pub fn healthz(incoming: &Incoming, log: &mut RequestLog) -> Result<web_sys::Response, JsValue> {
    if incoming.verb() == "GET" {
        answer(incoming, 200, &json!({ "status": "ok" }))
    } else {
        respond::problem(&NOT_READ, incoming, log)
    }
}

const NOT_READ: Error = Error::MethodNotAllowed { allow: "GET" };

/// Everything an answer can depend on, and how long leases last.
pub async fn readyz(
    incoming: &Incoming,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<web_sys::Response, JsValue> {
    if incoming.verb() != "GET" {
        return respond::problem(&NOT_READ, incoming, log);
    }
    let config = match config(&platform.env) {
        Ok(config) => config,
        Err(problems) => {
            let error = Error::Misconfigured {
                problems: problems.clone(),
            };
            log.refused(&error);
            let answer = error_answer::misconfigured(problems, &incoming.request_id);
            return respond::write(&answer, incoming);
        }
    };
    // Both ends of the schema: the oldest table, and the newest column.
    let probe = "select (select id from organizations limit 1) as a, \
                 (select over from tokens limit 1) as b";
    let record = d1::rows::<serde_json::Value>(&platform.env, probe, vec![]).await;
    let guarded = audit::is_guarded(&platform.env).await;
    let ledger = ledger_client::ping(&platform.env).await;
    let facts = match platform.env.kv("FACTS") {
        Ok(store) => store
            .get("readiness")
            .text()
            .await
            .map(|_| ())
            .map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let state = |answered: bool| if answered { "ready" } else { "unavailable" };
    // The Ledgers themselves have logged which ones.
    let refused = ledger.as_ref().is_ok_and(|refused| *refused > 0);
    let untouched = !refused && guarded.as_ref().is_ok_and(|guarded| *guarded);
    for (place, cause) in [
        ("readyz.record", record.as_ref().err().map(Error::private)),
        ("readyz.ledger", ledger.as_ref().err().map(Error::private)),
        ("readyz.facts", facts.as_ref().err().cloned()),
        (
            "readyz.audit",
            match &guarded {
                Ok(true) => None,
                Ok(false) => Some(audit::UNGUARDED.to_owned()),
                Err(error) => Some(error.private()),
            },
        ),
    ] {
        if let Some(cause) = cause {
            log::failure(place, &cause);
        }
    }
    // Without KV the record answers in its stead.
    let ready = record.is_ok() && ledger.is_ok() && untouched;
    if !ready {
        log.outcome = "unavailable";
    }
    // Its own address too: a probe may come the way that callers come.
    incoming.address(&config.trusted_ip_header);
    let body = json!({
        "status": state(ready),
        "revocation_lease_ms": config.revocation_lease_ms,
        "dependencies": {
            "configuration": "ready",
            "record": state(record.is_ok()),
            "ledger": state(ledger.is_ok()),
            "facts": state(facts.is_ok()),
            "audit": state(untouched),
        },
        "unheeded_variables": config.ignored,
        "client_addresses": client_address::state(),
    });
    answer(incoming, if ready { 200 } else { 503 }, &body)
}

fn answer(
    incoming: &Incoming,
    status: u16,
    body: &serde_json::Value,
) -> Result<web_sys::Response, JsValue> {
    let answer = Answer {
        status,
        body: Content::Json(body.to_string()),
        no_store: true,
        deprecated: false,
        is_early: false,
    };
    respond::json(&answer, incoming)
}
