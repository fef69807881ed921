//! `POST /leaks`. Neither the answer nor its timing tells anything: the work is done after it.

use std::rc::Rc;

use super::incoming::Incoming;
use super::request_fields::{bucket, is_json, plain, requester};
use super::respond::Answer;
use crate::brake;
use crate::log::{self, RequestLog};
use crate::platform::Platform;
use postern_domain::caller::Caller;
use postern_registry::body::receive;
use postern_registry::config::Config;
use postern_registry::error::{CredentialError, Error, Result};
use postern_registry::leaks;

/// Largest report, in bytes.
const MAX_REPORT: usize = 1024 * 1024;

/// Receives a report.
pub async fn handle(
    incoming: &Incoming,
    config: &Rc<Config>,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<Answer> {
    if incoming.method != "POST" {
        return Err(Error::MethodNotAllowed { allow: "POST" });
    }
    log.operation = Some("leaks.report");
    if !is_json(incoming) {
        return Err(Error::MediaType {
            expected: "application/json",
        });
    }
    let (body, _) = receive(incoming, MAX_REPORT).await?;
    let body = zeroize::Zeroizing::new(body.bytes);
    plain(incoming, &body)?;
    let address = bucket(incoming, config);
    let report = leaks::receive(&body, &address, config, platform).await?;
    if report.is_empty() {
        // To look at garbage costs as much as to look at tokens, and takes from no bucket.
        let cause = CredentialError::Refused("a report without any credential");
        brake::count(&platform.env, address, cause).await?;
    }
    let mut from = requester(incoming, config, &Caller::Administrator);
    from.actor = "leak-report".to_owned();
    from.tier = "open".to_owned();
    if !report.is_empty() {
        let (config, ports) = (Rc::clone(config), platform.clone());
        platform.after_answer(async move {
            let (acted, causes) = leaks::act(&report, &from, &config, &ports).await;
            log::event(&serde_json::json!({
                "event": "leak_report",
                "request_id": from.request_id,
                "acted": acted,
                "failures": causes,
            }));
        });
    }
    Answer::secret(202, &serde_json::json!({ "status": "received" }))
}
