//! Documents that everybody can read: key sets of issuers of job tokens, and what forges say of
//! repositories. No credential goes there, and nothing is cached on the way.

use web_sys::{Headers, RequestCache, RequestInit};

use super::body::read_stream;
use super::origin::{self, failed};
use postern_gate::Outage;
use postern_registry::ports::NotFetched;

/// How long an answer may take, its content included, in milliseconds.
const LIMIT_MS: u32 = 10_000;

/// Reads what stands at a URL. A redirect is not followed: whoever may say where keys are is named in
/// the configuration.
///
/// # Errors
/// [`NotFetched`].
pub async fn fetch_public(url: &str, limit: usize) -> Result<Vec<u8>, NotFetched> {
    let init = init().map_err(|error| not_fetched(failed(&error)))?;
    let response = origin::fetch(url, &init).await.map_err(not_fetched)?;
    match (response.status(), response.body()) {
        (200, body) => read_stream(body, limit)
            .await
            .map_err(|error| NotFetched::Failed(error.private())),
        (status, body) => {
            if let Some(body) = body {
                drop(body.cancel());
            }
            Err(NotFetched::Status(status))
        }
    }
}

fn init() -> Result<RequestInit, wasm_bindgen::JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    // GitHub's API refuses requests without one.
    headers.set("user-agent", "postern")?;
    let init = origin::request("GET", &headers, LIMIT_MS);
    init.set_cache(RequestCache::NoStore);
    Ok(init)
}

fn not_fetched(outage: Outage) -> NotFetched {
    NotFetched::Failed(match outage {
        Outage::Late => format!("no answer within {} s", LIMIT_MS / 1000),
        Outage::Failed(cause) => cause,
        Outage::Refused(error) => error.private(),
    })
}
