//! The brake on refused credentials: the platform's rate limit, one count for each client address.
//! What is counted, `postern_gate` and `postern_registry::api` say. Where the binding is absent the
//! brake is off.

use worker::Env;

use super::log;
use postern_registry::error::{CredentialError, Error};

/// The binding; how many refusals it allows in its period stands in wrangler.toml.
const BINDING: &str = "CREDENTIAL_BRAKE";
/// The binding's period, in seconds, which it does not tell.
const PERIOD_SECONDS: u32 = 60;

/// Counts what is no credential for the bucket of its address.
///
/// # Errors
/// `TooManyFailures`, with this cause for the log.
pub async fn count(env: &Env, bucket: String, cause: CredentialError) -> Result<(), Error> {
    let Ok(limiter) = env.rate_limiter(BINDING) else {
        return Ok(());
    };
    match limiter.limit(bucket).await {
        Ok(outcome) if !outcome.success => Err(Error::TooManyFailures {
            retry_after_seconds: PERIOD_SECONDS,
            cause,
        }),
        Ok(_) => Ok(()),
        Err(failure) => {
            log::failure("brake", &failure.to_string());
            Ok(())
        }
    }
}
