//! What goes to the platform's logs, and counts of requests. What the line of a request says is
//! decided in `postern_gate::request_log`.

use std::cell::OnceCell;

use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset, Env};

use super::platform::{config, now};
use postern_gate::request_log::RequestLog;

/// The dataset that counts go to, where it is bound.
const ANALYTICS: &str = "ANALYTICS";

thread_local! {
    /// The dataset, or that none is bound. Bindings cannot change while an isolate lives, nor variables.
    static DATASET: OnceCell<Option<AnalyticsEngineDataset>> = const { OnceCell::new() };
    /// Whether requests that went well are left out. Without a configuration none went well.
    static REFUSALS_ONLY: OnceCell<bool> = const { OnceCell::new() };
}

/// Finds out where counts go, and which requests have lines. Before this, nothing is counted, and all
/// have.
pub fn bind(env: &Env) {
    REFUSALS_ONLY.with(|only| {
        only.get_or_init(|| config(env).is_ok_and(|config| config.logs_refusals_only));
    });
    DATASET.with(|dataset| {
        dataset.get_or_init(|| env.analytics_engine(ANALYTICS).ok());
    });
}

/// Writes the line of a request that ends with this HTTP status, and counts it.
pub fn end(log: &mut RequestLog, status: u16) {
    log.end(status, now());
    let refusals_only = REFUSALS_ONLY.with(|only| only.get().is_some_and(|only| *only));
    if let Some(line) = log.line(refusals_only) {
        worker::console_log!("{line}");
    }
    DATASET.with(|dataset| {
        if let Some(Some(dataset)) = dataset.get() {
            count(log, dataset);
        }
    });
}

/// One data point: index the organization, blobs outcome, operation and tier, doubles 1,
/// milliseconds and HTTP status.
fn count(log: &RequestLog, dataset: &AnalyticsEngineDataset) {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds lie within 2^53")]
    let doubles = [1.0, log.ms as f64, f64::from(log.status)];
    let (index, blobs) = log.counted_by();
    let point = AnalyticsEngineDataPointBuilder::new();
    let point = point.indexes([index]).blobs(blobs).doubles(doubles);
    if let Err(error) = point.write_to(dataset) {
        failure("analytics", &error.to_string());
    }
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
