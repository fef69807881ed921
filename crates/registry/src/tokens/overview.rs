//! `GET /org/overview` (R50): how many tokens of an organization are in which state, and how many were created
//! when. Each figure has a list that shows its tokens, so it counts what the caller's lists show.

use serde::Serialize;

use super::list::confine;
use super::{TokenKinds, reach};
use crate::config::Config;
use crate::error::Result;
use crate::organization::{PauseView, resolve};
use crate::ports::{AuditLog, Clock, Ledgers, Records};
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, decide};
use postern_domain::id::ProjectId;
use postern_domain::operation::{Managed, Operation};
use postern_domain::time::Timestamp;
use postern_domain::usage;
use postern_wire::rfc3339;

/// Hours that an overview tells of.
const HOURS: i64 = 48;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// What counts as soon.
const EXPIRING_MS: i64 = 7 * DAY_MS;
/// What counts as long.
const UNUSED_MS: i64 = 30 * DAY_MS;

/// What is counted, and by which moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalsQuery {
    /// Which tokens the caller's lists show.
    pub reach: TokenKinds,
    /// Only tokens of this project.
    pub project: Option<ProjectId>,
    /// The moment that decides what has expired.
    pub now: Timestamp,
    /// Tokens that end before this one are soon to expire.
    pub soon: Timestamp,
    /// Tokens that are older and were not used since are unused.
    pub unused_since: Timestamp,
    /// When today began, in UTC.
    pub today: Timestamp,
}

/// Active tokens by what they have in common. All but `active` count the quarantined ones too, as lists
/// do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokenTotals {
    /// Those that are not quarantined.
    pub active: u32,
    /// Those that expire within 7 days.
    pub expiring: u32,
    /// Those that never do.
    pub never_expire: u32,
    /// Those that are older than 30 days and were not used for as long.
    pub unused: u32,
    /// Those that are quarantined.
    pub quarantined: u32,
    /// Tokens that were created today, whatever has become of them since.
    pub created_today: u32,
    /// Whether there are more tokens than were looked at.
    pub more: bool,
}

/// How many tokens were created in an hour.
#[derive(Debug, Serialize)]
struct Hour {
    hour: String,
    created: u32,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Overview {
    tokens: TokenTotals,
    /// Most active tokens; `None` = there is no limit.
    ceiling: Option<u32>,
    /// The pause of the organization, where it is paused.
    pause: Option<PauseView>,
    /// Oldest first; `None` for callers that cannot read the audit log.
    mints_by_hour: Option<Vec<Hour>>,
}

/// `GET /org/overview`.
///
/// # Errors
/// `Denied`, `NotFound` for the organization, `Unavailable`.
pub async fn overview<P: AuditLog + Clock + Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    config: &Config,
    ports: &P,
) -> Result<Overview> {
    let reach = reach(caller, Operation::TokenList)?;
    let project = confine(caller, None)?;
    let organization = resolve(caller, organization, ports).await?;
    let now = ports.now();
    let asked = TotalsQuery {
        reach,
        project,
        now,
        soon: now.plus_millis(EXPIRING_MS),
        unused_since: now.plus_millis(-UNUSED_MS),
        today: usage::begins(usage::day(now)),
    };
    let tokens = ports.token_totals(organization.id, &asked).await?;
    let log = Target::Tokens(Managed::OrganizationTokens);
    let mints_by_hour = match decide(caller, Operation::AuditRead, log) {
        Err(_) => None,
        Ok(_) => {
            let last = now.as_millis().div_euclid(HOUR_MS);
            let first = last - HOURS + 1;
            let since = Timestamp::from_millis(first * HOUR_MS);
            let counted = ports.mints_by_hour(organization.id, &asked, since).await?;
            let hour = |hour: i64| Hour {
                hour: rfc3339::print(Timestamp::from_millis(hour * HOUR_MS)),
                created: counted
                    .iter()
                    .find(|(at, _)| *at == hour)
                    .map_or(0, |(_, created)| *created),
            };
            Some((first..=last).map(hour).collect())
        }
    };
    Ok(Overview {
        tokens,
        ceiling: Some(organization.ceiling(config)).filter(|ceiling| *ceiling > 0),
        pause: organization.pause.map(PauseView::from),
        mints_by_hour,
    })
}

#[cfg(test)]
mod tests;
