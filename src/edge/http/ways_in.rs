//! A management call at the door: what it shows of itself, who it turns out to be, and the warnings
//! that two of the ways in come with. Refuses to let either of them be used silently.

use serde_json::json;

use super::asked::{bucket, is_json};
use super::incoming::Incoming;
use crate::app::config::Config;
use crate::app::error::Result;
use crate::app::ways_in::{Knock, enter};
use crate::domain::caller::Caller;
use crate::domain::operation::Operation;
use crate::edge::brake;
use crate::edge::log::RequestLog;
use crate::edge::platform::Platform;
use crate::wire::site;

/// Who makes this management call.
///
/// # Errors
/// As [`enter`], and `TooManyFailures` in place of `Credential`.
pub async fn caller(
    incoming: &Incoming,
    operation: Operation,
    config: &Config,
    platform: &Platform,
    log: &mut RequestLog,
) -> Result<Caller> {
    let [authorization, cookie, organization, fetch_site, origin] = [
        "authorization",
        "cookie",
        "postern-organization",
        "sec-fetch-site",
        "origin",
    ]
    .map(|name| incoming.header(name));
    let knock = Knock {
        operation,
        authorization: authorization.as_deref(),
        // A session counts where the dashboard is, and the origin's pages are not.
        cookie: cookie
            .as_deref()
            .filter(|_| config.has_dashboard(incoming.host())),
        organization: organization.as_deref(),
        site: site::site(fetch_site.as_deref(), origin.as_deref(), &incoming.origin),
        writes: incoming.verb() != "GET",
        is_json: is_json(incoming),
    };
    match enter(&knock, config, platform).await {
        Ok(caller) => {
            log.caller(&caller);
            warn(&caller, operation, incoming, config);
            Ok(caller)
        }
        Err(error) => Err(brake::slow(&platform.env, bucket(incoming, config), error).await),
    }
}

/// One line more for the two ways in that should not stay.
fn warn(caller: &Caller, operation: Operation, incoming: &Incoming, config: &Config) {
    let (event, advice) = match caller {
        Caller::Bootstrap => (
            "bootstrap_use",
            "management is open to everybody: mint a token, then set BOOTSTRAP to closed",
        ),
        Caller::WorkflowReader(_) => (
            "workflow_read_use",
            "workflow tokens read management routes: use an organization token, then set \
             WORKFLOW_TOKEN_READ to off",
        ),
        Caller::Session(_) | Caller::Token(_) | Caller::Administrator => return,
    };
    let address = incoming.address(&config.trusted_ip_header);
    let line = json!({
        "level": "warning",
        "event": event,
        "advice": advice,
        "operation": operation.name(),
        "actor": caller.provenance(),
        "address": address.map(|address| address.to_string()),
        "for_request": incoming.request_id,
    });
    worker::console_warn!("{line}");
}
