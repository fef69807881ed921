//! One structured line for each request, and its counts. Credentials are never logged, nor what
//! callers write freely (bodies, queries, user agents); of a path, only parts that cannot be a
//! credential.

use std::cell::OnceCell;

use serde::Serialize;
use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset, Env};

use super::platform::now;
use postern_domain::caller::Caller;
use postern_domain::name::Label;
use postern_domain::time::Timestamp;
use postern_domain::token::OPAQUE_PREFIX;
use postern_registry::config::MIN_ADMIN_KEY;
use postern_registry::error::Error;

/// The dataset that counts go to, where it is bound.
const ANALYTICS: &str = "ANALYTICS";

thread_local! {
    /// The dataset, or that none is bound. Bindings cannot change while an isolate lives.
    static DATASET: OnceCell<Option<AnalyticsEngineDataset>> = const { OnceCell::new() };
}

/// Finds out where counts go. Before this, nothing is counted.
pub fn bind(env: &Env) {
    DATASET.with(|dataset| {
        dataset.get_or_init(|| env.analytics_engine(ANALYTICS).ok());
    });
}

/// Longest part of a path that the line repeats: a UUID and the names of the origin's services fit;
/// tokens do not, nor does a key with something before it.
const MAX_PART: usize = 40;

/// What the line says. Absent things are left out.
#[derive(Debug, Default, Serialize)]
pub struct RequestLog {
    pub request_id: String,
    pub method: String,
    pub path: String,
    pub status: u16,
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
    /// The name of the organization that the call is about, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_status: Option<u16>,
    /// Milliseconds until the caller was known, all the way to the answer's head, and of these
    /// for Ledgers and for the origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_ms: Option<i64>,
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

    /// Notes who called, and when that was known.
    pub fn caller_at(&mut self, caller: &Caller, at: Timestamp) {
        self.credential_ms = self.begun.map(|begun| at.since(begun));
        self.tier = Some(caller.tier());
        if let Some(facts) = caller.token() {
            self.token_id = Some(facts.id.to_string());
            self.token_prefix = Some(facts.display_prefix());
            self.organization = Some(facts.organization.name.clone());
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

    /// Writes the line and counts it.
    pub fn end(&mut self, status: u16) {
        self.status = status;
        self.ms = self.since_begin().unwrap_or_default();
        if let Ok(line) = serde_json::to_string(&*self) {
            worker::console_log!("{line}");
        }
        DATASET.with(|dataset| {
            if let Some(Some(dataset)) = dataset.get() {
                self.count(dataset);
            }
        });
    }

    fn since_begin(&self) -> Option<i64> {
        self.begun.map(|begun| now().since(begun))
    }

    /// One data point, where a dataset is bound: index the organization, blobs outcome, operation
    /// and tier, doubles 1, milliseconds and HTTP status.
    fn count(&self, dataset: &AnalyticsEngineDataset) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds lie within 2^53")]
        let written = AnalyticsEngineDataPointBuilder::new()
            .indexes([self.organization.as_deref().unwrap_or("-")])
            .blobs([
                self.outcome,
                self.operation.unwrap_or("-"),
                self.tier.unwrap_or("-"),
            ])
            .doubles([1.0, self.ms as f64, f64::from(self.status)])
            .write_to(dataset);
        if let Err(error) = written {
            failure("analytics", &error.to_string());
        }
    }
}

/// A path whose parts that could be credentials are left out, percent-encoded ones included.
fn scrubbed(path: &str, is_key: impl Fn(&str) -> bool) -> String {
    let is_key = |text: &str| text.len() >= MIN_ADMIN_KEY && is_key(text);
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

/// Something that happened outside any request.
pub fn event(value: &serde_json::Value) {
    worker::console_log!("{value}");
}

/// A failure outside any request, such as in an alarm.
pub fn failure(place: &str, cause: &str) {
    worker::console_error!(
        "{}",
        serde_json::json!({ "level": "error", "place": place, "cause": cause })
    );
}

#[cfg(test)]
mod tests {
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
            (format!("/org/{}", "e".repeat(65)), "/org/…".to_owned()),
            ("/orgs/p%73t_abc".to_owned(), "/orgs/…".to_owned()),
        ];
        for (path, expected) in rows {
            assert_eq!(scrubbed(&path, |text| text == key), expected, "{path}");
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
