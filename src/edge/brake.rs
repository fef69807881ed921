//! The brake on refused credentials: the platform's rate limit, one count for each client address.
//! Refuses to touch a good credential: it is asked only after one was refused, and can only change
//! the words of that refusal. Where the binding is absent it is off.

use worker::Env;

use super::log;
use crate::app::error::{CredentialError, Error};

/// The binding; how many refusals it allows in its period stands in wrangler.toml.
const BINDING: &str = "CREDENTIAL_BRAKE";
/// The binding's period, in seconds, which it does not tell.
const PERIOD_SECONDS: u32 = 60;

/// Counts a refused credential for the bucket of its address, and gives the refusal to answer
/// with. A call without any credential is not counted: nobody guesses by saying nothing.
pub async fn slow(env: &Env, bucket: String, error: Error) -> Error {
    let cause = match &error {
        Error::Credential(CredentialError::Missing) => return error,
        Error::Credential(cause) => *cause,
        _ => return error,
    };
    let Ok(limiter) = env.rate_limiter(BINDING) else {
        return error;
    };
    match limiter.limit(bucket).await {
        Ok(outcome) if !outcome.success => Error::TooManyFailures {
            retry_after_seconds: PERIOD_SECONDS,
            cause,
        },
        Ok(_) => error,
        Err(failure) => {
            log::failure("brake", &failure.to_string());
            error
        }
    }
}
