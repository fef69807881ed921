//! `GET /org/activity`: what calls of an organization's tokens have come to, by day, and the last that
//! were refused (R49). It takes `audit:read`, as the audit log does: it tells who calls from where.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::error::{Error, Result};
use super::organization::resolve_id;
use super::ports::{Directory, Ledgers};
use super::tokens::sees_system;
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, decide};
use postern_domain::id::TokenId;
use postern_domain::operation::{Managed, Operation};
use postern_domain::usage::{self, MAX_DAYS};
use postern_ledger::{ActivityRecord, DayActivity, NamedToken, ReadActivityCommand, RefusedCall};
use postern_wire::rfc3339;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    token: Option<TokenId>,
    days: u32,
}

impl Asked {
    /// Reads the parameters of a query: token, days.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn parse(token: Option<&str>, days: Option<&str>) -> Result<Self> {
        let token = token
            .map(TokenId::parse)
            .transpose()
            .map_err(|_| Error::invalid("token_id_invalid", "`token` must be the id of a token"))?;
        let days = match days.map(str::parse) {
            None => MAX_DAYS,
            Some(Ok(days)) if (1..=MAX_DAYS).contains(&days) => days,
            Some(_) => {
                let detail = format!("`days` must be 1 to {MAX_DAYS}");
                return Err(Error::invalid("days_invalid", detail));
            }
        };
        Ok(Self { token, days })
    }
}

/// What is answered.
#[derive(Debug, Serialize)]
pub struct ActivityView {
    /// Each day, oldest first.
    days: Vec<DayView>,
    /// The last calls that were refused, newest first.
    recent: Vec<RefusedView>,
    /// The tokens with most refused calls.
    most_refused: Vec<MostRefusedView>,
    /// The last callers of the token that was named.
    callers: Option<Vec<CallerView>>,
    /// For the administrator alone: it is the whole gateway's.
    offline_failures: Option<FailuresView>,
}

/// What calls of a day have come to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct DayView {
    date: String,
    allowed: u64,
    refused: BTreeMap<String, u64>,
    origin_trouble: u64,
}

/// A call that was refused.
#[derive(Debug, Serialize)]
pub struct RefusedView {
    at: String,
    operation: Option<String>,
    reason: String,
    /// `null` once the Ledger has forgotten it.
    token: Option<TokenView>,
    address: Option<String>,
    request_id: String,
    user_agent: Option<String>,
}

/// A token and how many of its calls were refused.
#[derive(Debug, Serialize)]
pub struct MostRefusedView {
    token: TokenView,
    refused: u64,
}

/// What a token is called.
#[derive(Debug, Clone, Serialize)]
pub struct TokenView {
    id: TokenId,
    name: String,
    prefix: String,
}

/// From where a token was used.
#[derive(Debug, Serialize)]
pub struct CallerView {
    address: Option<String>,
    user_agent: Option<String>,
    last_at: String,
    calls: u64,
}

/// Credentials that failed before any organization was known.
#[derive(Debug, Serialize)]
pub struct FailuresView {
    today: u64,
    yesterday: u64,
}

impl From<DayActivity> for DayView {
    fn from(day: DayActivity) -> Self {
        let begins = rfc3339::print(usage::begins(day.day));
        Self {
            date: begins.get(..10).unwrap_or(&begins).to_owned(),
            allowed: day.allowed,
            refused: day.refused.into_iter().collect(),
            origin_trouble: day.origin_trouble,
        }
    }
}

/// Tells what calls have come to.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization or the token, `Unavailable`.
pub async fn read<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    asked: Asked,
    ports: &P,
) -> Result<ActivityView> {
    let target = Target::Tokens(Managed::OrganizationTokens);
    let permit = decide(caller, Operation::ActivityRead, target)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let command = ReadActivityCommand {
        token: asked.token,
        days: asked.days,
        hides_system: !sees_system(caller),
    };
    let told = ports.send(&permit.over(&organization)?, &command).await?;
    let ActivityRecord {
        days,
        recent,
        most_refused,
        callers,
        tokens,
    } = told.ok_or(Error::NotFound { what: "token" })?;
    let names = tokens.into_iter().map(|named| (named.id, view(named)));
    let names: HashMap<TokenId, TokenView> = names.collect();
    let offline_failures = match caller {
        Caller::Administrator(_) => {
            let [today, yesterday] = ports.offline_failures().await?;
            Some(FailuresView { today, yesterday })
        }
        _ => None,
    };
    let callers = callers.into_iter().map(|caller| CallerView {
        address: caller.address,
        user_agent: caller.user_agent,
        last_at: rfc3339::print(caller.last_at),
        calls: caller.calls,
    });
    let most_refused = most_refused.into_iter().filter_map(|(token, refused)| {
        let token = names.get(&token)?.clone();
        Some(MostRefusedView { token, refused })
    });
    Ok(ActivityView {
        days: days.into_iter().map(DayView::from).collect(),
        most_refused: most_refused.collect(),
        callers: asked.token.map(|_| callers.collect()),
        recent: recent
            .into_iter()
            .map(|call| refused(call, &names))
            .collect(),
        offline_failures,
    })
}

fn view(named: NamedToken) -> TokenView {
    let NamedToken { id, name, prefix } = named;
    TokenView { id, name, prefix }
}

fn refused(call: RefusedCall, names: &HashMap<TokenId, TokenView>) -> RefusedView {
    RefusedView {
        at: rfc3339::print(call.at),
        operation: call.operation,
        reason: call.reason,
        token: names.get(&call.token).cloned(),
        address: call.address,
        request_id: call.request_id,
        user_agent: call.user_agent,
    }
}

#[cfg(test)]
mod tests;
