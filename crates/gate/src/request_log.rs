//! One structured line for each request. Credentials are never in it, nor what callers write freely
//! (bodies, queries, user agents); of a path, only parts that cannot be a credential.

use serde::Serialize;

use postern_domain::audit::NotedChanges;
use postern_domain::caller::Caller;
use postern_domain::name::Label;
use postern_domain::time::Timestamp;
use postern_domain::token::OPAQUE_PREFIX;

use crate::call::Notes;
use crate::config::MIN_ADMIN_KEY;
use crate::error::Error;

/// Longest part of a path that the line repeats: a UUID and the names of the origin's services fit;
/// tokens do not, nor does a key with something before it.
const MAX_PART: usize = 40;

/// What the line says; absent things are left out.
#[derive(Debug, Default, Serialize)]
pub struct RequestLog {
    /// The id that the gateway gave the request.
    pub request_id: String,
    /// The HTTP method, as it came.
    pub method: String,
    /// The path, without what could be a credential.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The gRPC status of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<u8>,
    /// The decision: `ok`, or the code of the error.
    pub outcome: &'static str,
    /// The private reason of a refusal or failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Which way in admitted the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<&'static str>,
    /// Of the caller, where it is an administrator key that has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_name: Option<String>,
    /// The name of the organization that the call is about, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Of the caller, where it is a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// The beginning of its text, as lists show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_prefix: Option<String>,
    /// Of the caller, where it is a token that a trust rule gave: the CI job (R47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci_job: Option<NotedChanges>,
    /// Of the caller, where it is a person with a user token: the control plane's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Which call or route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// The origin's HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_status: Option<u16>,
    /// Milliseconds until the caller was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_ms: Option<i64>,
    /// Of these, milliseconds that it waited for Ledgers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_ms: Option<i64>,
    /// Of these, milliseconds that it waited for the origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_ms: Option<i64>,
    /// Milliseconds to the head of the answer.
    pub ms: i64,
    #[serde(skip)]
    begun: Option<Timestamp>,
}

impl RequestLog {
    /// The line of a request that has just arrived. `is_key` tells the administrator key.
    pub fn begin(
        request_id: &str,
        method: &str,
        path: &str,
        begun: Timestamp,
        is_key: impl Fn(&str) -> bool,
    ) -> Self {
        Self {
            request_id: request_id.to_owned(),
            method: method.to_owned(),
            path: scrubbed(path, is_key),
            outcome: "ok",
            begun: Some(begun),
            ..Self::default()
        }
    }

    /// Notes what the machine tells of a call.
    pub fn noted(&mut self, notes: &Notes) {
        if notes.operation.is_some() {
            self.operation = notes.operation;
        }
        if let Some((caller, at)) = &notes.caller {
            self.caller_at(caller, *at);
        }
        if let Some((status, ms)) = notes.origin {
            self.origin_status = Some(status);
            self.origin_ms = Some(ms);
        }
    }

    /// Notes who called, and when that was known.
    pub fn caller_at(&mut self, caller: &Caller, at: Timestamp) {
        self.credential_ms = self.begun.map(|begun| at.since(begun));
        self.tier = Some(caller.tier());
        self.admin_name = caller.admin_name().map(|name| name.as_str().to_owned());
        self.user_id = caller.person().map(|user| user.to_string());
        if let Some(facts) = caller.token() {
            self.token_id = Some(facts.id.to_string());
            self.token_prefix = Some(facts.display_prefix());
            self.organization = Some(facts.organization.name.clone());
            self.ci_job = facts.ci_job.as_ref().map(|job| job.noted());
        }
    }

    /// Notes the organization that a caller above organizations has named.
    pub fn organization(&mut self, named: Option<&str>) {
        let label = named.and_then(|name| Label::parse(name.trim()).ok());
        self.organization = label.map(|label| label.as_str().to_owned());
    }

    /// Notes a refusal or failure, and why. What is wrong with a request is said in its answer,
    /// in words of the request; they are not repeated here.
    pub fn refused(&mut self, error: &Error) {
        self.outcome = error.code();
        self.cause = match error {
            Error::Invalid { .. } => None,
            _ => Some(error.private()),
        };
    }

    /// Notes that the request ends now with this HTTP status.
    pub fn end(&mut self, status: u16, now: Timestamp) {
        self.status = status;
        self.ms = self.begun.map_or(0, |begun| now.since(begun));
    }

    /// Its line, as JSON; `None` where it cannot be written, or `refusals_only` leaves it out.
    pub fn line(&self, refusals_only: bool) -> Option<String> {
        if refusals_only && self.went_well() {
            return None;
        }
        serde_json::to_string(self).ok()
    }

