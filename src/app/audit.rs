//! The audit log for readers: pages of events, the rows of an export, and checkpoints (R35). Refuses
//! whoever does not hold `audit:read` at the level of the organization; nothing grants it by default.

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::ledger::CheckpointCommand;
use super::organization::resolve_id;
use super::page::Place;
use super::ports::{AuditLog, Directory, Ledgers};
use crate::domain::audit::checkpoint::Signed;
use crate::domain::audit::verify::Row;
use crate::domain::audit::{Action, Changes, Origin};
use crate::domain::caller::Caller;
use crate::domain::decide::{Permit, Target, decide};
use crate::domain::id::{OrganizationId, TokenId};
use crate::domain::operation::{Managed, Operation};
use crate::domain::time::Timestamp;
use crate::wire::rfc3339;

/// Rows of an export that are in memory at a time.
pub const EXPORT_ROWS: u32 = 500;
/// Longest text to search an actor by; none is longer.
const MAX_ACTOR: usize = 200;

/// Which events; all that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub action: Option<Action>,
    pub actor: Option<String>,
    pub token: Option<TokenId>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Reads the parameters of a query: action, actor, token, since, until.
    ///
    /// # Errors
    /// `Invalid` for what no event could fit.
    pub fn parse(
        action: Option<&str>,
        actor: Option<&str>,
        token: Option<&str>,
        since: Option<&str>,
        until: Option<&str>,
    ) -> Result<Self> {
        let action = action.map(|word| {
            Action::parse(word).ok_or_else(|| {
                Error::invalid(
                    "action_invalid",
                    "`action` must be one of the log's actions, such as `token.mint`",
                )
            })
        });
        let token = token.map(|id| {
            TokenId::parse(id).map_err(|_| {
                Error::invalid("token_id_invalid", "`token` must be the id of a token")
            })
        });
        let moment = |text: Option<&str>| {
            text.map(|text| {
                rfc3339::parse(text).ok_or_else(|| {
                    Error::invalid(
                        "moment_invalid",
                        "`since` and `until` must be RFC 3339 moments such as \
                         `2030-01-31T12:00:00Z`",
                    )
                })
            })
            .transpose()
        };
        if actor.is_some_and(|actor| actor.len() > MAX_ACTOR) {
            return Err(Error::invalid(
                "actor_invalid",
                format!("`actor` must have at most {MAX_ACTOR} bytes"),
            ));
        }
        Ok(Self {
            action: action.transpose()?,
            actor: actor.map(str::to_owned),
            token: token.transpose()?,
            since: moment(since)?,
            until: moment(until)?,
        })
    }
}

/// An event as it is written, read leniently: actions of later releases are words too.
#[derive(Deserialize)]
struct Written {
    organization_id: OrganizationId,
    sequence: u64,
    at: Timestamp,
    action: String,
    token_id: Option<TokenId>,
    token_prefix: Option<String>,
    origin: Origin,
    replaces: Option<TokenId>,
    target: Option<String>,
    outcome: Option<String>,
    count: Option<u64>,
    changes: Option<Changes>,
}

/// An event as it is answered.
#[derive(Debug, Serialize)]
pub struct EventView {
    organization_id: OrganizationId,
    sequence: u64,
    at: String,
    action: String,
    actor: String,
    tier: String,
    token_id: Option<TokenId>,
    token_prefix: Option<String>,
    replaces: Option<TokenId>,
    target: Option<String>,
    /// `ok`, or the code of a refusal.
    outcome: String,
    count: Option<u64>,
    changes: Option<Changes>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: String,
    previous: String,
    link: String,
    kid: String,
}

impl EventView {
    /// The view of a row.
    ///
    /// # Errors
    /// `Unavailable` for a row whose content is no event: somebody has changed it.
    pub fn of(row: Row) -> Result<Self> {
        let event: Written = serde_json::from_str(&row.content)
            .map_err(|error| Error::unavailable(format!("an audit row does not parse: {error}")))?;
        Ok(Self {
            organization_id: event.organization_id,
            sequence: event.sequence,
            at: rfc3339::print(event.at),
            action: event.action,
            actor: event.origin.actor,
            tier: event.origin.tier,
            token_id: event.token_id,
            token_prefix: event.token_prefix,
            replaces: event.replaces,
            target: event.target,
            outcome: event.outcome.unwrap_or_else(|| "ok".to_owned()),
            count: event.count,
            changes: event.changes,
            address: event.origin.address,
            user_agent: event.origin.user_agent,
            request_id: event.origin.request_id,
            previous: row.previous,
            link: row.link,
            kid: row.kid,
        })
    }
}

