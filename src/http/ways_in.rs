//! Who makes a management call: the credentials that the request shows, the caller they lead to, and
//! the warnings that go with two of the ways in.

use serde_json::json;

use super::incoming::Incoming;
use super::request_fields::{bucket, is_json};
use crate::brake;
use crate::platform::{Platform, now};
use postern_domain::caller::Caller;
use postern_domain::operation::Operation;
use postern_registry::body::BodyRead;
use postern_registry::config::Config;
use postern_registry::error::{Error, Result};
use postern_registry::ways_in::{Knock, Shown, enter, show};
use postern_wire::site;

/// What a management call shows of itself.
pub struct AtDoor {
    operation: Operation,
    headers: [Option<String>; 5],
    /// Scheme, host and port that the call was sent to.
    at: String,
    writes: bool,
    is_json: bool,
}

impl AtDoor {
    /// Reads what the way in depends on.
    pub fn new(incoming: &Incoming, operation: Operation, config: &Config) -> Self {
        // A session counts where the dashboard is, and the origin's pages are not.
        let dashboard = config.has_dashboard(incoming.host());
        Self {
            operation,
            headers: [
                "authorization",
                "cookie",
                "postern-organization",
                "sec-fetch-site",
                "origin",
            ]
            .map(|name| match name {
                "cookie" if !dashboard => None,
                name => incoming.header(name),
            }),
            at: incoming.origin.clone(),
            writes: incoming.verb() != "GET",
            is_json: is_json(incoming),
        }
    }

    fn knock(&self) -> Knock<'_> {
        let [authorization, cookie, organization, fetch_site, origin] =
            self.headers.each_ref().map(Option::as_deref);
        Knock {
            operation: self.operation,
            authorization,
            cookie,
            organization,
            site: site::site(fetch_site, origin, &self.at),
            writes: self.writes,
            is_json: self.is_json,
        }
    }

    /// Checks what needs nobody to be asked, before the body is read.
    ///
    /// # Errors
    /// As [`show`], and `TooManyFailures` in place of `Credential`.
    pub async fn show(
        &self,
        incoming: &Incoming,
        config: &Config,
        platform: &Platform,
    ) -> Result<Shown> {
        match show(&self.knock(), config, now()) {
            Ok(shown) => Ok(shown),
            Err(error) => Err(slow(error.into(), incoming, config, platform).await),
        }
    }

    /// Who makes this call, once its body is here.
    ///
    /// # Errors
    /// As [`enter`], and `TooManyFailures` in place of `Credential`.
    pub async fn caller(
        &self,
        shown: &Shown,
        read: BodyRead,
        incoming: &Incoming,
        config: &Config,
        platform: &Platform,
    ) -> Result<Caller> {
        match enter(&self.knock(), shown, read, config, platform).await {
            Ok(caller) => {
                warn(&caller, self.operation, incoming, config);
                Ok(caller)
            }
            Err(error) => Err(slow(error, incoming, config, platform).await),
        }
    }
}

async fn slow(error: Error, incoming: &Incoming, config: &Config, platform: &Platform) -> Error {
    brake::slow(&platform.env, bucket(incoming, config), error).await
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
