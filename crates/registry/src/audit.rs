//! The audit log for readers: pages of events, the rows of an export, and checkpoints (R35). It
//! takes `audit:read` at the level of the organization, which no token has by default. What D1
//! returns is checked: a page names the rows that do not fit, and an export is mended.

mod filter;
mod lines;
mod names;
pub mod public;
pub mod tree;
mod view;
pub mod witnesses;

use serde::{Deserialize, Serialize};

pub use filter::{AskedEvents, EventFilter, EventQuery};
pub use lines::{Lines, NDJSON, wants_lines};
use names::Log;
pub use names::MAX_NAMED;
pub use view::{EventView, FaultView};

use super::config::Config;
use super::error::{Error, Result};
use super::organization::resolve_id;
use super::page::EventCursor;
use super::ports::{AuditLog, Directory, Ledgers};
use super::tokens::sees_system;
use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::links::{self, PageFault};
use postern_domain::audit::mend::{KEPT, mend};
use postern_domain::audit::verify::{Problem, Row};
use postern_domain::caller::Caller;
use postern_domain::decide::{Permit, Target, decide};
use postern_domain::id::{self, OrganizationId};
use postern_domain::operation::{Managed, Operation};
use postern_domain::scope::Named;
use postern_ledger::{CheckpointCommand, KeptQuery};

/// Rows of an export that are in memory at a time.
pub const EXPORT_ROWS: u32 = 500;

/// A row of the record with its place in the order of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where in the log it is.
    pub place: EventCursor,
    /// The row.
    pub row: Row,
}

/// A page of events.
#[derive(Debug, Serialize)]
pub struct EventList {
    events: Vec<EventView>,
    /// What of the page does not fit; empty = nothing was found.
    faults: Vec<FaultView>,
    next_cursor: Option<String>,
}

/// A page of checkpoints.
#[derive(Debug, Serialize)]
pub struct CheckpointList {
    checkpoints: Vec<Signed>,
    /// Those that no key of ours has signed, or that belong elsewhere.
    faults: Vec<FaultView>,
    next_cursor: Option<String>,
}

/// Which rows of a list: at most `limit`, after a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The most rows.
    pub limit: u32,
    /// Where the page before ended.
    pub after: Option<EventCursor>,
}

impl Span {
    /// Reads `limit` and `cursor` as they stand in a query.
    ///
    /// # Errors
    /// As `Page::parse`.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self> {
        Ok(Self {
            limit: super::page::limit(limit)?,
            after: cursor.map(super::page::event_cursor).transpose()?,
        })
    }

    fn cut<T>(
        &self,
        mut rows: Vec<T>,
        place: impl Fn(&T) -> EventCursor,
    ) -> (Vec<T>, Option<String>) {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| place(row).print());
        (rows, next)
    }
}

/// The permit to read the log or to sign a checkpoint of it. Both take the right to read: a
/// checkpoint changes nothing in the log.
fn permit(caller: &Caller, operation: Operation) -> Result<Permit> {
    let target = Target::Tokens(Managed::OrganizationTokens);
    Ok(decide(caller, operation, target)?)
}

/// `GET /org/audit`: newest first.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, or for a token by its name or prefix,
/// `Unavailable`.
pub async fn list<P: AuditLog + Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    query: &EventQuery,
    span: &Span,
    config: &Config,
    ports: &P,
) -> Result<EventList> {
    permit(caller, Operation::AuditRead)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let log = Log {
        organization: organization.id,
        with_system: sees_system(caller),
    };
    let filter = names::meant(query, log, ports).await?;
    let rows = ports.events(organization.id, &filter, span).await?;
    let numbered = rows
        .iter()
        .map(|listed| (listed.place.sequence, &listed.row));
    let audit = &config.root_keys.audit;
    let mut faults = links::check(numbered, organization.id, audit, filter.is_whole());
    // The row behind the page served to check the last one on it; its own faults are the next
    // page's.
    if let Some(behind) = rows.get(span.limit as usize) {
        faults.retain(|fault| fault.sequence != behind.place.sequence);
    }
    let mut confirmed = Vec::new();
    for fault in faults {
        if !elsewhere(&fault, organization.id, ports).await? {
            confirmed.push(fault.into());
        }
    }
    let (rows, next_cursor) = span.cut(rows, |listed| listed.place);
    let events = rows.into_iter();
    let mut events: Vec<EventView> = events
        .filter_map(|listed| EventView::of(listed.row))
        .collect();
    names::name(&mut events, log, ports).await?;
    Ok(EventList {
        events,
        faults: confirmed,
        next_cursor,
    })
}