/// A row of the record with its place in the order of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub place: Place,
    pub row: Row,
}

/// A page of events.
#[derive(Debug, Serialize)]
pub struct EventList {
    events: Vec<EventView>,
    next_cursor: Option<String>,
}

/// A page of checkpoints.
#[derive(Debug, Serialize)]
pub struct CheckpointList {
    checkpoints: Vec<Signed>,
    next_cursor: Option<String>,
}

/// Which rows of a list: at most `limit`, after a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub limit: u32,
    pub after: Option<Place>,
}

impl Span {
    /// Reads `limit` and `cursor` as they stand in a query.
    ///
    /// # Errors
    /// As `Page::parse`.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self> {
        Ok(Self {
            limit: super::page::limit(limit)?,
            after: cursor.map(Place::read).transpose()?,
        })
    }

    fn cut<T>(&self, mut rows: Vec<T>, place: impl Fn(&T) -> Place) -> (Vec<T>, Option<String>) {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| place(row).print());
        (rows, next)
    }
}

/// Whoever may read the log may sign how far it reaches too: that changes nothing of it.
fn permit(caller: &Caller, operation: Operation) -> Result<Permit> {
    let target = Target::Tokens(Managed::OrganizationTokens);
    Ok(decide(caller, operation, target)?)
}

/// `GET /org/audit`: newest first.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn list<P: AuditLog + Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    filter: &Filter,
    span: &Span,
    ports: &P,
) -> Result<EventList> {
    permit(caller, Operation::AuditRead)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let rows = ports.events(organization.id, filter, span).await?;
    let (rows, next_cursor) = span.cut(rows, |listed| listed.place);
    let events = rows.into_iter().map(|listed| EventView::of(listed.row));
    Ok(EventList {
        events: events.collect::<Result<_>>()?,
        next_cursor,
    })
}

/// An export that may begin.
#[derive(Debug)]
pub struct Export {
    pub organization: OrganizationId,
    /// The sequence up to which it goes.
    pub up_to: u64,
    /// Its last line.
    pub checkpoint: Signed,
}

/// `GET /org/audit` as NDJSON, up to its first row. The Ledger delivers what is pending first, and
/// signs how far the log reaches: should D1 lack a row of it, the check of the export tells.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn export<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    ports: &P,
) -> Result<Export> {
    let permit = permit(caller, Operation::AuditRead)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let command = CheckpointCommand {
        organization: organization.id,
        keep: false,
    };
    let checkpoint = ports.checkpoint(&permit, &organization, &command).await?;
    #[derive(Deserialize)]
    struct Reach {
        sequence: u64,
    }
    let reach: Reach = serde_json::from_str(&checkpoint.checkpoint).map_err(Error::unavailable)?;
    Ok(Export {
        organization: organization.id,
        up_to: reach.sequence,
        checkpoint,
    })
}

/// `POST /org/audit/checkpoints`: one now, kept.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn checkpoint<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    ports: &P,
) -> Result<Signed> {
    let permit = permit(caller, Operation::AuditCheckpoint)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let command = CheckpointCommand {
        organization: organization.id,
        keep: true,
    };
    ports.checkpoint(&permit, &organization, &command).await
}

/// `GET /org/audit/checkpoints`: newest first.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn checkpoints<P: AuditLog + Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    span: &Span,
    ports: &P,
) -> Result<CheckpointList> {
    permit(caller, Operation::AuditRead)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let rows = ports.checkpoints(organization.id, span).await?;
    let (rows, next_cursor) = span.cut(rows, |(place, _)| *place);
    Ok(CheckpointList {
        checkpoints: rows.into_iter().map(|(_, signed)| signed).collect(),
        next_cursor,
    })
}

#[cfg(test)]
mod tests;