    /// Whether neither the gateway nor the origin has refused the request or failed, as far as the
    /// head of its answer tells.
    fn went_well(&self) -> bool {
        self.outcome == "ok" && self.status < 400
    }

    /// What is counted of it: by organization, outcome, operation and tier.
    pub fn counted_by(&self) -> (&str, [&str; 3]) {
        let organization = self.organization.as_deref().unwrap_or("-");
        let (operation, tier) = (self.operation.unwrap_or("-"), self.tier.unwrap_or("-"));
        (organization, [self.outcome, operation, tier])
    }
}

/// A path whose parts that could be credentials are left out, percent-encoded ones included.
fn scrubbed(path: &str, is_key: impl Fn(&str) -> bool) -> String {
    // A key may have been pasted with its name.
    let is_key = |text: &str| {
        let key = text.split_once(':').map_or(text, |(_, key)| key);
        key.len() >= MIN_ADMIN_KEY && is_key(key)
    };
    let hidden = |part: &str| {
        part.len() > MAX_PART || part.contains('%') || part.contains(OPAQUE_PREFIX) || is_key(part)
    };
    // A key may have slashes in it, so that no single part is one.
    let whole = path.trim_start_matches('/');
    if is_key(whole) {
        return "/…".to_owned();
    }
    let parts = path.split('/').map(|part| match hidden(part) {
        true => "…",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn paths_are_repeated_without_what_could_be_a_credential() {
        let key = "an-administrator-key-for-tests-0123456789";
        let id = "00000000-0000-4000-8000-000000000001";
        let opaque = format!("pst_{}", "x".repeat(71));
        let rows = [
            ("/".to_owned(), "/".to_owned()),
            ("/org/tokens".to_owned(), "/org/tokens".to_owned()),
            (
                format!("/org/tokens/{id}/rotate"),
                format!("/org/tokens/{id}/rotate"),
            ),
            (
                "/controlplane.v1.AttestationStateService/Initialized".to_owned(),
                "/controlplane.v1.AttestationStateService/Initialized".to_owned(),
            ),
            (format!("/org/tokens/{opaque}"), "/org/tokens/…".to_owned()),
            ("/orgs/pst_abc".to_owned(), "/orgs/…".to_owned()),
            (format!("/orgs/{key}"), "/orgs/…".to_owned()),
            (format!("/{key}"), "/…".to_owned()),
            (format!("/orgs/ops:{key}"), "/…".to_owned()),
            (format!("/org/{}", "e".repeat(65)), "/org/…".to_owned()),
            ("/orgs/p%73t_abc".to_owned(), "/orgs/…".to_owned()),
        ];
        for (path, expected) in rows {
            assert_eq!(scrubbed(&path, |text| text == key), expected, "{path}");
        }
    }

    #[test]
    fn the_line_names_the_administrator_key_where_it_has_a_name() {
        for name in [None, Some("ops")] {
            let now = Timestamp::from_millis(1);
            let mut log = RequestLog::begin("id", "GET", "/", now, |_| false);
            let label = name.and_then(|name| Label::parse(name).ok()).map(Rc::new);
            log.caller_at(&Caller::Administrator(label), now);
            assert_eq!((log.tier, log.admin_name.as_deref()), (Some("admin"), name));
        }
    }

    #[test]
    fn without_what_went_well_the_log_has_refusals_and_failures() {
        let refused = Error::unavailable("D1: gone");
        let rows = [
            // status, refused, in the log of refusals
            (200, None, false),
            (204, None, false),
            (304, None, false),
            (404, None, true),
            (502, None, true),
            // gRPC-Web says 200 to everything.
            (200, Some(&refused), true),
            (503, Some(&refused), true),
        ];
        for (status, refused, expected) in rows {
            let now = Timestamp::from_millis(1);
            let mut log = RequestLog::begin("id", "GET", "/", now, |_| false);
            if let Some(error) = refused {
                log.refused(error);
            }
            log.end(status, now);
            assert_eq!(log.line(true).is_some(), expected, "{status} {refused:?}");
            assert!(log.line(false).is_some(), "{status} {refused:?}");
        }
    }

    #[test]
    fn the_words_of_a_wrong_request_are_not_repeated() {
        let mut log = RequestLog::default();
        log.refused(&Error::invalid("body_invalid", "invalid type: `pst_…`"));
        assert_eq!((log.outcome, &log.cause), ("body_invalid", &None));
        log.refused(&Error::unavailable("D1: gone"));
        assert_eq!(log.cause.as_deref(), Some("D1: gone"));
    }
}
