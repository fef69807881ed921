//! Requests to witnesses. No credential goes there; an answer is short and comes within seconds.

use web_sys::Headers;

use super::body::read_stream;
use super::origin::{self, failed};
use postern_gate::Outage;
use postern_registry::ports::WitnessAnswer;

/// How long an answer may take, its content included, in milliseconds.
const LIMIT_MS: u32 = 5_000;
/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Shows a checkpoint to a witness.
///
/// # Errors
/// Why it did not answer.
pub async fn show_witness(url: &str, body: &str) -> Result<WitnessAnswer, String> {
    let told = |outage: Outage| match outage {
        Outage::Late => format!("no answer within {} s", LIMIT_MS / 1000),
        Outage::Failed(cause) => cause,
        Outage::Refused(error) => error.private(),
    };
    let headers = Headers::new().map_err(|error| told(failed(&error)))?;
    headers
        .set("content-type", "text/plain; charset=utf-8")
        .map_err(|error| told(failed(&error)))?;
    let init = origin::request("POST", &headers, LIMIT_MS);
    init.set_body(&body.into());
    let response = origin::fetch(url, &init).await.map_err(told)?;
    let read = read_stream(response.body(), MAX_ANSWER).await;
    let bytes = read.map_err(|error| error.private())?;
    Ok(WitnessAnswer {
        status: response.status(),
        body: String::from_utf8(bytes).map_err(|_| "its answer is no text")?,
    })
}
