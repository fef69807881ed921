//! The end of a new token, as a request gives it (R7).

use crate::error::{Error, Result};
use postern_domain::time::Timestamp;
use postern_wire::duration::{self, SpanError};
use postern_wire::rfc3339;

/// R7: at most one of the two forms, in the future, in whole seconds.
pub(crate) fn expiry(
    expires_at: Option<&str>,
    expires_in: Option<&str>,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let end = match (expires_at, expires_in) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Error::invalid(
                "expiry_ambiguous",
                "give `expires_at` or `expires_in`, not both",
            ));
        }
        (Some(at), None) => rfc3339::parse(at).ok_or_else(|| {
            Error::invalid(
                "expires_at_invalid",
                "`expires_at` must be an RFC 3339 moment such as `2030-01-31T12:00:00Z`",
            )
        })?,
        (None, Some(span)) => {
            let seconds = span_seconds(span)?;
            now.plus_millis(seconds.saturating_mul(1000))
        }
    }
    .floor_to_second();
    if end <= now {
        return Err(Error::invalid(
            "expiry_in_the_past",
            "the token would already have expired: give a moment in the future",
        ));
    }
    Ok(Some(end))
}

/// How many seconds a span has, at least one.
pub(crate) fn span_seconds(span: &str) -> Result<i64> {
    match duration::parse_seconds(span) {
        Ok(seconds @ 1..) => Ok(seconds),
        Err(SpanError::TooLong) => Err(Error::invalid(
            "expires_in_invalid",
            "`expires_in` can be at most 36500 days",
        )),
        Ok(_) | Err(SpanError::Malformed) => Err(Error::invalid(
            "expires_in_invalid",
            "`expires_in` must be a span such as `90d`, `12h` or `PT1H`",
        )),
    }
}
