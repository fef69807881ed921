//! What an organization allows for all its tokens (R53): whether it is paused, and what new tokens
//! must keep to.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// The most days that new tokens can be allowed to live: ten years.
pub const MAX_LIFETIME_DAYS: u32 = 3_650;
/// The most characters of the reason for a pause.
pub const MAX_REASON: usize = 200;

/// What is told of every call that a pause refuses.
pub const PAUSED: &str = "the organization is paused: nothing is done for its tokens, and none is \
                          created, until an administrator resumes it";

const DAY_MS: i64 = 86_400_000;
/// By how much the end of a new token may be later than the Ledger's clock allows: the gateway counts
/// by a clock of its own.
const SKEW_MS: i64 = 60_000;

/// A pause: from then on nothing is done in the name of the organization's tokens, and none is
/// created, until somebody resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// Who paused, as lists name creators.
    pub by: String,
    /// Why, in the words of whoever paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is wrong with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonError {
    /// It has too many characters.
    TooLong,
    /// It has a control character.
    Control,
}

impl fmt::Display for ReasonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "must have at most {MAX_REASON} characters"),
            Self::Control => write!(f, "must have no control characters"),
        }
    }
}

/// The reason for a pause; `None` for a text without any but blanks.
///
/// # Errors
/// What is wrong with it.
pub fn reason(text: &str) -> Result<Option<String>, ReasonError> {
    let text = text.trim();
    if text.chars().count() > MAX_REASON {
        return Err(ReasonError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(ReasonError::Control);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// What new tokens of an organization must keep to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPolicy {
    /// How many days a new token lives at most; 0 = as long as its creator wants.
    pub max_lifetime_days: u32,
    /// For how many seconds a token lives whose creator names no end; `None` = as long as
    /// `max_lifetime_days` allows, or without an end.
    pub default_expires_in: Option<u32>,
    /// The URLs of the issuers whose CI jobs can get tokens; `None` = every issuer of the deployment.
    pub trusted_issuers: Option<Vec<String>>,
}

/// Why the end of a new token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExpiryRefusal {
    /// It has none, and every new token needs one here.
    Missing,
    /// It is too late.
    TooLate {
        /// How many days a new token lives at most.
        max_days: u32,
    },
}

impl OrganizationPolicy {
    /// The latest end of a token that is made now; `None` = any.
    fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        (self.max_lifetime_days > 0)
            .then(|| now.plus_millis(DAY_MS * i64::from(self.max_lifetime_days)))
    }

    /// The end of a token whose creator names none; `None` = it has none. In whole seconds.
    pub fn default_end(&self, now: Timestamp) -> Option<Timestamp> {
        let latest = self.latest(now);
        let usual = self
            .default_expires_in
            .map(|seconds| now.plus_millis(1_000 * i64::from(seconds)));
        let end = match (usual, latest) {
            (Some(usual), Some(latest)) => Some(usual.min(latest)),
            (usual, latest) => usual.or(latest),
        };
        end.map(Timestamp::floor_to_second)
    }

    /// Whether a token that ends then can be made now.
    ///
    /// # Errors
    /// Why not.
    pub fn check_end(&self, end: Option<Timestamp>, now: Timestamp) -> Result<(), ExpiryRefusal> {
        let max_days = self.max_lifetime_days;
        match (end, self.latest(now)) {
            (None, Some(_)) => Err(ExpiryRefusal::Missing),
            (None, None) if self.default_expires_in.is_some() => Err(ExpiryRefusal::Missing),
            (Some(end), Some(latest)) if end > latest.plus_millis(SKEW_MS) => {
                Err(ExpiryRefusal::TooLate { max_days })
            }
            _ => Ok(()),
        }
    }

    /// Whether the jobs of the issuer of this URL can get tokens.
    pub fn trusts(&self, issuer: &str) -> bool {
        match &self.trusted_issuers {
            None => true,
            Some(trusted) => trusted.iter().any(|url| url == issuer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn policy(max_lifetime_days: u32, default_expires_in: Option<u32>) -> OrganizationPolicy {
        OrganizationPolicy {
            max_lifetime_days,
            default_expires_in,
            trusted_issuers: None,
        }
    }

    #[test]
    fn r53_a_token_whose_creator_names_no_end_gets_the_default() {
        let now = Timestamp::from_millis(5_999);
        let day = i64::from(DAY);
        let rows = [
            (policy(0, None), None),
            (policy(0, Some(60)), Some(at(65))),
            (policy(2, None), Some(at(5 + 2 * day))),
            (policy(2, Some(DAY)), Some(at(5 + day))),
            // The default is longer than what is allowed, as after the limit was lowered.
            (policy(1, Some(2 * DAY)), Some(at(5 + day))),
        ];
        for (policy, end) in rows {
            assert_eq!(policy.default_end(now), end, "{policy:?}");
            // What the default gives is never refused, nor what it gives a moment later.
            assert_eq!(policy.check_end(end, now), Ok(()), "{policy:?}");
        }
    }

    #[test]
    fn r53_an_end_that_is_missing_or_too_late_is_refused() {
        let day = i64::from(DAY);
        let late = Err(ExpiryRefusal::TooLate { max_days: 2 });
        let missing = Err(ExpiryRefusal::Missing);
        let rows = [
            (policy(0, None), None, Ok(())),
            (policy(0, None), Some(at(99_999 * day)), Ok(())),
            (policy(0, Some(60)), None, missing),
            // The default is no limit.
            (policy(0, Some(60)), Some(at(99_999 * day)), Ok(())),
            (policy(2, None), None, missing),
            (policy(2, None), Some(at(2 * day)), Ok(())),
            (policy(2, None), Some(at(2 * day + 60)), Ok(())),
            (policy(2, None), Some(at(2 * day + 61)), late),
        ];
        for (policy, end, expected) in rows {
            assert_eq!(policy.check_end(end, at(0)), expected, "{policy:?} {end:?}");
        }
    }

    #[test]
    fn r53_issuers_are_trusted_by_their_whole_url() {
        let url = "https://token.actions.githubusercontent.com";
        let with = |trusted: Option<&[&str]>| OrganizationPolicy {
            trusted_issuers: trusted.map(|urls| urls.iter().map(|url| (*url).to_owned()).collect()),
            ..policy(0, None)
        };
        assert!(with(None).trusts(url));
        assert!(with(Some(&["https://else.example", url])).trusts(url));
        assert!(!with(Some(&[])).trusts(url));
        assert!(!with(Some(&["https://token.actions.githubusercontent.co"])).trusts(url));
        assert!(!with(Some(&["https://token.actions.githubusercontent.com/"])).trusts(url));
    }

    #[test]
    fn a_reason_is_short_and_can_be_shown() {
        let long = "x".repeat(MAX_REASON);
        assert_eq!(reason(" a leak "), Ok(Some("a leak".to_owned())));
        assert_eq!(reason(" \n "), Ok(None));
        assert_eq!(reason(&long), Ok(Some(long.clone())));
        assert_eq!(reason(&format!("{long}x")), Err(ReasonError::TooLong));
        assert_eq!(reason("a\nb"), Err(ReasonError::Control));
    }
}