/// Whether rows that a page lacks are there after all. A page is ordered by time, and the clock of
/// a Ledger that moves to another machine can go back: then a row stands on the page before or
/// after.
async fn elsewhere<P: AuditLog>(
    fault: &PageFault,
    organization: OrganizationId,
    ports: &P,
) -> Result<bool> {
    let Problem::Missing { from, to } = fault.problem else {
        return Ok(false);
    };
    let rows = ports
        .rows(organization, from.saturating_sub(1), to, EXPORT_ROWS)
        .await?;
    Ok(rows.len() as u64 == to.saturating_sub(from) + 1)
}

/// An export that may begin.
#[derive(Debug)]
pub struct Export {
    /// Whose log it is.
    pub organization: Named<id::Organization>,
    /// The sequence up to which it goes.
    pub up_to: u64,
    /// Its last line.
    pub checkpoint: Signed,
}

/// `GET /org/audit` as NDJSON, up to its first row: the rows come by [`piece`]. The Ledger delivers
/// what is pending first, and signs how far the log reaches.
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
    let grant = permit.over(&organization)?;
    let checkpoint = ports.send(&grant, &command).await?;
    #[derive(Deserialize)]
    struct Reach {
        sequence: u64,
    }
    let reach: Reach = serde_json::from_str(&checkpoint.checkpoint).map_err(Error::unavailable)?;
    Ok(Export {
        organization,
        up_to: reach.sequence,
        checkpoint,
    })
}

/// Rows of an export.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// The rows, each with its number.
    pub rows: Vec<(u64, Row)>,
    /// The number behind which the next ones are; `None` = these are the last.
    pub next: Option<u64>,
}

/// The rows of an export behind a number. Those that D1 lacks, or has differently, are the Ledger's
/// copy where it has one; should neither have a row, the check of the export tells.
///
/// # Errors
/// `Unavailable`.
pub async fn piece<P: AuditLog + Ledgers>(
    organization: &Named<id::Organization>,
    after: u64,
    up_to: u64,
    ports: &P,
) -> Result<Piece> {
    let recorded = ports
        .rows(organization.id, after, up_to, EXPORT_ROWS)
        .await?;
    let last = recorded.last().map(|(sequence, _)| *sequence);
    let next = last.filter(|_| recorded.len() >= EXPORT_ROWS as usize);
    // What the Ledger has is at the end of the log, and may have moved on since.
    let oldest = up_to.saturating_sub(KEPT);
    let query = KeptQuery {
        after: after.max(oldest),
        up_to: next.unwrap_or(up_to),
    };
    let kept = match query.after < query.up_to {
        true => ports.kept_events(organization, query).await?,
        false => Vec::new(),
    };
    Ok(Piece {
        rows: mend(recorded, kept),
        next,
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
    ports.send(&permit.over(&organization)?, &command).await
}

/// `GET /org/audit/checkpoints`: newest first.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn checkpoints<P: AuditLog + Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    span: &Span,
    config: &Config,
    ports: &P,
) -> Result<CheckpointList> {
    permit(caller, Operation::AuditRead)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let rows = ports.checkpoints(organization.id, span).await?;
    let (rows, next_cursor) = span.cut(rows, |(place, _)| *place);
    let audit = &config.root_keys.audit;
    let check = |(place, signed): &(EventCursor, Signed)| {
        links::check_signed(place.sequence, signed, organization.id, audit)
    };
    Ok(CheckpointList {
        faults: rows.iter().filter_map(check).map(Into::into).collect(),
        checkpoints: rows.into_iter().map(|(_, signed)| signed).collect(),
        next_cursor,
    })
}

#[cfg(test)]
mod tests;
