//! The gateway's calls to a MintLimiter. A limiter that does not answer stops the mint.

use worker::{Env, Method, Request};

use postern_domain::bucket::{Empty, Rate};
use postern_registry::error::{Error, Result};

/// The binding.
const BINDING: &str = "MINT_LIMITER";

/// Takes one mint from the bucket.
pub async fn take(env: &Env, bucket: &str, rate: Rate) -> Result<core::result::Result<(), Empty>> {
    let (status, text) = call(env, bucket, "take", rate).await?;
    match status {
        204 => Ok(Ok(())),
        429 => text
            .parse()
            .map(|retry_after_seconds| {
                Err(Empty {
                    retry_after_seconds,
                })
            })
            .map_err(failed),
        _ => Err(failed(format!("status {status}"))),
    }
}

/// Gives one mint back.
pub async fn give_back(env: &Env, bucket: &str, rate: Rate) -> Result<()> {
    match call(env, bucket, "give-back", rate).await? {
        (204, _) => Ok(()),
        (status, _) => Err(failed(format!("status {status}"))),
    }
}

async fn call(env: &Env, bucket: &str, verb: &str, rate: Rate) -> Result<(u16, String)> {
    let url = format!("http://limiter/{verb}/{}", rate.limit());
    let stub = env
        .durable_object(BINDING)
        .and_then(|namespace| namespace.get_by_name(bucket))
        .map_err(failed)?;
    let request = Request::new(&url, Method::Post).map_err(failed)?;
    let mut answer = stub.fetch_with_request(request).await.map_err(failed)?;
    let text = answer.text().await.map_err(failed)?;
    Ok((answer.status_code(), text))
}

fn failed(error: impl core::fmt::Display) -> Error {
    Error::unavailable(format!("MintLimiter: {error}"))
}
