//! What a job gets of an organization, by the one of its rules that counts: decided in the step that makes
//! its token, so that no rule counts that was removed before.

use core::fmt;

use super::choose::choose;
use super::facts::JobFacts;
use super::job::Job;
use super::rule::TrustRule;
use crate::time::Timestamp;

/// What a job gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant<'r> {
    /// The rule that counts.
    pub rule: &'r TrustRule,
    /// When the job's token ends: with the job token, and no later than the rule allows; in whole seconds.
    pub ends_at: Timestamp,
    /// What is kept of the job.
    pub facts: JobFacts,
}

/// Why a verified job gets nothing: for the log. Whoever presents its token gets
/// [`REFUSED`](super::REFUSED).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGrant {
    /// It meets no rule; [`explain`](super::explain) says why.
    NoRule,
    /// What it would get has ended already.
    Ended,
}

impl fmt::Display for NoGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRule => "the job meets no rule",
            Self::Ended => "the token would have ended already",
        })
    }
}

/// What a job gets whose token ends then, by the rules of one organization.
///
/// # Errors
/// [`NoGrant`].
pub fn grant<'r>(
    rules: impl IntoIterator<Item = &'r TrustRule>,
    job: &Job,
    job_token_ends: Timestamp,
    now: Timestamp,
) -> Result<Grant<'r>, NoGrant> {
    let rule = choose(rules, job).ok_or(NoGrant::NoRule)?;
    let life = i64::from(rule.gives().longest_life_seconds());
    let ends_at = job_token_ends
        .min(now.plus_millis(life * 1000))
        .floor_to_second();
    if ends_at <= now {
        return Err(NoGrant::Ended);
    }
    Ok(Grant {
        rule,
        ends_at,
        facts: JobFacts::of(job, rule.id()),
    })
}
