//! What goes to the platform's logs, and counts of requests. What the line of a request says is
//! decided in `postern_gate::request_log`.

use std::cell::OnceCell;

use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset, Env};

use super::platform::now;
use postern_gate::request_log::RequestLog;

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

/// Writes the line of a request that ends with this HTTP status, and counts it.
pub fn end(log: &mut RequestLog, status: u16) {
    if let Some(line) = log.line(status, now()) {
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
