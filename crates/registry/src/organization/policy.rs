//! What new tokens of an organization must keep to (R53): as requests give it, and the refusals.

use crate::config::Config;
use crate::error::{Error, Result};
use postern_domain::organization::{ExpiryRefusal, MAX_LIFETIME_DAYS, OrganizationPolicy};
use postern_wire::duration;

const DAY_SECONDS: i64 = 86_400;

/// The members of a body that are about new tokens; `None` = absent.
pub(super) struct Asked {
    pub max_lifetime_days: Option<u32>,
    /// `null` = none.
    pub default_expires_in: Option<Option<String>>,
    /// `null` = every issuer of the deployment.
    pub trusted_issuers: Option<Option<Vec<String>>>,
}

impl Asked {
    /// Whether any is there.
    pub fn is_any(&self) -> bool {
        self.max_lifetime_days.is_some()
            || self.default_expires_in.is_some()
            || self.trusted_issuers.is_some()
    }

    /// The policy that results. Issuers are named as trust rules name them, and kept by their URLs.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn over(self, before: &OrganizationPolicy, config: &Config) -> Result<OrganizationPolicy> {
        let max_lifetime_days = self.max_lifetime_days.unwrap_or(before.max_lifetime_days);
        if max_lifetime_days > MAX_LIFETIME_DAYS {
            return Err(Error::invalid(
                "max_lifetime_days_invalid",
                format!("`max_lifetime_days` must be 0 to {MAX_LIFETIME_DAYS}; 0 means no limit"),
            ));
        }
        let default_expires_in = match self.default_expires_in {
            None => before.default_expires_in,
            Some(None) => None,
            Some(Some(span)) => Some(seconds(&span)?),
        };
        let latest = i64::from(max_lifetime_days) * DAY_SECONDS;
        if latest > 0 && default_expires_in.is_some_and(|span| i64::from(span) > latest) {
            return Err(wrong_default(
                "must not be longer than `max_lifetime_days` allows",
            ));
        }
        let trusted_issuers = match self.trusted_issuers {
            None => before.trusted_issuers.clone(),
            Some(None) => None,
            Some(Some(names)) => Some(urls(&names, config)?),
        };
        Ok(OrganizationPolicy {
            max_lifetime_days,
            default_expires_in,
            trusted_issuers,
        })
    }
}

fn wrong_default(why: &str) -> Error {
    Error::invalid(
        "default_expires_in_invalid",
        format!("`default_expires_in` {why}"),
    )
}

fn seconds(span: &str) -> Result<u32> {
    match duration::parse_seconds(span).map(u32::try_from) {
        Ok(Ok(seconds @ 1..)) => Ok(seconds),
        _ => Err(wrong_default(
            "must be a span such as `90d`, `12h` or `PT1H`",
        )),
    }
}

/// The URLs of issuers by their names, each once.
fn urls(names: &[String], config: &Config) -> Result<Vec<String>> {
    let mut urls: Vec<String> = Vec::new();
    for name in names {
        let issuers = config.ci.as_ref().map(|ci| &ci.issuers);
        let issuer = issuers.and_then(|issuers| issuers.named(name));
        let issuer = issuer.ok_or_else(|| {
            Error::invalid(
                "trusted_issuers_invalid",
                "`trusted_issuers` must name issuers that `CI_ISSUERS` of the deployment has, each \
                 by its URL or its name",
            )
        })?;
        if !urls.iter().any(|url| url == issuer.url()) {
            urls.push(issuer.url().to_owned());
        }
    }
    Ok(urls)
}

/// The refusal of a new token's end.
pub(crate) fn expiry_refused(why: ExpiryRefusal) -> Error {
    match why {
        ExpiryRefusal::Missing => Error::invalid(
            "expiry_required",
            "every new token of this organization needs an end: give it an expiry",
        ),
        ExpiryRefusal::TooLate { max_days } => Error::invalid(
            "lifetime_too_long",
            format!(
                "new tokens of this organization live at most {max_days} days: give an earlier \
                 expiry"
            ),
        ),
    }
}

/// The refusal of an issuer that the organization does not trust.
pub(crate) fn issuer_not_trusted() -> Error {
    Error::Conflict {
        code: "issuer_not_trusted",
        detail: "this organization does not trust the issuer: ask an administrator to add it to \
                 `trusted_issuers`"
            .into(),
    }
}

#[cfg(test)]
mod tests;
